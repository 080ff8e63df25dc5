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
#: Units that move with words or with their stress.
_MOVED: Final = np.array([unit.startswith(("brow", "jaw", "mouth")) for unit in UNITS])
#: Units of lids, whose medians leave blinks out.
_LIDS: Final = np.array([unit.startswith("eye") for unit in UNITS])
#: Units that one picture tells for sure: low brows and narrow eyes may be those that a person has.
_SURE: Final = np.array([unit.startswith(("mouthSmile", "jawOpen")) for unit in UNITS])
_MIRRORED: Final = np.array([UNITS.index(mirrored_unit(unit)) for unit in UNITS])
#: A difference from the mean of both sides of which half counts.
_CHANCE: Final = 0.15
#: Where somebody looks is no expression.
_GAZE: Final = np.array([unit.startswith("eyeLook") for unit in UNITS])


def lasting_units(units: np.ndarray) -> np.ndarray:
    """Take the units of expression that last in a clip: what a speaker shows on average, blinks left out.

    A smile that breaks off for every word, and brows that rise with every phrase, last as well, which the frames with a
    closed mouth do not show. What words do by themselves is in the average of everybody who speaks.

    Args:
        units: (T, 51), of each frame of a clip of one person.

    Returns:
        (51,) float32; 0 for the units of gaze.
    """
    lasting = np.where(_LIDS, np.median(units, axis=0), units.mean(0))
    return np.where(_GAZE, 0, lasting).astype(np.float32)


def resting_units(units: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Take the units of expression that a speaker shows while the mouth rests.

    Args:
        units: (T, 51), of each frame of a clip of one person.
        landmarks: (T, 68, 3), image pixels.

    Returns:
        (51,) float32; 0 for the units of gaze.
    """
    opening = lip_distance(to_canonical(landmarks, fit_pose(landmarks)))
    closed = np.median(units[opening <= np.quantile(opening, RESTING)], axis=0)
    resting = np.where(_MOVED, closed, np.median(units, axis=0))
    return np.where(_GAZE, 0, resting).astype(np.float32)


def as_speaker(units: np.ndarray) -> np.ndarray:
    """Give what would last in a clip (51,) of somebody who speaks with the expression of a still (51,)."""
    network = expression_network()
    return np.where(_GAZE, 0, units + network.lasting - network.resting).astype(np.float32)


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
    own = np.where(_SURE, expressed(as_speaker(expression_network().units(face.mesh[None])[0])), 0)
    return posed(face.mesh, asked - np.clip(own, 0, np.maximum(asked, 0)))
