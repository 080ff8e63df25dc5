"""How far each unit of expression moves the lids: as the face model has it, but for what films of people tell better.

The face model squints by the lower lid alone. In films both lids close: over the frames of the clips of training,
blinks left out, a squint lowers the upper lid by 0.31 openings for each unit that is read and raises the lower one by
0.29 (linear regression, which explains 0.85 of the upper lid). Wide eyes hardly occur there: the face model tells them.
"""

from functools import cache
from typing import Final

import numpy as np

from rhapsode.face import regions
from rhapsode.face.expression_basis import expression_basis
from rhapsode.face.units import UNITS

#: How far the upper lid falls and the lower one rises, openings, by the beginning of a unit's name.
_FILMED: Final = {"eyeSquint": (0.31, 0.29)}
#: The upper and the lower lid of the subject's right eye, and of the left.
_LIDS: Final = (
    (regions.RIGHT_UPPER_LID, regions.RIGHT_LOWER_LID),
    (regions.LEFT_UPPER_LID, regions.LEFT_LOWER_LID),
)
#: The middle of the lids, of the points from corner to corner, and how far each point follows it.
_MIDDLE: Final = slice(3, 6)
_FOLLOWS: Final = np.sin(np.linspace(0, np.pi, 9)) ** 0.7


@cache
def lid_shares() -> np.ndarray:
    """Tell how far each unit moves the lids, (51, 2, 2), openings of the eye: by eye, upper falls, lower rises.

    Units of closing are left out: they are blinks that last. So are those of looking: eyes do not turn.
    """
    shares = _of_basis()
    for unit, eye, filmed in _filmed():
        shares[unit, eye] = filmed
    return shares


@cache
def unmodelled_lids() -> np.ndarray:
    """Tell how lids move beyond what the expression basis does to the mesh, (51, 478, 3), canonical space."""
    beyond, basis = np.zeros_like(expression_basis().mesh), _of_basis()
    for unit, eye, filmed in _filmed():
        for lid, points, direction in zip((0, 1), _LIDS[eye], (1, -1), strict=True):
            missing = (filmed[lid] - basis[unit, eye, lid]) * _opening(eye)
            beyond[unit, points, 1] += direction * missing * _FOLLOWS
    return beyond


def _filmed() -> list[tuple[int, int, tuple[float, float]]]:
    """The units of which films tell, each with the eye that it moves."""
    return [
        (UNITS.index(name + side), eye, filmed)
        for name, filmed in _FILMED.items()
        for eye, side in enumerate(("Right", "Left"))
    ]


def _of_basis() -> np.ndarray:
    """As the face model has it, (51, 2, 2)."""
    basis = expression_basis()
    shares = np.zeros((len(UNITS), 2, 2))
    for eye, (upper, lower) in enumerate(_LIDS):
        shares[:, eye, 0] = basis.mesh[:, upper[_MIDDLE], 1].mean(1) / _opening(eye)
        shares[:, eye, 1] = -basis.mesh[:, lower[_MIDDLE], 1].mean(1) / _opening(eye)
    shares[[unit.startswith(("eyeBlink", "eyeLook")) for unit in UNITS]] = 0
    return shares


def _opening(eye: int) -> float:
    """How far an eye of the mean face is open, canonical units."""
    resting, (upper, lower) = expression_basis().resting, _LIDS[eye]
    return float((resting[lower[_MIDDLE]] - resting[upper[_MIDDLE]])[:, 1].mean())
