"""Faces to learn expressions from: real meshes, and what can be made of them.

A face that was tracked is changed: another person's motion is laid on it, small or exaggerated; a smile; a second face
is blended in; units of the face model are added; it is stretched and sheared a little. So there are many more shapes
of faces and combinations of units than were filmed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.spatial.transform import Rotation

from rhapsode.face.expression_basis import expression_basis
from rhapsode.face.expression_network import points_of
from rhapsode.face.geometry import fit_pose, to_canonical
from rhapsode.face.landmarks import MESH_TO_68
from rhapsode.face.units import UNITS
from rhapsode.training.expression_meshes import Meshes

#: Every so many frames of a film are used, and a person counts by this power of the number of them, at most so many.
_EVERY, _POWER, _MOST = 4, 0.75, 20
#: How often a face is left as it is, moves as another does, takes a change between two pictures of somebody, or is
#: blended with another.
_KINDS: Final = (0.35, 0.25, 0.20, 0.20)
#: How often units are added, how many at most, and how far.
_WITH_UNITS, _UNITS, _FARTHEST = 0.5, 5, 1.5
#: How far another's motion is laid on; how far a change between pictures.
_MOTION, _CHANGE = (0.3, 1.6), (-0.3, 1.3)
#: Spread of stretch and shear; of the turn of the head, radians; and of the tracker's noise: the power of ten,
#: canonical units.
_SHEAR, _TURN, _NOISE = 0.03, 0.12, (-3.0, -2.1)
#: Pixels of a canonical unit in the faces that are measured.
_SIZE = 100.0
#: Faces whose pose is fitted at once.
_BATCH = 2000


@dataclass(frozen=True)
class _Person:
    """Hold the frames of a person, (T, 478, 3) canonical, and their mean."""

    frames: np.ndarray
    mean: np.ndarray


class Samples:
    """Draw faces of a number of people."""

    def __init__(self, found: Sequence[Meshes]) -> None:
        """Take the meshes of people whom something may be learnt from."""
        by_person: dict[str, list[np.ndarray]] = {}
        for one in found:
            by_person.setdefault(one.clip.speaker, []).append(to_front(one.meshes[::_EVERY]).astype(np.float32))
        each = [np.concatenate(frames) for frames in by_person.values()]
        self._people = [_Person(frames, frames.mean(0)) for frames in each]
        share = np.array([min(len(frames), _MOST) ** _POWER for frames in each])
        self._share = share / share.sum()
        self._filmed = [one for one in self._people if len(one.frames) > 2]
        self._changed = [one for one in self._people if len(one.frames) == 2]

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Make faces, (count, 478, 3) float32, canonical space."""
        return np.stack([self._face(rng) for _ in range(count)]).astype(np.float32)

    def _face(self, rng: np.random.Generator) -> np.ndarray:
        face = self._frame(self._anybody(rng), rng)
        kind = rng.choice(len(_KINDS), p=_KINDS)
        if kind == 1 and self._filmed:
            other = self._filmed[rng.integers(len(self._filmed))]
            face = face + rng.uniform(*_MOTION) * (self._frame(other, rng) - other.mean)
        elif kind == 2 and self._changed:
            before, after = self._changed[rng.integers(len(self._changed))].frames
            face = face + rng.uniform(*_CHANGE) * (after - before)
        elif kind == 3:
            share = rng.random()
            face = share * face + (1 - share) * self._frame(self._anybody(rng), rng)
        if rng.random() < _WITH_UNITS:
            face = face + np.tensordot(some_units(rng), expression_basis().mesh, 1)
        stretch = np.eye(3)
        stretch[:2, :2] += rng.normal(0, _SHEAR, (2, 2))
        sheared: np.ndarray = face @ stretch.T
        return sheared

    def _anybody(self, rng: np.random.Generator) -> _Person:
        return self._people[rng.choice(len(self._people), p=self._share)]

    @staticmethod
    def _frame(person: _Person, rng: np.random.Generator) -> np.ndarray:
        frame: np.ndarray = person.frames[rng.integers(len(person.frames))]
        return frame


def some_units(rng: np.random.Generator) -> np.ndarray:
    """Draw a few units, most of them on both sides of the face, (51,)."""
    units = np.zeros(len(UNITS))
    chosen = rng.choice(len(UNITS), rng.integers(1, _UNITS + 1), replace=False)
    units[chosen] = rng.uniform(0, _FARTHEST, len(chosen))
    if rng.random() < 0.7:
        for unit in chosen:
            units[mirrored(int(unit))] = units[unit] * rng.uniform(0.8, 1.2)
    return units


def mirrored(unit: int) -> int:
    """Give the unit of the other side of the face; the same where it has no side."""
    name = UNITS[unit]
    for side, other in (("Left", "Right"), ("Right", "Left")):
        if f"{name.removesuffix(side)}{other}" in UNITS and name.endswith(side):
            return UNITS.index(name.removesuffix(side) + other)
    return unit


def to_front(meshes: np.ndarray) -> np.ndarray:
    """See meshes from the front: (T, 478, 3) image pixels -> canonical space."""
    return to_canonical(meshes.astype(np.float64), fit_pose(meshes[:, MESH_TO_68]))


def measured(faces: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Measure faces as the tracker does, turned a little and with its noise, and take the network's points.

    Args:
        faces: (N, 478, 3), canonical space.
        rng: of turn and noise.

    Returns:
        (N, 292) float32, as `points_of`.
    """
    return np.concatenate([_measured(faces[first : first + _BATCH], rng) for first in range(0, len(faces), _BATCH)])


def _measured(faces: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    turns = Rotation.from_rotvec(rng.normal(0, _TURN, (len(faces), 3))).as_matrix()
    noise = 10 ** rng.uniform(*_NOISE, (len(faces), 1, 1)) * rng.normal(0, 1, faces.shape)
    return points_of(_SIZE * (np.einsum("tij,tnj->tni", turns, faces) + noise))
