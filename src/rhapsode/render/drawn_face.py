"""One face of a picture as frames draw it: what an expression, a look and a blink change, over the picture moved."""

from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from rhapsode.face.units import AT_REST
from rhapsode.render.face_warp import blended
from rhapsode.render.fine import FinePicture
from rhapsode.render.gaze import AS_PICTURED
from rhapsode.render.grid import Box
from rhapsode.render.head_warp import IN_PLACE, HeadMotion
from rhapsode.render.layers import Layer, MouthPatch
from rhapsode.render.portrait import MeasuredPortrait
from rhapsode.render.rig import PosedFace
from rhapsode.render.stage import Canvas

#: Lids moved by less than this share are no motion.
_STILL = 1e-3
#: Radians by which eyes that look elsewhere do so at least.
_STRAIGHT = 1e-3


class FacePose(NamedTuple):
    """What one face does in one frame.

    Attributes:
        expression: (68, 3) canonical offsets from the portrait's own `rest`, without blinks; the rows of the eyes have
            no effect.
        lids: (2, 2) how far the upper lid falls and the lower one rises, of the subject's right eye, then of the left,
            openings of the eye (see `Eyelids.paint`).
        rotation: (3,) rotation vector of the head relative to the picture, radians, about the base of the skull
            (`geometry.SKULL_BASE`), camera axes (x right, y down, z away): nod down > 0 in x, turn to the picture's
            left > 0 in y, tilt to the picture's right > 0 in z.
        translation: (3,) canonical units relative to the picture, of that pivot; z has no effect.
        units: (51,) units of expression (`face.units`) beyond those of the picture; what they do to landmarks is part
            of `expression`.
        gaze: (2,) where the eyes look in the head, from where the picture looks, radians: to the picture's right, and
            down.
        shoulders: (2,) how far they move beside what they follow of `translation`, canonical units, to the picture's
            right, and down.
    """

    expression: np.ndarray
    lids: np.ndarray
    rotation: np.ndarray
    translation: np.ndarray
    units: np.ndarray = AT_REST
    gaze: np.ndarray = AS_PICTURED
    shoulders: np.ndarray = IN_PLACE


class DrawnFace:
    """A face and the layers of its mouth, ready to be drawn in any number of frames.

    Attributes:
        head: how its head moves.
        rig: how its expression moves.
        lids: its eyes.
        furrows: how expressions shade it.
        layers: what is drawn over the mouth, from the lowest to the uppermost.
        unit: pixels in a canonical unit.
        shown: the part of the picture that frames show.
        eyes: around all that moving lids can change, pixels of the picture.
    """

    def __init__(
        self, portrait: MeasuredPortrait, layers: Sequence[Layer] = (), head: HeadMotion | None = None
    ) -> None:
        """Take what was measured.

        Args:
            portrait: whose face it is.
            layers: what is drawn over the mouth.
            head: how the head moves; as in a picture of one person where None.
        """
        self.head = head or portrait.head
        self.rig, self.lids, self.furrows = portrait.rig, portrait.eyelids, portrait.furrows
        self.layers, self.unit, self.shown = tuple(layers), portrait.unit, portrait.shown
        self.eyes = [Box.around(self.lids.outline(eye), 1) for eye in (0, 1)]

    @property
    def fills_mouth(self) -> bool:
        """Tell whether a layer draws what lies between the lips."""
        return any(layer.fills_mouth for layer in self.layers)

    def displacement(self, pose: FacePose) -> np.ndarray:
        """Compute how far its head takes each node of the head's grid, (rows, columns, 2) float32, pixels."""
        return self.head.displacement(np.asarray(pose.rotation), np.asarray(pose.translation), pose.shoulders)

    def posed(self, pose: FacePose, displacement: np.ndarray) -> "DrawnPose":
        """Begin a frame; `displacement` is that of all heads of the picture."""
        return DrawnPose(self, pose, displacement)


class DrawnPose:
    """A face in one frame.

    Attributes:
        moves: whether its expression differs from the picture's.
        area: what of the frame differs from the picture because of it, beside what its head moves.
    """

    def __init__(self, face: DrawnFace, pose: FacePose, displacement: np.ndarray) -> None:
        """Find out what is to be drawn; see `DrawnFace.posed`."""
        self._face, self._pose, self._displacement = face, pose, displacement
        self._posed: PosedFace = face.rig.pose(pose.expression, pose.units)
        self.moves = self._posed.moves
        self._eyes = [self._moved(box) for box in face.eyes]
        self._looks = bool(np.abs(pose.gaze).max() > _STRAIGHT)
        self._factors = face.furrows.factors(pose.units)
        self._furrowed = Box(0, 0, 0, 0) if self._factors is None else self._moved(face.furrows.box)
        self.area = self._furrowed
        if self._looks or np.abs(pose.lids).max() > _STILL:
            self.area = self.area.union(self._eyes[0]).union(self._eyes[1])
        if self.moves:
            self.area = self.area.union(self._moved(face.rig.warp.box))

    def expressed(self, source: np.ndarray) -> np.ndarray:
        """Add the expression's flow: where in the picture each node of the head's grid comes from.

        Args:
            source: places in the portrait's pose at the nodes.
        """
        warp, flow = self._face.rig.warp, self._posed.flow
        field = blended(flow.both, self._posed.lips.above(warp.nodes))
        near = self._face.head.grid.cells(self._moved(warp.box).union(warp.box))
        moved = source.copy()
        moved[near] += warp.grid.sample(field, source[near])
        return moved

    def draw_mouth(self, canvas: Canvas, source: np.ndarray) -> None:
        """Draw the lips, and the layers over them, in place; a mouth that rests as the picture shows it.

        Args:
            canvas: the frame.
            source: places in the portrait's pose at the nodes of the head's grid.
        """
        rig, posed = self._face.rig, self._posed
        box = Box.around(rig.curves.outline(posed.offsets), 0.18 * self._face.unit)
        for layer in self._face.layers:
            if len(layer.outline):
                box = box.union(Box.around(layer.outline, 1))
        box = self._moved(box)
        if box.is_empty:
            return
        places = self._face.head.grid.enlarge(source, box)
        if not self.moves:
            canvas.draw(canvas.stage.picture, canvas.stage.picture.scale * places, box)
            return
        skin = canvas.stage.skin if self._face.fills_mouth else canvas.stage.picture
        canvas.draw(skin, skin.scale * self._near_lips(places), box)
        patch = MouthPatch(canvas.frame[box.slices], places, posed.lips.cover(places), posed.lips, posed)
        for layer in self._face.layers:
            layer.draw(patch)

    def draw_eyes(self, canvas: Canvas, picture: FinePicture, before: np.ndarray, source: np.ndarray) -> None:
        """Draw eyes that look elsewhere or close.

        Args:
            canvas: the frame.
            picture: of the stage, that it is drawn from.
            before: places in the portrait's pose at the nodes of the head's grid.
            source: places in the picture, likewise.
        """
        lids, grid, gaze = self._face.lids, self._face.head.grid, self._pose.gaze
        for eye, (box, moved) in enumerate(zip(self._eyes, self._pose.lids, strict=True)):
            closes = bool(np.abs(moved).max() > _STILL)
            if box.is_empty or lids.is_hidden(eye) or not (closes or self._looks):
                continue
            points = grid.enlarge(source, box)
            if self._looks:
                points = lids.look(points, eye, gaze)
                canvas.draw(picture, picture.scale * points, box)
            if closes:
                posed = ball = grid.enlarge(before, box)
                if self._looks:
                    posed, ball = lids.look(posed, eye, gaze), lids.roll(posed, eye, gaze)
                lids.paint(canvas.frame[box.slices], points, posed, eye, moved, ball)

    def shade(self, canvas: Canvas, source: np.ndarray) -> None:
        """Shade the skin as the expression does; arguments as in `draw_eyes`."""
        if self._factors is None:
            return
        for part, points in self._face.head.grid.bands(source, self._furrowed):
            self._face.furrows.shade(canvas.frame[part.slices], points, self._factors)

    def _near_lips(self, posed: np.ndarray) -> np.ndarray:
        """Where in the picture pixels around the lips come from: the two fields part along a line that no grid holds.

        Args:
            posed: their places in the portrait's pose.
        """
        warp, flow = self._face.rig.warp, self._posed.flow
        near = Box.around(posed[::6, ::6].reshape(-1, 2), 9).intersect(warp.box)
        both = _at(warp.grid.enlarge(flow.both, near), near, posed)
        points = blended(both, self._posed.lips.above(posed))
        points += posed
        return points

    def _moved(self, box: Box) -> Box:
        """The pixels of the frame to which head motion takes a box of the picture."""
        return self._face.head.grid.moved(box, self._displacement).intersect(self._face.shown)


def _at(field: np.ndarray, box: Box, points: np.ndarray) -> np.ndarray:
    """A field known at the pixels of a box, at any points; zero outside."""
    places: np.ndarray = points - np.array([box.left, box.top], np.float32)
    return cv2.remap(field, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
