"""The Style-Aware Generator at work on one portrait in one style: what it adds to the mouth that is drawn."""

from collections.abc import Sequence

import cv2
import numpy as np

from rhapsode.face.mouth import mouth_shape
from rhapsode.face.tracker import Face
from rhapsode.motion.retarget import retarget
from rhapsode.paint.extra_photos import fit_extra_photo, place_photos
from rhapsode.paint.networks import PictureNetworks
from rhapsode.render.grid import smoothstep
from rhapsode.render.layers import Layer, MouthPatch
from rhapsode.render.mouth_window import MOUTH, MouthWindow, edge_fade
from rhapsode.render.portrait import MeasuredPortrait
from rhapsode.render.rig import PosedFace

#: Offsets (canonical units) up to which the painter fades in: a face at rest is the picture itself.
_EASE = 0.015
#: Spread of hue (in units of tone) above which a portrait counts as coloured; below half of it, as monochrome.
_COLOURFUL = 0.02
#: Canonical units around the lips in which skin is painted; further out the warped picture is better.
_REACH = 0.1
#: Share by which the result is reduced where the picture shows its own teeth.
_OWN = 0.9
#: An extra photo whose lips are this far apart (canonical units) shows teeth.
_PARTED = 0.05
#: How far from the portrait's tone towards white the result may go: where its teeth are known, and where not.
_WHITE, _GUESSED_WHITE = 0.5, 0.15


class MouthPainter(Layer):
    """Paints the mouth of a portrait; the ISP images and all that follows from them are made once.

    Attributes:
        outline: (4, 2) corners of the window that is painted, pixels of the portrait.
        patterns: (4, S, S, 3) uint8 RGB, the portrait's ISP images: None, M, R and O in the style.
        photo_patterns: numbers of those that are extra photos, aligned to the portrait.
        unusable_photos: numbers of the extra photos that were left out: their heads are turned too differently.
        needs_synthetic_teeth: whether neither the portrait nor an extra photo shows teeth for every opening.
    """

    def __init__(
        self,
        portrait: MeasuredPortrait,
        networks: PictureNetworks,
        references: np.ndarray,
        *,
        fitted: bool = False,
        extra_photos: Sequence[tuple[np.ndarray, Face]] = (),
    ) -> None:
        """Encode a portrait in a style.

        Args:
            portrait: whom to paint.
            networks: Style Mapping and Style-Aware Generator.
            references: (4, 68, 3) the style's key motions, canonical offsets from a resting face with closed lips.
            fitted: the references are offsets from the portrait's own face, whatever it shows.
            extra_photos: other photos of the person, (H, W, 3) uint8 RGB, and the face in each.
        """
        self._networks = networks
        self._window = MouthWindow(portrait, networks.window)
        self._rest = portrait.rest
        self._fade = edge_fade(networks.window.side)[..., 0]
        self.outline = self._window.outline()
        self._reach = round(_REACH * networks.window.per_unit)
        self._wide = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * self._reach + 1, 2 * self._reach + 1))
        offsets = references if fitted else retarget(references, np.ones(len(references)), portrait.rest)
        drawn = [self._window.draw(portrait.rig.pose(one)) for one in offsets]
        shapes = mouth_shape(portrait.rest + offsets).astype(np.float32)
        aligned = [fit_extra_photo(self._window, portrait, picture, face) for picture, face in extra_photos]
        places = place_photos([one for one in aligned if one is not None], shapes)
        photos = np.zeros((len(offsets), *self._window.rest.shape[:2], 4), np.uint8)
        has_photo = np.zeros(len(offsets), np.float32)
        for place, photo in places.items():
            photos[place], shapes[place], has_photo[place] = photo.picture, photo.shape, 1
        shows_teeth = portrait.rig.curves.show_teeth or any(one.shape[0] > _PARTED for one in places.values())
        self.needs_synthetic_teeth = not shows_teeth
        self._white = np.float32(_GUESSED_WHITE if self.needs_synthetic_teeth else _WHITE)
        self._portrait = networks.encode_portrait(
            _pictures(self._window.rest),
            _pictures(np.stack([one.stacked() for one in drawn])),
            np.stack([one.source for one in drawn]),
            shapes,
            _pictures(photos),
            has_photo,
        )
        hue = self._portrait.rest - self._portrait.rest.mean(0, keepdims=True)
        self._colourful = float(smoothstep(np.sqrt(np.square(hue).mean()) / _COLOURFUL - 0.5))
        patterns = np.clip(self._portrait.patterns * self._portrait.tone, 0, 1)
        self.patterns: np.ndarray = np.rint(255 * np.moveaxis(patterns, 1, -1)).astype(np.uint8)
        self.photo_patterns = tuple(sorted(places))
        self.unusable_photos = tuple(number for number, one in enumerate(aligned) if one is None)

    @property
    def window(self) -> MouthWindow:
        """Give the window that it paints."""
        return self._window

    def draw(self, patch: MouthPatch) -> None:
        """Add what the networks paint to a part of a frame, in place."""
        difference, places = self.difference(patch.face), self._window.places(patch.points)
        added = cv2.remap(difference, places, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT)
        cv2.add(patch.frame, added, patch.frame, dtype=cv2.CV_8U)

    def difference(self, face: PosedFace) -> np.ndarray:
        """Paint a mouth, as the difference from the mouth that is drawn.

        Args:
            face: an expression of the portrait's rig.

        Returns:
            (S, S, 3) float32 in [-255, 255], zero at the window's edge.
        """
        drawn, expression = self._window.draw(face), face.expression
        inputs = _pictures(drawn.stacked())
        shape = mouth_shape(self._rest + expression).astype(np.float32)
        painted = self._networks.paint(self._portrait, inputs, shape)
        added = self._limit_colours(np.clip(painted, 0, 1), inputs[:3])
        ease = float(smoothstep(np.abs(expression[48:68]).max() / _EASE))
        # Teeth that the picture shows stay as they are, and get no second row.
        share = self._fade * (1 - _OWN * drawn.own) * self._near_lips(expression)
        return cv2.merge(list((255 * ease) * share * added))

    def _limit_colours(self, painted: np.ndarray, drawn: np.ndarray) -> np.ndarray:
        """What is added to a drawing, (3, S, S) both, without hues that the portrait does not have.

        Relative to red there is no more green or blue than on the way from the portrait's tone to white: the training
        clips were filmed in orange light, against which white teeth are green. A grey or brown picture stays one.
        """
        tone = self._portrait.tone
        against_red = tone / tone[:1]
        most = painted[:1] * np.maximum(against_red, against_red + self._white * (1 - against_red))
        added = np.minimum(painted, np.maximum(most, drawn)) - drawn
        light = (added / tone).mean(0, keepdims=True) * tone
        coloured: np.ndarray = light + np.float32(self._colourful) * (added - light)
        return coloured

    def _near_lips(self, expression: np.ndarray) -> np.ndarray:
        """How near each pixel of the window is to the lips, (S, S) float32, 1 on and 0 far from them."""
        mouth = (self._window.regions(expression) == MOUTH).astype(np.uint8)
        return cv2.GaussianBlur(cv2.dilate(mouth, self._wide).astype(np.float32), (0, 0), self._reach / 2)


def _pictures(array: np.ndarray) -> np.ndarray:
    """(..., S, S, C) uint8 -> (..., C, S, S) float32 in [0, 1]."""
    return np.ascontiguousarray(np.moveaxis(array, -1, -3), np.float32) / np.float32(255)
