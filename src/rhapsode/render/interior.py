"""The inside of a mouth: the picture's own teeth, moved rigidly, or a dark cavity where it shows none."""

import cv2
import numpy as np

from rhapsode.render.closing import draw_lip_line, heal_corners
from rhapsode.render.depths import Depths, depth_share, tone
from rhapsode.render.grid import smoothstep
from rhapsode.render.layers import Layer, MouthPatch
from rhapsode.render.lip_edges import LipEdges, interpolate
from rhapsode.render.portrait import MeasuredPortrait

#: The most that teeth the picture does not show are hinted at.
_HINT = 0.45


class MouthInterior(Layer):
    """What is seen between the lips of one picture."""

    fills_mouth = True

    def __init__(self, image: np.ndarray, rest: LipEdges, lip_colour: np.ndarray, upper_share: float) -> None:
        """Take the colours of the inside from the lips.

        Args:
            image: (H, W, 3) uint8 RGB, the picture that shows the mouth at rest.
            rest: its lip edges there.
            lip_colour: (3,) RGB in [0, 255].
            upper_share: share of the resting opening that moves with the skull (see `upper_teeth_share`).
        """
        self._image = image
        self._rest = rest
        self._light = max(float(lip_colour.max()), 1.0)
        self._dark, self._rim = tone(lip_colour, 0.15, 1.5), tone(lip_colour, 0.32, 1.15)
        self._tongue, self._teeth = tone(lip_colour, 0.5, 1.0), tone(lip_colour, 0.6, 0.6)
        self._depths = Depths(lip_colour)
        self._upper_share = upper_share

    @classmethod
    def of(cls, portrait: MeasuredPortrait) -> "MouthInterior":
        """Make the layer of a portrait's frames."""
        rig = portrait.rig
        return cls(portrait.image, rig.curves.rest, rig.lips.colour, rig.upper_share)

    def draw(self, patch: MouthPatch) -> None:
        """Draw what is seen between the lips, in place."""
        frame, points, lips = patch.frame, patch.points, patch.lips
        if lips.own:
            heal_corners(frame, points, self._rest, lips, self._light)
            draw_lip_line(frame, points, self._rest, lips)
        left, top, width, height = cv2.boundingRect(patch.cover[..., 1])
        if width == 0:
            return
        part = np.s_[top : top + height, left : left + width]
        points, unit = points[part], lips.unit
        inside, near = np.moveaxis(patch.cover[part].astype(np.float32) / 255, -1, 0)
        along, across = np.moveaxis(lips.to_axes(points), -1, 0)
        interior = self._cavity(along, across, near, lips)
        if lips.own:
            share = np.float32(lips.own * depth_share(lips))
            if share > 0:
                interior = interior + share * (self._depths.seen(along, across, near, lips) - interior)
            own = self._own_teeth(interior, points, along, across, lips)
            interior = interior + np.float32(lips.own) * (own - interior)
        skin = frame[part]
        # The lips turn inwards, out of the light, before they end.
        opened = np.float32(min(lips.opened / (0.05 * unit), 1.0))
        lower = smoothstep((across - interpolate(along, lips.along, lips.middle)) / (0.08 * unit))
        shade = 1 - (0.55 - 0.3 * lower) * opened * near
        shaded = skin * shade[..., None]
        skin[:] = np.rint(shaded + inside[..., None] * (interior - shaded)).astype(np.uint8)

    def _cavity(self, along: np.ndarray, across: np.ndarray, near: np.ndarray, lips: LipEdges) -> np.ndarray:
        """The inside of an open mouth, (h, w, 3) float32.

        Darkest at the back, in the upper middle; the tongue catches some light at the lower lip, and the lips' own
        colour reaches a little way in.

        Args:
            along: (h, w) places along the mouth, pixels.
            across: (h, w) places across it.
            near: (h, w) in [0, 1], how much of each pixel's surroundings lies between the lips.
            lips: the lip edges.
        """
        below, gap, place = lips.place_inside(along, across)
        depth, side = below / gap, place**2
        tongue = smoothstep((depth - 0.42 - 0.4 * side) / 0.6) * np.clip(1.3 - 1.6 * side, 0, 1)
        tongue = tongue * np.clip(gap / np.float32(0.16 * lips.unit) - 0.15, 0, 1)
        edge = 1 - smoothstep((near - 0.5) / 0.42)
        edge = edge * (0.5 + 0.5 * np.clip(depth, 0, 1))
        interior = self._dark + tongue[..., None] * (self._tongue - self._dark)
        if lips.own < 1:
            hint = np.float32(1 - lips.own) * self._hint_of_teeth(along, across, gap)
            interior = interior + hint[..., None] * (self._teeth - interior)
        return (interior + edge[..., None] * (self._rim - interior)).astype(np.float32)

    def _hint_of_teeth(self, along: np.ndarray, across: np.ndarray, gap: np.ndarray) -> np.ndarray:
        """How far a row of upper teeth shows in the dark, (h, w) in [0, 1]; it stays with the skull."""
        still, unit = self._rest, np.float32(self._rest.unit)
        rest = interpolate(along, still.along, still.upper)
        half = max(still.along[-1] - still.along[0], 1.0) / 2
        side = np.abs(along - np.float32((still.along[0] + still.along[-1]) / 2)) / np.float32(half)
        below = (across - rest) / unit + 0.035 * side**2
        row = 1 - smoothstep((below - 0.022) / 0.026)
        row = row * (1 - smoothstep((side - 0.35) / 0.45))
        return _HINT * row * smoothstep((gap / unit - 0.08) / 0.08)

    def _own_teeth(
        self, interior: np.ndarray, points: np.ndarray, along: np.ndarray, across: np.ndarray, lips: LipEdges
    ) -> np.ndarray:
        """Lay the picture's own teeth over the cavity: the upper ones stay with the skull, the lower with the jaw."""
        still, moved, unit = self._rest, min(lips.opened / 3.0, 1.0), lips.unit
        jaw = lips.axes @ lips.jaw
        top = interpolate(along, still.along, still.upper)
        bottom = interpolate(along, still.along, still.lower)
        split = top + self._upper_share * (bottom - top)
        fade, margin = 1.0 + moved * 0.026 * unit, 1.0 - 1.5 * moved
        # Towards the corners, where the opening was narrow, lip and shadow mix with the teeth.
        width = smoothstep((bottom - top) / np.float32(0.5 * still.gap.max() + 0.1))
        width = width * moved + (1 - moved)
        # What a rising upper lip would bare of gum and tooth is not in the picture: the teeth go on and fade.
        above = np.maximum(top + 0.7 * moved - across, 0.0)
        width = width * (1 - moved * smoothstep(above / np.float32(0.06 * unit) - 0.4))
        lift = above[..., None] * lips.axes[1].astype(np.float32)
        end = split if self._upper_share < 1 else bottom + margin
        # Moving, they fade out before their edge: beyond it the picture shows lip.
        shown = smoothstep((end - across) / fade + 0.5 * (1 - moved)) * width
        interior = interior + shown[..., None] * (self._look_up(points + lift) - interior)
        if self._upper_share < 1:
            low_along, low_across = along - jaw[0], across - jaw[1]
            top = interpolate(low_along, still.along, still.upper + self._upper_share * still.gap)
            bottom = interpolate(low_along, still.along, still.lower)
            shown = smoothstep((low_across - top) / fade + 0.5)
            shown = shown * np.clip((bottom + 1.5 - low_across) / fade + 0.5, 0, 1)
            interior = interior + shown[..., None] * (self._look_up(points - lips.jaw) - interior)
        return interior

    def _look_up(self, points: np.ndarray) -> np.ndarray:
        return cv2.remap(
            self._image, points.astype(np.float32), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ).astype(np.float32)
