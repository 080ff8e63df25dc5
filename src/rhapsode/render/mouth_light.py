"""How light the inside of a mouth is that no picture shows: of which colour its teeth are, and how far skin hides it.

Teeth are about as white in all people, whatever the colour of their skin. In 179 smiles of people of training (London,
Congress, Fellows; `benchmarks/tooth_light.py`) their brightness goes by the power 0.33 of the skin's and is 199 beside
skin of 150, their hue by the power 0.36; in speech, between lips that take light away, they are darker and nearer to
the hue of the skin.
"""

import numpy as np

from rhapsode.face.mouth import mouth_shape
from rhapsode.render.grid import Box
from rhapsode.render.portrait import MeasuredPortrait

#: Brightness (of 255) of unshaded teeth beside skin of brightness `_SKIN`; with other skin it goes by this power of it.
_LIGHT, _SKIN, _FOLLOWS = 190.0, 150.0, 0.3
#: Hue of teeth, as a power of the skin's: 0 white, 1 that of the skin. In orange light both are orange.
_HUE = 0.5
#: The networks paint mouths as light as the skin is, which holds from this brightness on; below, by this power lighter.
_FAIR, _LIGHTER = 125.0, 0.8
#: Share of the face's pixels that are lighter than any of its teeth: in a dark picture teeth do not glow.
_GLOWING = 0.02
#: How much lighter the inside is where the lips are drawn apart, and the shares of the mouth's width, wider than at
#: rest, from which and up to which that grows.
_SMILING, _WIDER, _WIDEST = 0.25, 0.08, 0.22


class MouthLight:
    """The light in one portrait's mouth.

    Attributes:
        teeth: (3,) float32 RGB in [0, 255], the colour of teeth in full light.
        hue: (3,) float32, the same with mean 1.
    """

    def __init__(self, portrait: MeasuredPortrait) -> None:
        """Take it from the skin around the mouth."""
        skin = np.maximum(skin_around_mouth(portrait), 1.0)
        bright = float(skin.mean())
        hue = (skin / bright) ** _HUE
        self.hue: np.ndarray = (hue / hue.mean()).astype(np.float32)
        light = _LIGHT * (bright / _SKIN) ** _FOLLOWS
        self.teeth: np.ndarray = np.minimum(light * self.hue, 255).astype(np.float32)
        lightest = np.quantile(_around(portrait, slice(None), 0).mean(-1), 1 - _GLOWING)
        self._gain = float(np.clip((bright / _FAIR) ** -_LIGHTER, 1, max(lightest / bright, 1)))
        self._rest = portrait.rest

    def gain(self, expression: np.ndarray) -> float:
        """Give by what the inside is lighter than the networks paint it.

        Args:
            expression: (68, 3) canonical offsets from the portrait's own rest.
        """
        rest, now = mouth_shape(np.stack([self._rest, self._rest + expression]))[:, 1]
        wider = now / rest - 1
        return self._gain * (1 + _SMILING * float(np.clip((wider - _WIDER) / (_WIDEST - _WIDER), 0, 1)))


def skin_around_mouth(portrait: MeasuredPortrait) -> np.ndarray:
    """Give the colour of the skin around a mouth, (3,) RGB in [0, 255]; the median, since lips are redder."""
    median: np.ndarray = np.median(_around(portrait, slice(48, 60), 0.15), 0)
    return median


def _around(portrait: MeasuredPortrait, landmarks: slice, margin: float) -> np.ndarray:
    """The pixels, (N, 3), of a box around landmarks, all where it lies beyond the picture; margin: canonical units."""
    height, width = portrait.image.shape[:2]
    box = Box.around(portrait.face.landmarks[landmarks, :2], margin * portrait.unit)
    box = box.intersect(Box(0, 0, width, height))
    pixels = portrait.image if box.is_empty else portrait.image[box.slices]
    return pixels.reshape(-1, 3)
