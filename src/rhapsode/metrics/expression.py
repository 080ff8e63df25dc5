"""Measures of expression: does a face show what was asked for, unit by unit, and which emotion does it look like."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from rhapsode.face.units import UNITS

#: Regions of the face, and how the names of their units begin. Gaze is none: it follows the head, not the expression.
REGIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "brows": ("brow",),
    "lids": ("eyeBlink", "eyeSquint", "eyeWide"),
    "cheeks": ("cheek",),
    "nose": ("nose",),
    "mouth": ("mouth",),
    "jaw": ("jaw",),
}
#: The units that count, (N,) indices into `UNITS`.
COUNTED: Final = np.array(
    [n for n, unit in enumerate(UNITS) if unit.startswith(tuple(b for each in REGIONS.values() for b in each))]
)


class ReadsExpressions(Protocol):
    """Tells the units of faces: `face.expression_network`, or its teacher."""

    def units(self, mesh: np.ndarray) -> np.ndarray:
        """Tell the expression of each mesh, (T, 478, 3) image pixels -> (T, 51) in [0, 1]."""
        ...


@dataclass(frozen=True)
class Agreement:
    """Tell how what is shown goes with what was asked for, over units.

    Attributes:
        correlation: Pearson's; NaN where nothing varies.
        slope: of the regression of shown on asked through the origin: 1 as much as was asked, 0 nothing; NaN where
            nothing was asked.
    """

    correlation: float
    slope: float


def agreement(asked: np.ndarray, shown: np.ndarray) -> Agreement:
    """Compare changes of units.

    Args:
        asked: (..., N) changes that were asked for.
        shown: (..., N) changes that a face shows.
    """
    a, b = np.ravel(asked).astype(np.float64), np.ravel(shown).astype(np.float64)
    square = float(a @ a)
    varies = a.std() > 0 and b.std() > 0
    return Agreement(
        float(np.corrcoef(a, b)[0, 1]) if varies else math.nan,
        float(a @ b) / square if square > 0 else math.nan,
    )


def units_of(region: str) -> np.ndarray:
    """List the units of a region, (K,) indices into `UNITS`."""
    return np.array([n for n, unit in enumerate(UNITS) if unit.startswith(REGIONS[region])])


def nearest(centroids: Mapping[str, np.ndarray], change: np.ndarray) -> str:
    """Name the emotion whose centroid is nearest to a face's change from neutral, by the counted units.

    Args:
        centroids: by emotion, (51,) changes from neutral.
        change: (51,) that of the face.
    """
    return min(centroids, key=lambda name: float(np.linalg.norm((centroids[name] - change)[COUNTED])))


def confusion(asked: Sequence[str], named: Sequence[str]) -> dict[str, dict[str, int]]:
    """Count how often each emotion that was asked for was named as which."""
    names = sorted({*asked, *named})
    pairs = list(zip(asked, named, strict=True))
    return {a: {b: pairs.count((a, b)) for b in names} for a in sorted({*asked})}
