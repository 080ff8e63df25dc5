"""From a portrait and the motion of one frame to a picture.

Flows are composed before a pixel is touched: a pixel of the frame looks up where it lies in the portrait's own pose
(head motion), from there where its skin was at rest (expression), and only then is the picture sampled, once. What a
flow would smear is drawn over that: the mouth by layers (the inside of the mouth, then what the networks paint, teeth,
grain), the eyelids by themselves. Furrows shade what is there then.
"""

from collections.abc import Sequence

import cv2
import numpy as np

from rhapsode.face.units import AT_REST
from rhapsode.render.gaze import AS_PICTURED
from rhapsode.render.grid import Box
from rhapsode.render.head_warp import IN_PLACE
from rhapsode.render.layers import Layer, MouthPatch
from rhapsode.render.portrait import MeasuredPortrait
from rhapsode.render.rig import PosedFace
from rhapsode.render.stage import Canvas, Stage

#: Lids moved by less than this share are no motion.
_STILL = 1e-3
#: Radians by which eyes that look elsewhere do so at least.
_STRAIGHT = 1e-3


class Renderer:
    """Draws one portrait, whose measures all its renderers share. Frames do not depend on each other."""

    def __init__(self, portrait: MeasuredPortrait, layers: Sequence[Layer] = (), stage: Stage | None = None) -> None:
        """Choose what is drawn over a portrait's mouth.

        Args:
            portrait: whom to draw.
            layers: what is drawn over the mouth, from the lowest to the uppermost (see `rhapsode.paint.layers`);
                without any, the lips are stretched over what lies between them.
            stage: what frames are drawn from; the portrait's own where None.
        """
        self._portrait = portrait
        self._layers = tuple(layers)
        self._unit = portrait.unit
        self._shown = portrait.shown
        self._head = portrait.head
        self._rig = portrait.rig
        self._stage = stage or portrait.stage
        self._skin = self._stage.skin if any(layer.fills_mouth for layer in layers) else self._stage.picture
        self._lids = portrait.eyelids
        self._furrows = portrait.furrows

    @property
    def shape(self) -> tuple[int, int]:
        """Give height and width of a frame, pixels."""
        return self._shown.height, self._shown.width

    @property
    def is_clear(self) -> bool:
        """Tell whether frames are transparent, RGBA."""
        return self._stage.is_clear

    def render(
        self,
        expression: np.ndarray,
        lids: np.ndarray,
        rotation: np.ndarray,
        translation: np.ndarray,
        units: np.ndarray = AT_REST,
        gaze: np.ndarray = AS_PICTURED,
        shoulders: np.ndarray = IN_PLACE,
    ) -> np.ndarray:
        """Draw one frame.

        Args:
            expression: (68, 3) canonical offsets from the portrait's own `rest`, without blinks; the rows of
                the eyes have no effect.
            lids: (2, 2) how far the upper lid falls and the lower one rises, of the subject's right eye, then of the
                left, openings of the eye (see `Eyelids.paint`).
            rotation: (3,) rotation vector of the head relative to the picture, radians, about the base of the
                skull (`geometry.SKULL_BASE`), camera axes (x right, y down, z away): nod down > 0 in x, turn to the
                picture's left > 0 in y, tilt to the picture's right > 0 in z.
            translation: (3,) canonical units relative to the picture, of that pivot; z has no effect.
            units: (51,) units of expression (`face.units`) beyond those of the picture; what they do to landmarks is
                part of `expression`.
            gaze: (2,) where the eyes look in the head, from where the picture looks, radians: to the picture's right,
                and down.
            shoulders: (2,) how far they move beside what they follow of `translation`, canonical units, to the
                picture's right, and down.

        Returns:
            (H, W, 3) uint8 RGB, or (H, W, 4) RGBA where the stage is transparent; a new array.
        """
        face, blinks = self._rig.pose(expression, units), bool(np.abs(lids).max() > _STILL)
        rotation = np.asarray(rotation)
        displacement = self._head.displacement(rotation, np.asarray(translation), shoulders)
        source = self._head.source(displacement, rotation)
        eyes = [self._moved(Box.around(self._lids.outline(eye), 1), displacement) for eye in (0, 1)]
        area = self._head.active(source).intersect(self._shown)
        looks = bool(np.abs(gaze).max() > _STRAIGHT)
        if blinks or looks:
            area = area.union(eyes[0]).union(eyes[1])
        if face.moves:
            area = area.union(self._moved(self._rig.warp.box, displacement))
        furrows, furrowed = self._furrows.factors(units), Box(0, 0, 0, 0)
        if furrows is not None:
            furrowed = self._moved(self._furrows.box, displacement)
            area = area.union(furrowed)
        canvas = self._stage.canvas(self._shown)
        frame = canvas.frame
        if area.is_empty:
            return canvas.finished()
        picture = self._skin if face.moves else self._stage.picture
        before = source
        if face.moves:
            source = self._expressed(source, face)
        places, reach = picture.scale * source, self._head.reach(source)
        for part in self._stage.parts(area, reach):
            canvas.draw(picture, self._head.grid.enlarge(places, part), part)
        if face.moves:
            self._draw_mouth(canvas, before, displacement, face)
        for eye, moved in enumerate(lids):
            box, closes = eyes[eye], bool(np.abs(moved).max() > _STILL)
            if box.is_empty or self._lids.is_hidden(eye) or not (closes or looks):
                continue
            points = self._head.grid.enlarge(source, box)
            if looks:
                points = self._lids.look(points, eye, gaze)
                canvas.draw(picture, picture.scale * points, box)
            if closes:
                posed = ball = self._head.grid.enlarge(before, box)
                if looks:
                    posed, ball = self._lids.look(posed, eye, gaze), self._lids.roll(posed, eye, gaze)
                self._lids.paint(frame[box.slices], points, posed, eye, moved, ball)
        if furrows is not None:
            for part, points in self._head.grid.bands(source, furrowed):
                self._furrows.shade(frame[part.slices], points, furrows)
        return canvas.finished()

    def _draw_mouth(self, canvas: Canvas, source: np.ndarray, displacement: np.ndarray, face: PosedFace) -> None:
        """Draw the lips, and the layers over them, in place.

        Args:
            canvas: the frame.
            source: places in the portrait's pose at the nodes of the head's grid.
            displacement: of the head, at those nodes.
            face: the expression.
        """
        box = Box.around(self._rig.curves.outline(face.offsets), 0.18 * self._unit)
        for layer in self._layers:
            if len(layer.outline):
                box = box.union(Box.around(layer.outline, 1))
        box = self._moved(box, displacement)
        if box.is_empty:
            return
        posed = self._head.grid.enlarge(source, box)
        canvas.draw(self._skin, self._skin.scale * self._near_lips(posed, face), box)
        patch = MouthPatch(canvas.frame[box.slices], posed, face.lips.cover(posed), face.lips, face)
        for layer in self._layers:
            layer.draw(patch)

    def _expressed(self, source: np.ndarray, face: PosedFace) -> np.ndarray:
        """Add the expression's flow to the head's: where in the picture each node of the head's grid comes from.

        Args:
            source: places in the portrait's pose at the nodes.
            face: the expression.
        """
        warp, flow = self._rig.warp, face.flow
        share = face.lips.above(warp.nodes)[..., None]
        moved: np.ndarray = source + warp.grid.sample(flow.lower + share * (flow.upper - flow.lower), source)
        return moved

    def _near_lips(self, posed: np.ndarray, face: PosedFace) -> np.ndarray:
        """Where in the picture pixels around the lips come from: the two fields part along a line that no grid holds.

        Args:
            posed: their places in the portrait's pose.
            face: the expression.
        """
        warp = self._rig.warp
        near = Box.around(posed[::6, ::6].reshape(-1, 2), 9).intersect(warp.box)
        both = warp.grid.enlarge(np.concatenate([face.flow.upper, face.flow.lower], axis=-1), near)
        both = _at(both, near, posed)
        share = face.lips.above(posed)[..., None]
        points: np.ndarray = posed + both[..., 2:] + share * (both[..., :2] - both[..., 2:])
        return points

    def _moved(self, box: Box, displacement: np.ndarray) -> Box:
        """The pixels of the frame to which head motion takes a box of the picture."""
        return self._head.grid.moved(box, displacement).intersect(self._shown)


def _at(field: np.ndarray, box: Box, points: np.ndarray) -> np.ndarray:
    """A field known at the pixels of a box, at any points; zero outside."""
    places: np.ndarray = points - np.array([box.left, box.top], np.float32)
    return cv2.remap(field, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
