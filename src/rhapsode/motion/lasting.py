"""An expression that lasts, in speech and in pauses, on the face that a portrait shows."""

from typing import Final

import numpy as np

from rhapsode.face.expression_basis import expression_basis
from rhapsode.face.units import UNITS
from rhapsode.motion.retarget import lips_together

_JAW: Final = UNITS.index("jawOpen")


def landmarks_of(units: np.ndarray) -> np.ndarray:
    """Give what units do to the landmarks, (51,) -> (68, 3) float32, canonical space; lips part with the jaw alone."""
    basis, jaw = expression_basis().landmarks, units[_JAW]
    skin = np.tensordot(units, basis, 1) - jaw * basis[_JAW]
    return (lips_together(skin) + jaw * basis[_JAW]).astype(np.float32)
