"""Rows of teeth for a mouth whose inside no picture shows.

Rows of teeth are much alike in all people, so they are drawn from anatomical measures, at the portrait's resolution;
the upper row is fixed to the skull, the lower one to the jaw.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from rhapsode.face.geometry import to_image
from rhapsode.render.depths import depth_share
from rhapsode.render.grid import Box, smoothstep
from rhapsode.render.layers import MouthPatch
from rhapsode.render.portrait import MeasuredPortrait

#: One millimetre in canonical units: the outer corners of the eyes are 90 mm apart (Farkas, Anthropometry, 1994).
_MM = 1 / 90


@dataclass(frozen=True)
class _Arch:
    """One row of teeth, canonical units.

    Attributes:
        breadth: widths from the middle outwards: two incisors, canine, two premolars, molar (Ash, Wheeler's Dental
            Anatomy, 1993).
        shorter: how much shorter each is than the first.
        radius: of the arch.
        behind: how far its front lies behind the lips.
        edge: how far the first teeth reach beyond the line where the lips meet: the upper ones down, the lower ones up.
        down: 1 for teeth that hang, -1 for teeth that stand.
        bright: brightness, 1 that of the upper row.
    """

    breadth: np.ndarray
    shorter: np.ndarray
    radius: float
    behind: float
    edge: float
    down: int
    bright: float

    @property
    def borders(self) -> np.ndarray:
        """Give where teeth meet, from the middle outwards."""
        return np.concatenate([[0.0], np.cumsum(self.breadth)])


_UPPER = _Arch(
    np.array([8.5, 6.5, 7.5, 7.0, 7.0, 10.0]) * _MM,
    np.array([0.0, 0.7, 0.2, 1.2, 1.8, 2.4]) * _MM,
    27 * _MM,
    6 * _MM,
    3.5 * _MM,
    1,
    1.0,
)
_LOWER = _Arch(
    np.array([5.3, 5.7, 6.8, 7.0, 7.0, 11.0]) * _MM,
    np.array([0.0, 0.1, -0.3, 0.6, 1.0, 1.4]) * _MM,
    23 * _MM,
    9 * _MM,
    0.4 * _MM,
    -1,
    0.66,
)
#: Half the angle of an arch, radians; length of the teeth.
_ROUND, _LENGTH = 1.3, 11 * _MM
#: Width to either side and strength of the shadow between two teeth; and the radius of their corners.
_GAP, _GAP_SHADE, _CORNER = 0.5 * _MM, 0.22, 1.3 * _MM
#: Opacity of teeth.
_COVER = 0.9
#: Strength of the shadow below their edge, and how far it reaches down.
_DARK, _FAR = 0.3, 4 * _MM
#: Least resolution, pixels in a canonical unit: in a small portrait the shadow between two teeth is below a pixel.
_FINE = 270


class Teeth:
    """The teeth of one portrait."""

    def __init__(self, portrait: MeasuredPortrait, colour: np.ndarray) -> None:
        """Draw both rows, once.

        Args:
            portrait: whose teeth.
            colour: (3,) RGB in [0, 255], that of teeth in full light.
        """
        self._rows = [_Row(portrait, arch) for arch in (_LOWER, _UPPER)]
        self._colour = colour

    def lay(self, drawn: np.ndarray, part: MouthPatch) -> np.ndarray:
        """Lay the teeth over what is drawn between the lips, (h, w, 3) float32, in place.

        The lower ones are seen in a wide mouth alone.

        Returns:
            (h, w) float32 in [0, 1], how much of each pixel is tooth.
        """
        deep = depth_share(part.lips)
        inside, near = np.moveaxis(part.cover.astype(np.float32) / 255, -1, 0)
        # The lips cast a shadow on them.
        shadow = 0.4 + 0.6 * smoothstep((near - 0.4) / 0.45)
        covered = np.zeros_like(inside)
        for row in self._rows:
            shown = inside if row.arch is _UPPER else deep * inside
            if not np.any(shown):
                continue
            light, cover, behind = row.seen(part.points - (0 if row.arch is _UPPER else part.lips.jaw))
            light = light * shadow * np.float32(row.arch.bright)
            drawn *= (1 - shown * behind)[..., None]
            cover = shown * cover
            drawn += cover[..., None] * (light[..., None] * self._colour - drawn)
            np.maximum(covered, cover, out=covered)
        return covered


class _Row:
    """One row, drawn in the portrait's pose."""

    def __init__(self, portrait: MeasuredPortrait, arch: _Arch) -> None:
        self.arch = arch
        turns = np.linspace(-_ROUND, _ROUND, 105)
        front = portrait.rest[[62, 66]].mean(0) + np.array([0, 0, arch.behind])
        line = front + arch.radius * np.stack([np.sin(turns), 0 * turns, 1 - np.cos(turns)], -1)
        seen = to_image(line[None], portrait.pose)[0, :, :2]
        down = portrait.pose.matrices[0][:2, 1]
        down = down / np.linalg.norm(down)
        right = np.array([down[1], -down[0]])
        reach = _LENGTH * portrait.unit * down
        self._box = Box.around(np.concatenate([seen - reach, seen + reach]), 2)
        fine = int(np.ceil(_FINE / portrait.unit))
        y, x = np.mgrid[: self._box.height * fine, : self._box.width * fine]
        points = (np.stack([x, y], -1) + 0.5) / fine - 0.5 + [self._box.left, self._box.top]
        # Seen from the side, the arch hides its own far end.
        place, places = points @ right, seen @ right
        half = len(turns) // 2
        places = np.append(np.minimum.accumulate(places[half::-1])[::-1], np.maximum.accumulate(places[half:])[1:])
        beyond = arch.down * (points @ down - np.interp(place, places, seen @ down)) / portrait.unit
        row = _row(arch, np.interp(place, places, arch.radius * turns), beyond, 1 / (fine * portrait.unit))
        row = row * ((place > places[0]) & (place < places[-1]))[..., None]
        self._row = cv2.resize(
            row.astype(np.float32), (self._box.width, self._box.height), interpolation=cv2.INTER_AREA
        )

    def seen(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Give brightness, opacity and the shadow behind the teeth at points (h, w, 2) of the portrait, (h, w) each."""
        places = (points - np.array([self._box.left, self._box.top])).astype(np.float32)
        row = cv2.remap(self._row, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        return row[..., 0], row[..., 1], row[..., 2]


def _row(arch: _Arch, arc: np.ndarray, beyond: np.ndarray, pixel: float) -> np.ndarray:
    """Brightness and opacity of teeth, and strength of the shadow behind them, (h, w, 3) in [0, 1].

    Args:
        arch: the row.
        arc: (h, w) place along the arch, 0 its middle, canonical units.
        beyond: (h, w) distance from the line where the lips meet towards the edge of the teeth, canonical units.
        pixel: canonical units in a pixel.
    """
    borders = arch.borders
    away = np.abs(arc)
    tooth = np.clip(np.searchsorted(borders, away, side="right") - 1, 0, len(arch.breadth) - 1)
    inner, outer = away - borders[tooth], borders[tooth + 1] - away
    beside = np.minimum(inner, outer)
    corner = _CORNER * np.where(outer < inner, 1.5, 1.0)
    missing = corner - np.sqrt(corner**2 - np.clip(corner - beside, 0, corner) ** 2)
    under = beyond - (arch.edge - arch.shorter[tooth] - missing)
    cover = np.clip(0.5 - under / max(pixel, 0.4 * _MM), 0, 1)
    gap = 1 - _GAP_SHADE * np.exp(-((beside / _GAP) ** 2))
    bulge = 1 - 0.35 * ((inner - outer) / (2 * arch.breadth[tooth])) ** 2
    side = 0.25 + 0.75 * np.cos(np.minimum(away / arch.radius, np.pi / 2)) ** 0.8
    tip = 1 - 0.12 * smoothstep(1 + under / (1.8 * _MM))
    return np.stack([gap * bulge * side * tip, _COVER * cover, _DARK * np.exp(-np.maximum(under, 0) / _FAR)], -1)
