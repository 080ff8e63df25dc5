"""The expression that lasts in a clip, apart from what its words do."""

from typing import Final

import numpy as np

from rhapsode.face.expression_network import expression_network
from rhapsode.face.face import Face
from rhapsode.face.geometry import fit_pose, to_canonical
from rhapsode.face.mouth import lip_distance
from rhapsode.face.posing import posed
from rhapsode.face.units import AT_REST, UNITS, mirrored_unit

#: Share of a clip's frames, those with the most closed mouth, that show the resting face.
RESTING: Final = 0.2
#: Units that landmarks show, and that move with words or with their stress: they are read where the mouth rests. The
#: others, of lids, cheeks and nose, are read throughout; their medians leave blinks out.
_MOVED: Final = np.array([unit.startswith(("brow", "jaw", "mouth")) for unit in UNITS])
#: Units that one picture tells for sure: low brows and narrow eyes may be those that a person has.
_SURE: Final = np.array([unit.startswith(("mouthSmile", "jawOpen")) for unit in UNITS])
_MIRRORED: Final = np.array([UNITS.index(mirrored_unit(unit)) for unit in UNITS])
#: A difference from the mean of both sides of which half counts.
_CHANCE: Final = 0.15
#: Where somebody looks is no expression.
_GAZE: Final = np.array([unit.startswith("eyeLook") for unit in UNITS])


def lasting_units(units: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Take the units of expression that last.

    Args:
        units: (T, 51), of each frame of a clip of one person.
        landmarks: (T, 68, 3), image pixels.

    Returns:
        (51,) float32; 0 for the units of gaze.
    """
    opening = lip_distance(to_canonical(landmarks, fit_pose(landmarks)))
    resting = np.median(units[opening <= np.quantile(opening, RESTING)], axis=0)
    lasting = np.where(_MOVED, resting, np.median(units, axis=0))
    return np.where(_GAZE, 0, lasting).astype(np.float32)


def balanced(units: np.ndarray) -> np.ndarray:
    """Take small differences between left and right for chance, large ones as meant, (51,) -> (51,)."""
    lean = (units - units[_MIRRORED]) / 2
    kept: np.ndarray = units - lean + lean * np.abs(lean) / (np.abs(lean) + _CHANCE)
    return kept


def expressed(lasting: np.ndarray) -> np.ndarray:
    """Give what of the units that last (51,) is expression: what differs from neutral people more than they differ.

    The estimate is that of Wiener: a difference d becomes d * d^2 / (d^2 + spread^2).
    """
    network = expression_network()
    difference = lasting - network.lasting
    return balanced(difference**3 / (difference**2 + network.spread**2 + 1e-6))


def taken_to(asked: np.ndarray, face: Face) -> np.ndarray:
    """Find the units of the basis that take a face to an expression, not beyond: one that smiles smiles no wider.

    Args:
        asked: (51,) units of expression, as they are read, against a neutral face.
        face: as the picture shows it.

    Returns:
        (51,) float32, units to add to the picture's.
    """
    if not asked.any():
        return AT_REST
    if not face.measured:
        return posed(None, asked)
    own = np.where(_SURE, expressed(expression_network().units(face.mesh[None])[0]), 0)
    return posed(face.mesh, asked - np.clip(own, 0, np.maximum(asked, 0)))
