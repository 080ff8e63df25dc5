"""Eyes that look around: a flow that moves iris and pupil under the lids, which follow them up and down.

Gaze moves an iris by a fraction of its radius. That is so little that nothing need be taken apart: the white of the eye
gives way on one side and spreads on the other, up to the edges of the lids, which follow an eye that looks up or down,
with their lashes. What the picture shows is never replaced, so that no highlight pops and no edge is drawn twice.
"""

from typing import Final

import cv2
import numpy as np

from rhapsode.render.eye import Eye
from rhapsode.render.eyeball import rim
from rhapsode.render.grid import smoothstep

#: Radius of an eyeball, radii of its iris: 12 and 5.9 mm.
_EYEBALL: Final = 2.05
#: Radii of the iris up to which all moves with it, and over which the white gives way.
_WHOLE, _GIVING = 1.1, 0.9
#: How far the edges of the upper and the lower lid follow an eye that looks up or down, shares of its way.
_UPPER, _LOWER = 0.7, 0.3
#: Canonical units below the lower lid that follow it.
_CHEEK: Final = 0.12
#: Steepest slope of a flow, pixels a pixel; from 1 on it would fold.
_STEEPEST: Final = 0.6
#: Openings of an eye, as parts of its width, from which on it looks around, and from which on all of its way.
_SHUT, _OPEN = 0.1, 0.18
#: Where the picture looks.
AS_PICTURED: Final = np.zeros(2)


class Gaze:
    """How one eye of a picture looks around, measured once."""

    def __init__(self, eye: Eye, unit: float) -> None:
        """Measure an eye.

        Args:
            eye: of the picture.
            unit: pixels in one canonical unit.
        """
        box = eye.box
        self._corner = np.array([box.left, box.top], np.float32)
        self._axes = eye.axes.astype(np.float32)
        y, x = np.mgrid[box.top : box.bottom, box.left : box.right]
        place = (np.stack([x, y], axis=-1) - eye.origin) @ eye.axes.T
        along, across = place[..., 0], place[..., 1]
        top = np.interp(along, eye.along, eye.upper)
        room = np.interp(along, eye.along, eye.lower - eye.upper, 0.0, 0.0)
        depth, height = across - top, top + room - across
        edge = np.maximum(rim(room / eye.opening) * eye.opening, 1.5)
        below, above = smoothstep(depth / edge), smoothstep(height / edge)
        away = np.hypot(x - box.left - eye.iris.centre[0], y - box.top - eye.iris.centre[1]) / eye.iris.radius
        disc = above * (1 - smoothstep((away - _WHOLE) / _GIVING))
        iris = below * disc
        share = np.clip(depth / np.maximum(room, 1e-3), 0, 1)
        lids = _UPPER + share * (_LOWER - _UPPER)
        lids *= 1 - smoothstep(-depth / eye.reach)
        lids *= 1 - smoothstep(-height / (_CHEEK * unit))
        lids *= smoothstep(room / (0.6 * eye.opening))
        weights = np.stack([iris, lids + iris * (1 - lids)], axis=-1)
        if eye.rims is not None:
            weights *= 1 - cv2.dilate(eye.rims, np.ones((5, 5)))[..., None]
        self._skin, self._ball = weights.astype(np.float32), np.stack([disc, disc], axis=-1).astype(np.float32)
        opening = eye.opening / max(float(eye.along[-1] - eye.along[0]), 1.0)
        self._reach = _EYEBALL * eye.iris.radius * float(smoothstep(np.array((opening - _SHUT) / (_OPEN - _SHUT))))
        self._most = _STEEPEST / np.maximum([_slope(weights[..., n], axis) for n, axis in enumerate(eye.axes)], 1e-3)

    def look(self, points: np.ndarray, angles: np.ndarray) -> np.ndarray:
        """Give where in the picture the pixels of an eye come from that looks elsewhere, (h, w, 2) float32.

        It moves less than asked where the flow would fold.

        Args:
            points: (h, w, 2) float32, where they come from as the picture looks.
            angles: (2,) from there, radians: to the picture's right, and down.
        """
        return self._moved(self._skin, points, angles)

    def roll(self, points: np.ndarray, angles: np.ndarray) -> np.ndarray:
        """Give the same in an eyeball that the upper lid does not cover."""
        return self._moved(self._ball, points, angles)

    def _moved(self, weights: np.ndarray, points: np.ndarray, angles: np.ndarray) -> np.ndarray:
        shift = self._axes @ (self._reach * np.sin(angles))
        shift = self._most * np.tanh(shift / self._most)
        flow = (self._axes.T * shift).astype(np.float32)
        source = points
        for _ in range(2):
            share = cv2.remap(weights, source - self._corner, None, cv2.INTER_LINEAR)
            source = points - cv2.transform(share, flow)
        return source


def _slope(weights: np.ndarray, axis: np.ndarray) -> float:
    """How steeply weights change along an axis at most, a pixel."""
    down, right = np.gradient(weights)
    return float(np.abs(right * axis[0] + down * axis[1]).max())
