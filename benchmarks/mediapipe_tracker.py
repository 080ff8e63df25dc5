"""The tracker as it was on MediaPipe, to compare ours with: the same detect, track and person_mask.

Needs `pip install mediapipe==0.10.21`.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from mediapipe.python import solutions

from rhapsode.face.tracker import Face


class MediaPipeTracker:
    """Finds faces by MediaPipe's face mesh and face detection, and people by its selfie segmentation."""

    def __init__(self) -> None:
        self._still = solutions.face_mesh.FaceMesh(
            static_image_mode=True, max_num_faces=8, refine_landmarks=True, min_detection_confidence=0.4
        )
        # Its own score wanted, 0.6, is not changed by min_detection_confidence.
        self._far = solutions.face_detection.FaceDetection(model_selection=1)
        self._person = solutions.selfie_segmentation.SelfieSegmentation(model_selection=0)

    def detect(self, image: np.ndarray) -> list[Face]:
        boxes = [face.box for face in self._meshes(image)] + self._far_boxes(image)
        faces: list[Face] = []
        for box in boxes:
            face = self._refine(image, box)
            if face is not None and not any(_same_face(face, other) for other in faces):
                faces.append(face)
        return sorted(faces, key=lambda face: face.eye_distance, reverse=True)

    def track(self, frames: Iterable[np.ndarray]) -> Iterator[Face | None]:
        with solutions.face_mesh.FaceMesh(max_num_faces=1, refine_landmarks=True) as mesh:
            for frame in frames:
                found = mesh.process(frame).multi_face_landmarks
                yield Face(_to_pixels(found[0].landmark, frame)) if found else None

    def person_mask(self, image: np.ndarray) -> np.ndarray:
        return np.clip(self._person.process(image).segmentation_mask, 0.0, 1.0)

    def _meshes(self, image: np.ndarray) -> list[Face]:
        found = self._still.process(np.ascontiguousarray(image)).multi_face_landmarks or []
        return [Face(_to_pixels(face.landmark, image)) for face in found]

    def _far_boxes(self, image: np.ndarray) -> list[tuple[float, float, float, float]]:
        height, width = image.shape[:2]
        found = self._far.process(np.ascontiguousarray(image)).detections or []
        boxes = [one.location_data.relative_bounding_box for one in found]
        return [
            (b.xmin * width, b.ymin * height, (b.xmin + b.width) * width, (b.ymin + b.height) * height) for b in boxes
        ]

    def _refine(self, image: np.ndarray, box: tuple[float, float, float, float]) -> Face | None:
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


def _to_pixels(landmarks: Iterable, picture: np.ndarray) -> np.ndarray:
    height, width = picture.shape[:2]
    points = np.array([(p.x, p.y, p.z) for p in landmarks], np.float32)
    # MediaPipe scales z as x: by the width of the picture.
    return points * np.array([width, height, width], np.float32)


def _contains(face: Face, x: float, y: float) -> bool:
    left, top, right, bottom = face.box
    return left <= x <= right and top <= y <= bottom


def _same_face(one: Face, other: Face) -> bool:
    gap = np.linalg.norm(one.mesh[:, :2].mean(0) - other.mesh[:, :2].mean(0))
    return bool(gap < 0.5 * max(one.eye_distance, other.eye_distance))
