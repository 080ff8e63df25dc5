"""Eyelids: the lid slides over an eyeball that stays where it is.

Each eye has a frame along its corners. The upper lid's edge comes down towards the lower one, the skin between
lid edge and brow is stretched after it, and the eyeball below the edge is left untouched: a cut, not a smear.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.interpolate import PchipInterpolator

from rhapsode.face import regions
from rhapsode.image.grid import smoothstep
from rhapsode.image.portrait import Portrait

#: The share of the opening by which the lower lid rises as the eye closes.
_LOWER_RISE = 0.15
_SAMPLES = 33


@dataclass(frozen=True)
class _Eye:
    """One eye: its frame in the picture and its lid edges (along, across), pixels."""

    origin: np.ndarray
    frame: np.ndarray
    along: np.ndarray
    upper: np.ndarray
    lower: np.ndarray
    brow: float
    outline: np.ndarray


class Eyelids:
    """Both eyes of a portrait, the subject's right one first."""

    def __init__(self, portrait: Portrait) -> None:
        mesh = portrait.face.mesh[:, :2].astype(np.float64)
        self._unit = portrait.unit
        self._image = portrait.image
        self._eyes = [
            _measure(
                mesh, regions.RIGHT_UPPER_LID, regions.RIGHT_LOWER_LID, regions.RIGHT_BROW_EDGE, self._unit
            ),
            _measure(
                mesh, regions.LEFT_UPPER_LID, regions.LEFT_LOWER_LID, regions.LEFT_BROW_EDGE, self._unit
            ),
        ]

    def outline(self, eye: int) -> np.ndarray:
        """Points around all that closing an eye may change, (N, 2), pixels of the picture."""
        return self._eyes[eye].outline

    def paint(self, frame: np.ndarray, points: np.ndarray, eye: int, closed: float) -> None:
        """Close one eye in a part of a frame, in place.

        Args:
            frame: (h, w, 3) uint8 RGB, already warped.
            points: (h, w, 2) float32, where in the picture each of its pixels was taken from.
            eye: 0 the subject's right, 1 the left.
            closed: 0 as in the picture .. 1 closed.
        """
        one = self._eyes[eye]
        place = ((points - one.origin) @ one.frame.T.astype(np.float32)).astype(np.float32)
        along, across = place[..., 0], place[..., 1]
        upper = np.interp(along, one.along, one.upper).astype(np.float32)
        gap = np.interp(along, one.along, one.lower - one.upper).astype(np.float32)
        fall, rise = closed * (1 - _LOWER_RISE) * gap, closed * _LOWER_RISE * gap
        line, floor = upper + fall, upper + gap - rise
        over = np.clip(line - across + 0.5, 0, 1) * np.clip(2 * fall, 0, 1)
        under = np.clip(across - floor + 0.5, 0, 1) * np.clip(2 * rise, 0, 1)
        height = line - across
        drawn = fall * (1 - smoothstep(height / (one.brow + fall)))
        lifted = rise * (1 - smoothstep(-(floor - across) / (0.2 * self._unit)))
        skin = self._look_up(points, one, -np.where(height > -1, drawn, 0.0))
        skin = skin * self._lid_shade(height, fall, gap, closed)[..., None]
        cheek = self._look_up(points, one, lifted)
        result = frame + under[..., None] * (cheek - frame)
        result = result + over[..., None] * (skin - result)
        result *= self._lash(height, fall)[..., None]
        frame[:] = np.rint(np.clip(result, 0, 255)).astype(np.uint8)

    def _lid_shade(self, height: np.ndarray, fall: np.ndarray, gap: np.ndarray, closed: float) -> np.ndarray:
        """The closed lid bulges over the eyeball: slightly darker towards its lower edge."""
        low = 1 - smoothstep(height / np.maximum(0.12 * self._unit, 1.0))
        return 1 - 0.12 * low * smoothstep(fall / (0.08 * self._unit))

    def _lash(self, height: np.ndarray, fall: np.ndarray) -> np.ndarray:
        """The line of lashes along the lid's edge, and the shadow it throws on the eyeball: a factor."""
        width = max(0.012 * self._unit, 0.7)
        line = np.exp(-((height / width) ** 2))
        return 1 - 0.35 * line * smoothstep(fall / (0.06 * self._unit))

    def _look_up(self, points: np.ndarray, eye: _Eye, across: np.ndarray) -> np.ndarray:
        """The picture at points moved across the eye by some pixels, (h, w, 3) float32."""
        moved = points + across[..., None] * eye.frame[1].astype(np.float32)
        return cv2.remap(
            self._image, moved.astype(np.float32), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ).astype(np.float32)


def _measure(mesh: np.ndarray, upper: np.ndarray, lower: np.ndarray, brow: np.ndarray, unit: float) -> _Eye:
    left, right = mesh[upper[0]], mesh[upper[-1]]
    axis = (right - left) / np.linalg.norm(right - left)
    frame = np.stack([axis, np.array([-axis[1], axis[0]])])
    origin = (left + right) / 2
    blend = PchipInterpolator(np.arange(9), np.eye(9))(np.linspace(0, 8, _SAMPLES))
    top = blend @ ((mesh[upper] - origin) @ frame.T)
    bottom = blend @ ((mesh[lower] - origin) @ frame.T)
    along = np.maximum.accumulate(top[:, 0])
    below = np.interp(along, np.maximum.accumulate(bottom[:, 0]), bottom[:, 1])
    # The mesh runs along the lid's edge; the lashes' own thickness lies just below and comes down with it.
    above = np.minimum(top[:, 1] + 0.01 * unit * np.sin(np.linspace(0, np.pi, _SAMPLES)), below)
    room = float(top[:, 1].min() - ((mesh[brow] - origin) @ frame.T)[:, 1].mean())
    reach = float(np.clip(0.75 * room, 0.06 * unit, 0.3 * unit))
    points = np.concatenate([top, bottom, top - [0, reach], bottom + [0, 0.2 * unit]]) @ frame + origin
    return _Eye(origin, frame, along, above, below, reach, points)
