import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from rhapsode.face.tracker import FaceTracker, _quiet_native_log


@pytest.fixture(scope="module")
def tracker() -> Iterator[FaceTracker]:
    with FaceTracker() as tracker:
        yield tracker


@pytest.fixture(scope="module")
def astronaut() -> np.ndarray:
    return np.asarray(skimage.data.astronaut())


def test_the_eyes_and_the_mouth_of_a_portrait_are_where_they_are(tracker: FaceTracker, astronaut: np.ndarray) -> None:
    (face,) = tracker.detect(astronaut)
    assert face.mesh.shape == (478, 3) and face.landmarks.shape == (68, 3)
    # Read off the picture by eye.
    assert np.abs(face.landmarks[36:42, :2].mean(0) - [204, 101]).max() < 6
    assert np.abs(face.landmarks[48:68, :2].mean(0) - [224, 145]).max() < 6


def test_a_small_face_in_a_large_picture_is_measured_as_finely(tracker: FaceTracker, astronaut: np.ndarray) -> None:
    (alone,) = tracker.detect(astronaut)
    large = np.full((1600, 1600, 3), 128, np.uint8)
    large[500:1012, 700:1212] = astronaut
    (found,) = tracker.detect(large)
    assert np.abs(found.landmarks[:, :2] - [700, 500] - alone.landmarks[:, :2]).mean() < 1.0


def test_of_two_faces_the_larger_comes_first(tracker: FaceTracker, astronaut: np.ndarray) -> None:
    small = np.asarray(Image.fromarray(astronaut[:256, 100:356]).resize((160, 160)))
    both = np.full((512, 760, 3), 128, np.uint8)
    both[:, :512] = astronaut
    both[100:260, 590:750] = small
    faces = tracker.detect(both)
    assert len(faces) == 2
    assert faces[0].landmarks[30, 0] < 512 < faces[1].landmarks[30, 0]
    assert faces[0].eye_distance > faces[1].eye_distance


def test_no_face_is_found_where_there_is_none(tracker: FaceTracker) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (256, 256, 3), dtype=np.uint8)
    assert tracker.detect(noise) == []


def test_the_person_mask_holds_the_face_and_not_the_background(tracker: FaceTracker, astronaut: np.ndarray) -> None:
    mask = tracker.person_mask(astronaut)
    assert mask.shape == (512, 512) and mask.dtype == np.float32
    assert mask[110:160, 200:240].min() > 0.9
    assert mask[20:80, 20:60].max() < 0.1


def test_a_clip_gives_a_face_for_each_frame_and_none_for_an_empty_one(
    tracker: FaceTracker, astronaut: np.ndarray
) -> None:
    empty = np.zeros_like(astronaut)
    faces = list(tracker.track([astronaut, astronaut, empty]))
    assert [face is not None for face in faces] == [True, True, False]


def test_stderr_comes_back_when_the_last_of_several_is_done() -> None:
    before = os.fstat(2)
    with _quiet_native_log:
        with _quiet_native_log:
            pass
        assert os.path.samestat(os.fstat(2), Path(os.devnull).stat())
    assert os.path.samestat(os.fstat(2), before)
