"""Measure how far eyes are open."""

from typing import Final

import numpy as np

from rhapsode.face.landmarks import LID_PAIRS

#: Outer and inner corner of the right and of the left eye.
_CORNERS: Final = ((36, 39), (45, 42))


def eye_opening(landmarks: np.ndarray) -> float:
    """Measure the gap between the lids as a part of the eye's width, the mean of both eyes.

    Args:
        landmarks: (68, 3), in any units.

    Returns:
        About 0.3 for open eyes, below 0.12 for closed ones.
    """
    gaps = np.linalg.norm(landmarks[LID_PAIRS[:, 0]] - landmarks[LID_PAIRS[:, 1]], axis=1).reshape(2, 2).mean(1)
    widths = [np.linalg.norm(landmarks[outer] - landmarks[inner]) for outer, inner in _CORNERS]
    return float(np.mean(gaps / widths))
