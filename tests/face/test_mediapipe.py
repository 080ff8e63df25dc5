"""Our tracker against MediaPipe, which its networks come from, where that is installed."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from rhapsode.face.tracker import FaceTracker

solutions = pytest.importorskip(
    "mediapipe.python.solutions", reason="mediapipe is not installed: nothing to compare with"
)


@pytest.fixture(scope="module")
def tracker() -> Iterator[FaceTracker]:
    with FaceTracker() as tracker:
        yield tracker


def mesh_of(landmarks: Any, size: int) -> np.ndarray:
    return np.array([(point.x, point.y, point.z) for point in landmarks], np.float32) * size


def test_a_face_in_motion_has_the_points_that_mediapipe_finds(tracker: FaceTracker, astronaut: np.ndarray) -> None:
    frames = [np.ascontiguousarray(astronaut[2 * i : 2 * i + 300, 90 - 4 * i : 390 - 4 * i]) for i in range(6)]
    with solutions.face_mesh.FaceMesh(max_num_faces=1, refine_landmarks=True) as theirs:
        for frame, face in zip(frames, tracker.track(frames), strict=True):
            (found,) = theirs.process(frame).multi_face_landmarks
            assert face is not None
            gaps = np.linalg.norm(face.mesh[:, :2] - mesh_of(found.landmark, 300)[:, :2], axis=1) / face.eye_distance
            assert gaps.mean() < 0.005 and gaps.max() < 0.02
            assert np.abs(face.mesh[:, 2] - mesh_of(found.landmark, 300)[:, 2]).max() / face.eye_distance < 0.02


def test_a_person_has_the_mask_that_mediapipe_finds(tracker: FaceTracker, astronaut: np.ndarray) -> None:
    with solutions.selfie_segmentation.SelfieSegmentation(model_selection=0) as theirs:
        wanted = np.clip(theirs.process(astronaut).segmentation_mask, 0, 1)
    np.testing.assert_allclose(tracker.person_mask(astronaut), wanted, atol=1e-3)
