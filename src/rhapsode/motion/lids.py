"""Where the lids of a frame are: blinks over what the expression makes of the eyes."""

from typing import Final

import numpy as np

from rhapsode.face.lids import lid_shares
from rhapsode.face.units import AT_REST, UNITS

#: Openings of the eye by which the lower lid rises as the eye shuts.
_RISE: Final = 0.15
#: As far as an expression takes the upper lid up, and the lower one, openings.
_HIGHEST, _SQUEEZED = -0.5, 0.6
#: Openings that an expression leaves open.
_LEFT_OPEN = 0.25
_CLOSES = (UNITS.index("eyeBlinkRight"), UNITS.index("eyeBlinkLeft"))


def moved_lids(closure: np.ndarray, units: np.ndarray = AT_REST) -> np.ndarray:
    """Give how far the lids are from where the picture shows them.

    A blink shuts an eye from wherever the expression has its lids.

    Args:
        closure: (T, 2) of blinks, 0 open .. 1 shut; the subject's right eye, then the left.
        units: (T, 51) or (51,) of expression, 0 to 1 and beyond, in the order of `UNITS`.

    Returns:
        (T, 2, 2) by eye, as above, how far the upper lid falls and how far the lower one rises, in openings of the eye;
        the upper one rises below 0, to -0.5. Where both add up to 1 the eye is shut.
    """
    moved = np.tensordot(units, lid_shares(), 1)
    resting = np.stack([np.clip(moved[..., 0], _HIGHEST, 1), np.clip(moved[..., 1], 0, _SQUEEZED)], axis=-1)
    resting[..., 0] = np.minimum(resting[..., 0], 1 - _LEFT_OPEN - resting[..., 1])
    lower = np.maximum(resting[..., 1], _RISE)
    shut = np.stack([1 - lower, lower], axis=-1)
    share = np.clip(np.maximum(closure, units[..., _CLOSES]), 0, 1)[..., None]
    lids: np.ndarray = resting + share * (shut - resting)
    return lids
