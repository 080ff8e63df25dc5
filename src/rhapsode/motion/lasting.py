"""An expression that lasts, in speech and in pauses, on the face that a portrait shows."""

from typing import Final

import numpy as np

from rhapsode.face.expression_basis import expression_basis
from rhapsode.face.units import UNITS
from rhapsode.motion.retarget import lips_together

_JAW: Final = UNITS.index("jawOpen")
#: Share of the way by which a lip that an expression lifts comes down again to meet the other; a lower lip that
#: goes all the way up smears the chin.
_UPPER_SHARE: Final = 0.75


def landmarks_of(units: np.ndarray) -> np.ndarray:
    """Give what units do to the landmarks, (51,) -> (68, 3) float32, canonical space; lips part with the jaw alone."""
    basis, jaw = expression_basis().landmarks, units[_JAW]
    skin = np.tensordot(units, basis, 1) - jaw * basis[_JAW]
    return (lips_together(skin, _UPPER_SHARE) + jaw * basis[_JAW]).astype(np.float32)
