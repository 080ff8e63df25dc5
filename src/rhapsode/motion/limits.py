"""Limits of a face: exaggerated motion is bent to what real faces do, so that no picture tears."""

import numpy as np

from rhapsode.face.landmarks import BROWS, JAW, MOUTH

#: Displacements from rest, canonical units: motion below the first is unchanged, none exceeds the second. The actors of
#: CREMA-D and RAVDESS reach 0.35 with the lower lip, 0.09 with the corners of the mouth sideways, 0.11 with the brows.
MOUTH_AND_JAW, CORNERS, BROW = (0.26, 0.36), (0.05, 0.08), (0.07, 0.11)

_CORNERS = [48, 54, 60, 64]
_LOWER_FACE = np.concatenate([JAW, MOUTH])


def soft_limit(offsets: np.ndarray) -> np.ndarray:
    """Bend motion that goes too far, each part of the face as a whole, so that its shape stays.

    Args:
        offsets: (T, 68, 3) from rest, canonical space.

    Returns:
        (T, 68, 3), the same where nothing goes too far.
    """
    bent = offsets.copy()
    sideways = np.abs(bent[:, _CORNERS, 0]).max(1)
    if sideways.max() > CORNERS[0]:
        bent[:, MOUTH, 0] *= _gain(sideways, *CORNERS)[:, None]
    for part, limits in ((_LOWER_FACE, MOUTH_AND_JAW), (BROWS, BROW)):
        reach = np.linalg.norm(bent[:, part], axis=-1).max(1)
        if reach.max() > limits[0]:
            bent[:, part] *= _gain(reach, *limits)[:, None, None]
    return bent


def _gain(reach: np.ndarray, free: float, most: float) -> np.ndarray:
    """Give the factors (T,) that keep a reach (T,) under `most`: 1 up to `free`, and smooth."""
    over = np.maximum(reach - free, 0) / (most - free)
    bent = free + (most - free) * np.tanh(over)
    gain: np.ndarray = np.where(over > 0, bent / np.maximum(reach, free), 1.0).astype(np.float32)
    return gain
