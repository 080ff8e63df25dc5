"""A face in a picture: its mesh, and what is read off it."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from rhapsode.face.landmarks import MESH_TO_68


@dataclass(frozen=True)
class Face:
    """One face in one picture.

    Attributes:
        mesh: (478, 3) float32, image pixels: x right, y down, z away from the viewer (same scale as x, 0 near
            the middle of the head).
        score: How surely there is a face where the mesh was measured, 0 to 1.
        measured: Whether it was; False for a mean face that was laid on a few points: where the lids are is not known.
    """

    mesh: np.ndarray
    score: float = 1.0
    measured: bool = True

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

    def scaled(self, scale: np.ndarray, left: float = 0, top: float = 0) -> "Face":
        """The same face where its picture is scaled, (2,) across and down, and then cut at `left` and `top`."""
        mesh = self.mesh * np.array([*scale, scale.mean()], np.float32) - np.array([left, top, 0], np.float32)
        return Face(mesh, self.score, self.measured)

    def gap(self, other: "Face") -> float:
        """How far the meshes lie apart, the mean over their points, in eye distances of the larger."""
        apart = np.linalg.norm(self.mesh[:, :2] - other.mesh[:, :2], axis=1).mean()
        return float(apart / max(self.eye_distance, other.eye_distance, 1e-6))

    def is_same_as(self, other: "Face") -> bool:
        """Whether both are measures of one face: their middles are near each other."""
        apart = np.linalg.norm(self.mesh[:, :2].mean(0) - other.mesh[:, :2].mean(0))
        return bool(apart < 0.5 * max(self.eye_distance, other.eye_distance))


def distinct(measures: Iterable[Face | None]) -> list[Face]:
    """Faces, each once: of several measures of one face the first."""
    faces: list[Face] = []
    for one in measures:
        if one is not None and not any(one.is_same_as(other) for other in faces):
            faces.append(one)
    return faces
