"""Measure a mouth by its landmarks: how far the lips are apart, how wide the mouth is, how far the lips protrude.

Every measure takes faces of shape (..., 68, 3), NumPy arrays or torch tensors, and gives one number a face in the units
of the landmarks. The signed measures expect an upright face, as canonical space has it: x to the viewer's right, y
down, z away from the viewer.
"""

from typing import Any, Final, TypeVar

import numpy as np

from rhapsode.face.landmarks import INNER_LIP_PAIRS, OUTER_LIPS

#: Landmarks of the upper and the lower inner lip that face each other, from the subject's right to the left; those in
#: the middle; the corners of the outer and of the inner lips, from the picture's left to its right; and the base of the
#: nose, which speech does not move.
_UPPER: Final = INNER_LIP_PAIRS[:, 0].tolist()
_LOWER: Final = INNER_LIP_PAIRS[:, 1].tolist()
_UPPER_MIDDLE: Final = _UPPER[1]
_LOWER_MIDDLE: Final = _LOWER[1]
_OUTER_CORNERS: Final = (48, 54)
_INNER_CORNERS: Final = (60, 64)
_NOSE_BASE: Final = 33

Array = TypeVar("Array")


def lip_openings(face: Array) -> Array:
    """Measure the vertical gaps between the three pairs of inner-lip landmarks.

    Args:
        face: (..., 68, 3) landmarks of upright faces, or their offsets from rest.

    Returns:
        (..., 3) right, middle, left; negative where the lips cross.
    """
    points: Any = face
    return points[..., _LOWER, 1] - points[..., _UPPER, 1]


def lip_opening(face: Array) -> Array:
    """Measure the vertical gap between the middles of the inner lips.

    Args:
        face: (..., 68, 3) landmarks of upright faces, or their offsets from rest.

    Returns:
        (...); negative where the lips cross.
    """
    points: Any = face
    return points[..., _LOWER_MIDDLE, 1] - points[..., _UPPER_MIDDLE, 1]


def lip_distance(landmarks: np.ndarray) -> np.ndarray:
    """Measure the distance between the middles of the inner lips, whatever the pose of the head.

    Args:
        landmarks: (..., 68, 3).

    Returns:
        (...), 0 or more.
    """
    return np.linalg.norm(landmarks[..., _LOWER_MIDDLE, :] - landmarks[..., _UPPER_MIDDLE, :], axis=-1)


def mouth_shape(face: np.ndarray) -> np.ndarray:
    """Measure what tells one mouth shape from another.

    Args:
        face: (..., 68, 3) landmarks of upright faces.

    Returns:
        (..., 4): mean opening, width between the outer corners, width between the inner corners, and how far the lips
        protrude from the base of the nose.
    """
    right, left = _OUTER_CORNERS
    outer = face[..., left, 0] - face[..., right, 0]
    right, left = _INNER_CORNERS
    inner = face[..., left, 0] - face[..., right, 0]
    forward = face[..., _NOSE_BASE, 2] - face[..., OUTER_LIPS, 2].mean(-1)
    return np.stack([lip_openings(face).mean(-1), outer, inner, forward], -1)
