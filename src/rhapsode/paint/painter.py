"""The Style-Aware Generator at work on one portrait in one style: what it adds to the mouth that is drawn."""

from collections.abc import Sequence

import cv2
import numpy as np

from rhapsode.face.mouth import mouth_shape
from rhapsode.face.tracker import Face
from rhapsode.motion.retarget import retarget
from rhapsode.paint.extra_photos import chosen, own_picture
from rhapsode.paint.networks import PictureNetworks
from rhapsode.render.grid import smoothstep
from rhapsode.render.mouth_window import MouthWindow, edge_fade
from rhapsode.render.portrait import Portrait

#: Offsets (canonical units) up to which the painter comes in: a face at rest is the picture itself.
_EASE = 0.015
#: Spread of hue (in units of tone) from which on a portrait counts as coloured; under half of it, as of one colour.
_COLOURFUL = 0.02
#: Canonical units around the lips in which skin is painted; further out the warped picture is better.
_REACH = 0.1
#: How far the picture's own mouth is spared where it shows teeth.
_OWN = 0.9
#: Another picture whose lips are so far apart (canonical units) shows what lies between them.
_PARTED = 0.05
#: How far towards white from the portrait's tone what is painted may go: where its teeth are known, and where not.
_WHITE, _GUESSED_WHITE = 0.5, 0.15


class MouthPainter:
    """Paints the mouth of a portrait; the ISP images and all that follows from them are made once.

    Attributes:
        patterns: (4, S, S, 3) uint8 RGB, the portrait's ISP images: None, M, R and O in the style.
        shown: numbers of those that are other pictures of the person, laid on the portrait.
        turned: numbers of the other pictures that were left out: a head turned too differently cannot be laid on it.
        needs_synthetic_teeth: whether no picture shows what lies between the lips; then `render.teeth` draws them.
    """

    def __init__(
        self,
        portrait: Portrait,
        networks: PictureNetworks,
        references: np.ndarray,
        *,
        fitted: bool = False,
        also: Sequence[tuple[np.ndarray, Face]] = (),
    ) -> None:
        """Look at a portrait in a style.

        Args:
            portrait: whom to paint.
            networks: Style Mapping and Style-Aware Generator.
            references: (4, 68, 3) the style's key motions, offsets from a resting face with closed lips.
            fitted: the references are offsets from the portrait's own face, whatever it shows.
            also: other pictures of the person, (H, W, 3) uint8 RGB, and the face in each.
        """
        self._networks = networks
        self._window = MouthWindow(portrait, networks.window)
        self._rest = portrait.rest
        self._fade = edge_fade(networks.window.side)
        offsets = references if fitted else retarget(references, np.ones(len(references)), portrait.rest)
        drawn = [self._window.draw(one) for one in offsets]
        shapes = mouth_shape(portrait.rest + offsets).astype(np.float32)
        laid = [own_picture(self._window, portrait, picture, face) for picture, face in also]
        places = chosen([one for one in laid if one is not None], shapes)
        own = np.zeros((len(offsets), *self._window.rest.shape[:2], 4), np.uint8)
        has_photo = np.zeros(len(offsets), np.float32)
        for place, picture in places.items():
            own[place], shapes[place], has_photo[place] = picture.picture, picture.shape, 1
        self.needs_synthetic_teeth = not self._window.is_open and not any(
            one.shape[0] > _PARTED for one in places.values()
        )
        self._white = np.float32(_GUESSED_WHITE if self.needs_synthetic_teeth else _WHITE)
        self._looked = networks.encode_portrait(
            _pictures(self._window.rest),
            _pictures(np.stack([one.stacked() for one in drawn])),
            np.stack([one.source for one in drawn]),
            shapes,
            _pictures(own),
            has_photo,
        )
        hue = self._looked.rest - self._looked.rest.mean(0, keepdims=True)
        self._colourful = float(smoothstep(np.sqrt(np.square(hue).mean()) / _COLOURFUL - 0.5))
        patterns = np.clip(self._looked.patterns * self._looked.tone, 0, 1)
        self.patterns: np.ndarray = np.rint(255 * np.moveaxis(patterns, 1, -1)).astype(np.uint8)
        self.shown = tuple(sorted(places))
        self.turned = tuple(number for number, one in enumerate(laid) if one is None)

    @property
    def window(self) -> MouthWindow:
        """Where it paints."""
        return self._window

    def difference(self, expression: np.ndarray) -> np.ndarray:
        """What to add to the mouth as drawn, (S, S, 3) float32, [-255, 255], zero at the window's edge.

        Args:
            expression: (68, 3) canonical offsets from the portrait's own rest.
        """
        drawn = self._window.draw(expression)
        asked = _pictures(drawn.stacked())
        shape = mouth_shape(self._rest + expression).astype(np.float32)
        painted = self._networks.paint(self._looked, asked, shape)
        added = np.moveaxis(self._in_its_colours(np.clip(painted, 0, 1), asked[:3]), 0, -1)
        ease = float(smoothstep(np.abs(expression[48:68]).max() / _EASE))
        # Teeth that the picture shows stay as they are, and get no second row.
        share = self._fade * (1 - _OWN * drawn.own[..., None]) * self._near_lips(expression)
        result: np.ndarray = (255 * ease) * share * added
        return result

    def _in_its_colours(self, painted: np.ndarray, drawn: np.ndarray) -> np.ndarray:
        """What is added to a drawing, (3, S, S) both, with no hue that the portrait would not have.

        Against red there is no more green or blue than on the way from the portrait's tone to white: the clips learnt
        from were filmed in orange light, against which white teeth are green. A grey or brown picture stays one.
        """
        tone = self._looked.tone
        against_red = tone / tone[:1]
        most = painted[:1] * np.maximum(against_red, against_red + self._white * (1 - against_red))
        added = np.minimum(painted, np.maximum(most, drawn)) - drawn
        light = (added / tone).mean(0, keepdims=True) * tone
        coloured: np.ndarray = light + np.float32(self._colourful) * (added - light)
        return coloured

    def _near_lips(self, expression: np.ndarray) -> np.ndarray:
        """How near each pixel of the window is to the lips, (S, S, 1) float32, 1 on and 0 far from them."""
        mouth = (self._window.regions(expression) == 2).astype(np.float32)
        reach = round(_REACH * self._window.size.per_unit)
        wide = cv2.dilate(mouth, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1)))
        near: np.ndarray = cv2.GaussianBlur(wide, (0, 0), reach / 2)
        return near[..., None]

    def add(self, frame: np.ndarray, points: np.ndarray, difference: np.ndarray) -> None:
        """Carry a difference to a part of a frame, in place.

        Args:
            frame: (h, w, 3) uint8 RGB.
            points: (h, w, 2) float32, where each of its pixels lies in the portrait's pose, pixels.
            difference: as `difference` gives it.
        """
        places = self._window.places(points)
        added = cv2.remap(difference, places, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT)
        frame[:] = np.rint(np.clip(frame + added, 0, 255)).astype(np.uint8)


def _pictures(array: np.ndarray) -> np.ndarray:
    """(..., S, S, C) uint8 -> (..., C, S, S) float32 in [0, 1]."""
    return np.ascontiguousarray(np.moveaxis(array, -1, -3), np.float32) / np.float32(255)
