"""A row of upper teeth for a mouth whose inside no picture shows.

The networks are trained on videos in which a tooth has four pixels: they predict how bright it is between the lips, but
no single teeth. Rows of teeth are much alike in all people, so one is drawn from anatomical measures, at the portrait's
resolution, over what the networks paint; it is fixed to the skull.
"""

import cv2
import numpy as np

from rhapsode.face.geometry import to_image
from rhapsode.render.grid import Box, smoothstep
from rhapsode.render.layers import Layer, MouthPatch
from rhapsode.render.portrait import MeasuredPortrait

#: One millimetre in canonical units: the outer corners of the eyes are 90 mm apart (Farkas, Anthropometry, 1994).
_MM = 1 / 90
#: Widths of the upper teeth from the middle outwards: two incisors, canine, two premolars, molar (Ash, Wheeler's Dental
#: Anatomy, 1993); how far the edge of each lies above that of the first; and the borders between them.
_BREADTH = np.array([8.5, 6.5, 7.5, 7.0, 7.0, 10.0]) * _MM
_SHORTER = np.array([0.0, 0.7, 0.2, 1.2, 1.8, 2.4]) * _MM
_BORDER = np.concatenate([[0.0], np.cumsum(_BREADTH)])
#: Radius of the arch, distance of its front behind the lips, and half its angle, radians.
_RADIUS, _BEHIND, _ROUND = 27 * _MM, 6 * _MM, 1.3
#: How far the first teeth reach below the line where the lips meet, and their length.
_EDGE, _LENGTH = 2.4 * _MM, 11 * _MM
#: Width to either side and strength of the shadow between two teeth; and the radius of their corners.
_GAP, _GAP_SHADE, _CORNER = 0.5 * _MM, 0.25, 1.3 * _MM
#: Brightness of unshaded teeth relative to the skin around the mouth; and the least, relative to white.
_LIGHT, _LEAST = 1.3, 0.5
#: Hue of teeth, from 0 white to 1 that of the skin.
_HUE = 0.6
#: Opacity of teeth; share of their colour that is taken from below them, and the factor by which that is brightened.
_COVER, _LENT, _LIGHTER = 0.9, 0.6, 1.3
#: Strength of the shadow below their edge, and how far it reaches down.
_DARK, _FAR = 0.3, 4 * _MM
#: Least resolution, pixels in a canonical unit: in a small portrait the shadow between two teeth is below a pixel.
_FINE = 270


class Teeth(Layer):
    """The upper teeth of one portrait."""

    def __init__(self, portrait: MeasuredPortrait) -> None:
        """Draw the row, once."""
        turns = np.linspace(-_ROUND, _ROUND, 105)
        front = portrait.rest[[62, 66]].mean(0) + np.array([0, 0, _BEHIND])
        arch = front + _RADIUS * np.stack([np.sin(turns), 0 * turns, 1 - np.cos(turns)], -1)
        seen = to_image(arch[None], portrait.pose)[0, :, :2]
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
        below = (points @ down - np.interp(place, places, seen @ down)) / portrait.unit
        row = _row(np.interp(place, places, _RADIUS * turns), below, 1 / (fine * portrait.unit))
        row = row * ((place > places[0]) & (place < places[-1]))[..., None]
        self._row = cv2.resize(
            row.astype(np.float32), (self._box.width, self._box.height), interpolation=cv2.INTER_AREA
        )
        self._colour = _colour(portrait)

    def draw(self, patch: MouthPatch) -> None:
        """Lay the teeth over what lies between the lips, in place."""
        part = patch.open_part
        if part is None:
            return
        frame, points, cover = part.frame, part.points, part.cover
        places: np.ndarray = points - np.array([self._box.left, self._box.top], np.float32)
        row = cv2.remap(self._row, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        inside, near = np.moveaxis(cover.astype(np.float32) / 255, -1, 0)
        # The lips cast a shadow on them.
        light = row[..., 0] * (0.4 + 0.6 * smoothstep((near - 0.4) / 0.45))
        teeth = light[..., None] * ((1 - _LENT) * self._colour + np.float32(_LENT * _LIGHTER) * frame)
        behind = frame * (1 - inside * row[..., 2])[..., None]
        laid = behind + (inside * row[..., 1])[..., None] * (teeth - behind)
        frame[:] = np.rint(np.minimum(laid, 255)).astype(np.uint8)


def _row(arc: np.ndarray, below: np.ndarray, pixel: float) -> np.ndarray:
    """Brightness and opacity of teeth, and strength of the shadow behind them, (h, w, 3) in [0, 1].

    Args:
        arc: (h, w) place along the arch, 0 its middle, canonical units.
        below: (h, w) distance below the line where the lips meet, canonical units.
        pixel: canonical units in a pixel.
    """
    away = np.abs(arc)
    tooth = np.clip(np.searchsorted(_BORDER, away, side="right") - 1, 0, len(_BREADTH) - 1)
    inner, outer = away - _BORDER[tooth], _BORDER[tooth + 1] - away
    beside = np.minimum(inner, outer)
    corner = _CORNER * np.where(outer < inner, 1.5, 1.0)
    missing = corner - np.sqrt(corner**2 - np.clip(corner - beside, 0, corner) ** 2)
    under = below - (_EDGE - _SHORTER[tooth] - missing)
    cover = np.clip(0.5 - under / max(pixel, 0.4 * _MM), 0, 1)
    gap = 1 - _GAP_SHADE * np.exp(-((beside / _GAP) ** 2))
    bulge = 1 - 0.35 * ((inner - outer) / (2 * _BREADTH[tooth])) ** 2
    side = 0.25 + 0.75 * np.cos(np.minimum(away / _RADIUS, np.pi / 2)) ** 0.8
    tip = 1 - 0.12 * smoothstep(1 + under / (1.8 * _MM))
    return np.stack([gap * bulge * side * tip, _COVER * cover, _DARK * np.exp(-np.maximum(under, 0) / _FAR)], -1)


def _colour(portrait: MeasuredPortrait) -> np.ndarray:
    """The colour of unshaded teeth, (3,) float32 RGB."""
    height, width = portrait.image.shape[:2]
    around = Box.around(portrait.face.landmarks[48:60, :2], 0.15 * portrait.unit).intersect(Box(0, 0, width, height))
    pixels = portrait.image if around.is_empty else portrait.image[around.slices]
    # The median, since lips are redder.
    skin = np.median(pixels.reshape(-1, 3), 0)
    light = max(_LIGHT * skin.mean(), 255 * _LEAST)
    colour = light * (1 + _HUE * (skin / max(skin.mean(), 1.0) - 1))
    return np.minimum(colour, 255).astype(np.float32)
