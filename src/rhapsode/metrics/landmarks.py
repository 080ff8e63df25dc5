"""Distances of generated landmarks from real ones: D-L, LMD, D-V and D-A, after MakeItTalk and arXiv 2303.09799.

Every function takes two motions of the same length, (T, 68, 3) or (T, 68, 2), and returns a value in their units: in
canonical space the distance of the outer eye corners is 1. T may be a whole clip or a short window. The publications
divide by the size of the face in the picture, which canonical space has done already.
"""

import numpy as np

from rhapsode.face.landmarks import INNER_LIPS, MOUTH


def landmark_distance(generated: np.ndarray, real: np.ndarray) -> float:
    """Compute D-L, the mean distance of all landmarks given."""
    return float(np.linalg.norm(generated - real, axis=-1).mean())


def lmd(generated: np.ndarray, real: np.ndarray) -> float:
    """Compute LMD, the mean distance of the mouth landmarks."""
    return landmark_distance(generated[:, MOUTH], real[:, MOUTH])


def velocity_difference(generated: np.ndarray, real: np.ndarray) -> float:
    """Compute D-V, the mean distance of the landmarks' velocities, units of the input a frame; needs two frames."""
    return landmark_distance(np.diff(generated, axis=0), np.diff(real, axis=0))


def open_area_difference(generated: np.ndarray, real: np.ndarray) -> float:
    """Compute D-A, the mean difference of the open mouth's area, squared units of the input."""
    return float(np.abs(open_mouth_area(generated) - open_mouth_area(real)).mean())


def open_mouth_area(face: np.ndarray) -> np.ndarray:
    """Compute the area between the inner lips seen from the front, (T, 68, 2 or 3) -> (T,), 0 where they cross.

    Takes whole faces, not offsets from rest.
    """
    x, y = face[:, INNER_LIPS, 0], face[:, INNER_LIPS, 1]
    # The shoelace formula. The inner lips run over the upper lip and back along the lower one, clockwise with y down.
    signed = (x * np.roll(y, -1, axis=1) - y * np.roll(x, -1, axis=1)).sum(1) / 2
    return np.maximum(signed, 0.0)
