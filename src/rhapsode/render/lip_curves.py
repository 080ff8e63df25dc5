"""How the inner edges of the lips follow the landmarks, as smooth curves."""

import numpy as np
from scipy.interpolate import CubicSpline, PchipInterpolator

from rhapsode.face import regions
from rhapsode.face.landmarks import INNER_LIP_PAIRS
from rhapsode.render.grid import affine, smoothstep
from rhapsode.render.lip_edges import LipEdges
from rhapsode.render.lips import RestingLips

#: Points of a curve.
SAMPLES = 49
#: Lips closer than this many pixels touch.
_MEET = 0.3
#: The share by which lips that meet overshoot; and what is left of an opening when that begins, as a share of it and
#: canonical units, whichever is less: the small openings of a mouth that the picture catches wide open are seen.
_OVERCLOSE, _NEARLY, _NEAR = 0.2, 0.3, 0.025
#: Openings at rest, canonical units, up to which a picture shows a sliver of the inside of a mouth, and from which on
#: enough for every other opening.
_SLIVER, _ENOUGH = 0.04, 0.09
#: Canonical units by which a mouth opens beyond a sliver (1.2 times) until nothing of it is left.
_BEYOND = 0.05
#: Lips parted by this many canonical units have a smooth edge; nearer rest it is the picture's own.
_SMOOTH = 0.06


class LipCurves:
    """The lips of a portrait, ready to move.

    Attributes:
        rest: their edges in the picture itself.
        show_teeth: whether the picture shows enough between them for every opening.
    """

    def __init__(self, lips: RestingLips, unit: float) -> None:
        """Fit the curves.

        Args:
            lips: as measured in the picture.
            unit: pixels in one canonical unit.
        """
        mesh = lips.mesh
        self._unit = unit
        self._is_open = lips.is_open
        left, right = mesh[regions.UPPER_INNER_LIP[[0, -1]]]
        axis = (right - left) / np.linalg.norm(right - left)
        self._origin = (left + right) / 2
        self._axes = np.stack([axis, np.array([-axis[1], axis[0]])])
        to_axes = np.column_stack([self._axes, -self._axes @ self._origin])
        self._upper = affine(mesh[regions.UPPER_INNER_LIP], to_axes)
        self._lower = affine(mesh[regions.LOWER_INNER_LIP], to_axes)
        self._upper_weights = contour_weights(mesh[regions.UPPER_INNER_LIP], regions.UPPER_INNER_KNOTS)
        self._lower_weights = contour_weights(mesh[regions.LOWER_INNER_LIP], regions.LOWER_INNER_KNOTS)
        self._blend = PchipInterpolator(np.arange(11), np.eye(11))(np.linspace(0, 10, SAMPLES))
        self._arches = _arch(self._upper), _arch(self._lower)
        outer = (
            (regions.UPPER_OUTER_LIP, regions.UPPER_OUTER_KNOTS),
            (regions.LOWER_OUTER_LIP, regions.LOWER_OUTER_KNOTS),
        )
        self._outline = np.concatenate([mesh[contour] for contour, _ in outer])
        self._outline_weights = np.concatenate([contour_weights(mesh[contour], knots) for contour, knots in outer])
        # How far the lips are apart at the three pairs of landmarks.
        self._apart = np.maximum((self._lower - self._upper)[regions.UPPER_INNER_KNOTS[1][1:-1], 1], 0)
        self._shown = float((self._lower - self._upper)[:, 1].max())
        self.show_teeth = lips.is_open and self._shown >= _ENOUGH * unit
        self.rest = self._edges(self._upper, self._lower, np.zeros(2), 0.0)

    def settle(self, offsets: np.ndarray) -> np.ndarray:
        """Let lips that close meet a little further than they should, so that no tooth peeps out.

        Args:
            offsets: (68, 2) landmark offsets, pixels in the portrait's pose.

        Returns:
            (68, 2); the same offsets where the lips do not close.
        """
        settled = offsets.copy()
        left = self._apart + (offsets[INNER_LIP_PAIRS[:, 1]] - offsets[INNER_LIP_PAIRS[:, 0]]) @ self._axes[1]
        nearly = np.maximum(np.minimum(_NEARLY * self._apart, _NEAR * self._unit), 1e-6)
        extra = _OVERCLOSE / 2 * self._apart * smoothstep(1 - left / nearly)
        settled[INNER_LIP_PAIRS[:, 0]] += extra[:, None] * self._axes[1]
        settled[INNER_LIP_PAIRS[:, 1]] -= extra[:, None] * self._axes[1]
        return settled

    def edges(self, offsets: np.ndarray) -> LipEdges:
        """Give the lip edges for landmark offsets, (68, 2), pixels in the portrait's pose."""
        upper = self._upper + (self._upper_weights @ offsets) @ self._axes.T
        lower = self._lower + (self._lower_weights @ offsets) @ self._axes.T
        opened = float(np.abs((lower - upper)[:, 1] - (self._lower - self._upper)[:, 1]).max())
        # The lower teeth go with the lip before them: by the chin alone they would lag and part from it.
        return self._edges(upper, lower, offsets[INNER_LIP_PAIRS[:, 1]].mean(0), opened)

    def _own(self, gap: float) -> float:
        """How much of an opening of so many pixels can be what the picture shows, 0 to 1."""
        if not self._is_open:
            return 0.0
        shown = self._shown / self._unit
        enough = smoothstep(np.array((shown - _SLIVER) / (_ENOUGH - _SLIVER)))
        beyond = smoothstep(np.array((gap / self._unit - 1.2 * shown) / _BEYOND))
        return float(1 - beyond * (1 - enough))

    def outline(self, offsets: np.ndarray) -> np.ndarray:
        """Give the outer contours of the resting and of the moved lips, (44, 2), pixels in the portrait's pose.

        Of each, the upper contour comes first (`regions.UPPER_OUTER_LIP`), then the lower.
        """
        return np.concatenate([self._outline, self._outline + self._outline_weights @ offsets])

    def _edges(self, upper: np.ndarray, lower: np.ndarray, jaw: np.ndarray, opened: float) -> LipEdges:
        """Lay smooth curves through both edges, at common places along the mouth."""
        top, bottom = self._blend @ upper, self._blend @ lower
        share = min(opened / (_SMOOTH * self._unit), 1.0)
        if share > 0:
            top += share * (self._arches[0] @ upper - top)
            bottom += share * (self._arches[1] @ lower - bottom)
        # Pressed lips overlap; they meet halfway.
        overlap = np.maximum(top[:, 1] - bottom[:, 1], 0.0) / 2
        top[:, 1] -= overlap
        bottom[:, 1] += overlap
        along = np.maximum.accumulate(top[:, 0])
        below = np.interp(along, np.maximum.accumulate(bottom[:, 0]), bottom[:, 1])
        below = np.maximum(below, top[:, 1])
        return LipEdges(
            self._origin,
            self._axes,
            self._unit,
            along,
            top[:, 1],
            below,
            _holes(top, bottom),
            jaw,
            opened,
            2 * overlap,
            self._own(float((below - top[:, 1]).max())),
        )


def contour_weights(contour: np.ndarray, knots: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    """Give how the 11 points of a lip contour follow the landmarks on it, (11, 68).

    A natural cubic spline along the contour's length: the lips part as an arch, not as a wedge.

    Args:
        contour: (11, 2), the resting contour, pixels.
        knots: landmarks on the contour and their places among the 11 points (see `face.regions`).
    """
    landmarks, places = knots
    length = _length_along(contour)
    weights = np.zeros((11, 68))
    spline = CubicSpline(length[places], np.eye(len(places)), bc_type="natural")
    weights[:, landmarks] = spline(length)
    return weights


def _length_along(contour: np.ndarray) -> np.ndarray:
    """Length of a contour (11, 2) up to each of its points, (11,), rising."""
    steps = np.linalg.norm(np.diff(contour, axis=0), axis=1)
    # A far corner may be foreshortened to nothing; even steps keep the curve defined.
    return np.concatenate([[0.0], np.cumsum(steps + 0.2 * steps.mean())])


def _arch(contour: np.ndarray) -> np.ndarray:
    """The matrix from 11 contour points, (11, 2), to the nearest smooth arch from corner to corner, (49, 11)."""
    length = _length_along(contour)

    def basis(place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        ends = np.stack([1 - place, 1 + place], -1) / 2
        return ends, (1 - place**2)[:, None] * place[:, None] ** np.arange(3)

    chord, arch = basis(2 * length / length[-1] - 1)
    ends = np.eye(11)[[0, -1]]
    fitted = np.linalg.lstsq(arch, np.eye(11) - chord @ ends, rcond=None)[0]
    chord, arch = basis(np.linspace(-1, 1, SAMPLES))
    return chord @ ends + arch @ fitted


def _holes(top: np.ndarray, bottom: np.ndarray) -> list[np.ndarray]:
    """Outlines of the stretches in which two curves (N, 2) lie apart."""
    apart = np.concatenate([[False], bottom[:, 1] - top[:, 1] > _MEET, [False]])
    starts, ends = np.flatnonzero(apart[1:] & ~apart[:-1]), np.flatnonzero(~apart[1:] & apart[:-1])
    holes = []
    for start, end in zip(starts, ends, strict=True):
        part = slice(max(start - 1, 0), min(end + 1, len(top)))
        holes.append(np.concatenate([top[part], bottom[part][::-1]]))
    return holes
