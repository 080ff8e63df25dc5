"""Teeth, tongue and depth of a mouth whose inside no picture shows, in the light that the networks painted there.

The networks are trained on videos in which a tooth has four pixels: they know how light it is between somebody's lips
and of which hue, but paint one smooth surface. What is drawn from anatomical measures knows the shapes and not the
light. So each pixel is lit by how much lighter the drawing is there than around it: most for what is as fine as the
edge of a tooth, less for broad lights and shadows, which the networks know better.

The networks have seen few dark-skinned people and few smiles, and paint teeth in the colour of the skin: how much
lighter and whiter they are is measured (`render.mouth_light`).
"""

import cv2
import numpy as np

from rhapsode.render.depths import Depths, depth_share
from rhapsode.render.layers import Layer, MouthPatch
from rhapsode.render.mouth_light import MouthLight
from rhapsode.render.portrait import MeasuredPortrait
from rhapsode.render.teeth import Teeth

#: How far around a pixel the drawing is compared with it for what is fine, and for what is broad; canonical units.
_FINE, _BROAD = 0.02, 0.12
#: Strength (exponents) of fine shapes, and of broad ones in a wide opening, where a smooth surface looks wrong.
_EDGES, _SURFACES = 0.85, 0.5
#: How much of the light that teeth get falls on what lies behind them.
_DEPTHS = np.float32(0.4)
#: Light (of 255) that is added to both, so that noise in the dark is not amplified.
_FLOOR = 8.0


class Anatomy(Layer):
    """The teeth, the tongue and the back of the mouth of one portrait."""

    def __init__(self, portrait: MeasuredPortrait) -> None:
        """Draw the teeth once, and take the other colours from the portrait's lips and skin."""
        self._light = MouthLight(portrait)
        # From a colour to that of a tooth as light.
        self._whiten = np.repeat(self._light.hue[:, None] / 3, 3, axis=1)
        self._depths, self._teeth = Depths(portrait.rig.lips.colour), Teeth(portrait, self._light.teeth)

    def draw(self, patch: MouthPatch) -> None:
        """Shape what lies between the lips, in place."""
        part = patch.open_part
        if part is None or part.lips.own == 1:
            return
        inside, near = np.moveaxis(part.cover.astype(np.float32) / 255, -1, 0)
        guessed = np.float32(1 - part.lips.own) * inside
        along, across = np.moveaxis(part.lips.to_axes(part.points), -1, 0)
        drawn = self._depths.seen(along, across, near, part.lips)
        teeth = self._teeth.lay(drawn, part)
        drawn = np.clip(drawn, 0, 255) + np.float32(_FLOOR)
        near, around = (_mean(drawn, inside, spread * part.lips.unit) for spread in (_FINE, _BROAD))
        broad = _SURFACES * depth_share(part.lips)
        # (drawn / near) ** edges * (near / around) ** broad
        logs = cv2.addWeighted(cv2.log(drawn), _EDGES, cv2.log(near), broad - _EDGES, 0)
        shape = cv2.exp(cv2.addWeighted(logs, 1, cv2.log(around), -broad, 0))
        lighter = np.float32(self._light.gain(part.face.expression) - 1)
        light = 1 + lighter * (_DEPTHS + (1 - _DEPTHS) * teeth[..., None])
        lit = np.minimum(part.frame * (1 + guessed[..., None] * (light * shape - 1)), 255)
        white = cv2.transform(lit, self._whiten)
        lit += (guessed * teeth)[..., None] * (white - lit)
        part.frame[:] = np.rint(np.minimum(lit, 255)).astype(np.uint8)


def _mean(picture: np.ndarray, inside: np.ndarray, spread: float) -> np.ndarray:
    """The mean of a picture (h, w, 3) around each pixel, of what lies between the lips."""
    weight = inside[..., None] + np.float32(1e-3)
    total = cv2.GaussianBlur(picture * weight, (0, 0), spread)
    mean: np.ndarray = total / cv2.GaussianBlur(weight, (0, 0), spread)[..., None]
    return mean
