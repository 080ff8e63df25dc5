"""Find faces and people in pictures. The only file that knows MediaPipe, so that it can be replaced."""

import contextlib
import os
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import version
from types import TracebackType
from typing import Any, Final, Protocol

import numpy as np

from rhapsode.face.landmarks import MESH_TO_68

#: Names what finds faces here: changed whenever the same picture would give other points.
TRACKER_VERSION: Final = f"1, mediapipe {version('mediapipe')}"

_MESH_POINTS = 478


@dataclass(frozen=True)
class Face:
    """One face in one picture.

    Attributes:
        mesh: (478, 3) float32, image pixels: x right, y down, z away from the viewer (same scale as x, 0 near
            the middle of the head).
    """

    mesh: np.ndarray

    @property
    def landmarks(self) -> np.ndarray:
        """The 68 landmarks, (68, 3) float32, image pixels."""
        return self.mesh[MESH_TO_68]

    @property
    def eye_distance(self) -> float:
        """Distance between the outer corners of the eyes, in pixels."""
        corners = self.landmarks[[36, 45], :2]
        return float(np.linalg.norm(corners[1] - corners[0]))

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the mesh, in pixels."""
        (left, top), (right, bottom) = self.mesh[:, :2].min(0), self.mesh[:, :2].max(0)
        return float(left), float(top), float(right), float(bottom)


class PictureTracker(Protocol):
    """Finds faces and people in still pictures."""

    def detect(self, image: np.ndarray) -> list[Face]:
        """Every face found, largest first."""
        ...

    def person_mask(self, image: np.ndarray) -> np.ndarray:
        """How surely each pixel belongs to a person, (H, W) float32 in [0, 1]."""
        ...


class _QuietNativeLog:
    """Keeps MediaPipe's native log, which no Python setting reaches, off the user's terminal.

    The process has one stderr: of several threads the first turns it off and the last turns it on again.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._inside = 0
        self._saved: int | None = None

    def __enter__(self) -> None:
        with self._lock:
            self._inside += 1
            # A process without stderr (a daemon) has nothing to keep clean.
            if self._inside == 1:
                with contextlib.suppress(OSError):
                    self._saved = os.dup(2)
                    sink = os.open(os.devnull, os.O_WRONLY)
                    os.dup2(sink, 2)
                    os.close(sink)

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._inside -= 1
            if not self._inside and self._saved is not None:
                os.dup2(self._saved, 2)
                os.close(self._saved)
                self._saved = None


_quiet_native_log = _QuietNativeLog()


class FaceTracker:
    """Finds face meshes in pictures and videos, and people in pictures. Use as a context manager.

    A tracker holds native resources and is not safe to share between threads.
    """

    def __init__(self) -> None:
        os.environ.setdefault("GLOG_minloglevel", "2")
        with _quiet_native_log:
            from mediapipe.python import solutions

            self._solutions = solutions
            self._still = solutions.face_mesh.FaceMesh(
                static_image_mode=True, max_num_faces=8, refine_landmarks=True, min_detection_confidence=0.4
            )
            self._still.process(np.zeros((64, 64, 3), np.uint8))
        self._opened = contextlib.ExitStack()
        self._opened.callback(self._still.close)

    def __enter__(self) -> "FaceTracker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free the native resources."""
        self._opened.close()

    def detect(self, image: np.ndarray) -> list[Face]:
        """Every face found in a still picture, largest first.

        Each face is looked at twice, the second time in a crop around it, so that a small face in a large
        picture is measured as finely as a large one.

        Args:
            image: (H, W, 3) uint8 RGB.
        """
        boxes = [face.box for face in self._meshes(image)] + self._boxes_by_long_range_detector(image)
        faces: list[Face] = []
        for box in boxes:
            face = self._refine(image, box)
            if face is not None and not any(_same_face(face, other) for other in faces):
                faces.append(face)
        return sorted(faces, key=lambda face: face.eye_distance, reverse=True)

    def track(self, frames: Iterable[np.ndarray]) -> Iterator[Face | None]:
        """The face of each frame of a video with one person, or None where none is found.

        Args:
            frames: (H, W, 3) uint8 RGB pictures, all of one size.
        """
        with _quiet_native_log:
            mesh = self._solutions.face_mesh.FaceMesh(max_num_faces=1, refine_landmarks=True)
            # It logs while it starts, in threads of its own, and has started once it has seen a picture.
            mesh.process(np.zeros((64, 64, 3), np.uint8))
        with mesh:
            for frame in frames:
                with _quiet_native_log:
                    found = mesh.process(frame).multi_face_landmarks
                yield Face(_to_pixels(found[0].landmark, frame)) if found else None

    def person_mask(self, image: np.ndarray) -> np.ndarray:
        """How surely each pixel belongs to a person, (H, W) float32 in [0, 1].

        Args:
            image: (H, W, 3) uint8 RGB.
        """
        with _quiet_native_log:
            mask = self._segmentation.process(image).segmentation_mask
        return np.clip(mask, 0.0, 1.0).astype(np.float32)

    @cached_property
    def _segmentation(self) -> Any:
        return self._opened.enter_context(self._solutions.selfie_segmentation.SelfieSegmentation(model_selection=0))

    @cached_property
    def _long_range_detector(self) -> Any:
        detection = self._solutions.face_detection.FaceDetection
        return self._opened.enter_context(detection(model_selection=1, min_detection_confidence=0.3))

    def _meshes(self, image: np.ndarray) -> list[Face]:
        with _quiet_native_log:
            found = self._still.process(np.ascontiguousarray(image)).multi_face_landmarks or []
        return [Face(_to_pixels(face.landmark, image)) for face in found]

    def _refine(self, image: np.ndarray, box: tuple[float, float, float, float]) -> Face | None:
        """The face in a square crop of twice the box, in pixels of the whole picture."""
        height, width = image.shape[:2]
        x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
        half = max(box[2] - box[0], box[3] - box[1])
        left, top = max(int(x - half), 0), max(int(y - half), 0)
        crop = image[top : min(int(y + half), height), left : min(int(x + half), width)]
        if min(crop.shape[:2]) < 8:
            return None
        inside = [face for face in self._meshes(crop) if _contains(face, x - left, y - top)]
        if not inside:
            return None
        best = max(inside, key=lambda face: face.eye_distance)
        return Face(best.mesh + np.array([left, top, 0], np.float32))

    def _boxes_by_long_range_detector(self, image: np.ndarray) -> list[tuple[float, float, float, float]]:
        height, width = image.shape[:2]
        with _quiet_native_log:
            found = self._long_range_detector.process(np.ascontiguousarray(image)).detections or []
        boxes = [one.location_data.relative_bounding_box for one in found]
        return [
            (b.xmin * width, b.ymin * height, (b.xmin + b.width) * width, (b.ymin + b.height) * height) for b in boxes
        ]


def _to_pixels(landmarks: Iterable, picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    points = np.array([(p.x, p.y, p.z) for p in landmarks], np.float32)[:_MESH_POINTS]
    # MediaPipe scales z as x: by the width of the picture.
    return points * np.array([width, height, width], np.float32)


def _contains(face: Face, x: float, y: float) -> bool:
    left, top, right, bottom = face.box
    return left <= x <= right and top <= y <= bottom


def _same_face(one: Face, other: Face) -> bool:
    gap = np.linalg.norm(one.mesh[:, :2].mean(0) - other.mesh[:, :2].mean(0))
    return bool(gap < 0.5 * max(one.eye_distance, other.eye_distance))
