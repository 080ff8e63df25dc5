"""The inside of a wide mouth that no picture shows: dark at the back, with a tongue that lies on the jaw."""

import numpy as np

from rhapsode.render.grid import smoothstep
from rhapsode.render.lip_edges import LipEdges

#: Openings (canonical units) from which on depth is seen, and from which on nothing else.
_SHALLOW, _DEEP = 0.06, 0.13
#: How high the tongue lies, as a share of the opening: in the middle, and how much lower at the corners.
_TONGUE, _FALLING = 0.62, 0.36


def depth_share(lips: LipEdges) -> float:
    """Tell how much of what lies between the lips is seen in depth, 0 to 1, for the widest part of the opening."""
    return float(smoothstep(np.array((float(lips.gap.max()) / lips.unit - _SHALLOW) / (_DEEP - _SHALLOW))))


class Depths:
    """The back of the mouth and the tongue of one portrait, in the hue of its lips."""

    def __init__(self, lip_colour: np.ndarray) -> None:
        """Take the colours from that of the lips, (3,) RGB in [0, 255]."""
        self._back, self._rim, self._tongue = tone(lip_colour, 0.13, 1.6), tone(lip_colour, 0.36, 1.2), lip_colour

    def seen(self, along: np.ndarray, across: np.ndarray, near: np.ndarray, lips: LipEdges) -> np.ndarray:
        """Give what is seen between the lips, (h, w, 3) float32.

        Args:
            along: (h, w) places along the mouth, pixels.
            across: (h, w) places across it.
            near: (h, w) in [0, 1], how much of each pixel's surroundings lies between the lips.
            lips: the lip edges.
        """
        below, gap, side = lips.place_inside(along, across)
        wide = np.float32(min(float(lips.gap.max()) / (0.3 * lips.unit), 1.0))
        # 0 at the upper lip, 1 at the lower one.
        height = np.clip(below / gap, 0, 1)
        rim = (1 - smoothstep((near - 0.45) / 0.45)) * (0.3 + 0.7 * height)
        back = self._back + rim[..., None] * (self._rim - self._back)
        top = 1 - (_TONGUE - _FALLING * side**2)
        body = (height - top) / np.maximum(1 - top, 0.05)
        light = (0.3 + 0.7 * smoothstep(body / 0.55)) * (1 - 0.3 * smoothstep((body - 0.7) / 0.3))
        light = light * (1 - 0.16 * np.exp(-((side / 0.07) ** 2)) * (1 - smoothstep(body)))
        light = light * (0.55 + 0.45 * wide) * (1 - 0.55 * smoothstep((np.abs(side) - 0.3) / 0.5))
        shown = smoothstep(body / 0.22 + 0.5)
        seen = back + shown[..., None] * (light[..., None] * self._tongue - back)
        # The upper lip and teeth keep the light off what lies behind them.
        shadow = 1 - 0.5 * np.exp(-np.maximum(below, 0) / np.float32(0.06 * lips.unit))
        return (seen * shadow[..., None]).astype(np.float32)


def tone(lips: np.ndarray, light: float, chroma: float) -> np.ndarray:
    """Give a lip colour (3,) in another light and chroma, (3,) float32 RGB; grey pictures stay grey."""
    grey = lips.mean()
    return np.maximum((grey + chroma * (lips - grey)) * light, 0).astype(np.float32)
