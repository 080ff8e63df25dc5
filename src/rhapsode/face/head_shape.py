"""The head behind a face: skull, ears, jaw and neck, as people have them who have such a face.

What of a head the tracker does not see is learnt from a face model (`training.head_shape`): a linear model of the
points of the face and, with them, of a surface around the head, which is fitted to the face that is seen.
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from safetensors.numpy import load_file

from rhapsode.bundle import Bundle
from rhapsode.files import reading

#: Points of the mesh by which a head is told: the face's oval, and points of brow, nose and eyes that do not speak.
TELLING: Final = np.array([
    10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377,
    152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109,
    168, 197, 5, 4, 98, 2, 327, 33, 133, 362, 263, 9, 151, 69, 299,
])  # fmt: skip
#: How many of these, from the first, are the oval, in order.
OVAL: Final = 36
#: Rows of the surface from the crown to the neck, and columns around it, the first of which is at the back.
ROWS, COLUMNS = 36, 48
#: How far the face is from the model, canonical units: the tracker's noise, and what no model says.
_NOISE: Final = 0.03


@dataclass(frozen=True)
class HeadShape:
    """Hold the linear model: a head is its mean and a weighted sum of its parts, the weights of which vary by 1.

    Attributes:
        face: (1 + K, len(TELLING), 3) float32, canonical space: the mean, and K parts.
        head: (1 + K, ROWS, COLUMNS, 3) float32, likewise.
    """

    face: np.ndarray
    head: np.ndarray

    def fit(self, mesh: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find the head that most likely belongs to a face.

        Args:
            mesh: (478, 3) the face in canonical space.

        Returns:
            (ROWS, COLUMNS, 3) the surface around it, and (len(TELLING), 3) the points of its face, canonical space.
        """
        parts = self.face[1:].reshape(len(self.face) - 1, -1).T / _NOISE
        off = (mesh[TELLING] - self.face[0]).ravel() / _NOISE
        weights = np.linalg.solve(parts.T @ parts + np.eye(parts.shape[1]), parts.T @ off)
        head, face = (one[0] + np.tensordot(weights, one[1:], 1) for one in (self.head, self.face))
        return head, face


def unfolded(half: np.ndarray) -> np.ndarray:
    """Give a whole surface from one side of it: (..., ROWS, COLUMNS / 2 + 1, 3) -> (..., ROWS, COLUMNS, 3)."""
    mirrored = half[..., 1:-1, :][..., ::-1, :] * np.array([-1, 1, 1], half.dtype)
    return np.concatenate([half, mirrored], axis=-2)


@cache
def head_shape() -> HeadShape:
    """Load the model that ships."""
    path = Bundle.load().path("head_shape.safetensors")
    with reading(path, "head shape"):
        tensors = load_file(path)
        return HeadShape(tensors["face"].astype(np.float32), unfolded(tensors["head"].astype(np.float32)))
