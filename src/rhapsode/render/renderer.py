"""From a portrait and a moment's motion to a picture.

Flows are composed before a pixel is touched: a pixel of the frame looks up where it lies in the portrait's
own pose (head motion), from there where its skin was at rest (expression), and only then is the picture
sampled, once. Mouth and eyelids, where a flow would smear, are then painted over their own small boxes; the
Style-Aware Generator betters the mouth (`image.painter`), and where nobody knows its teeth a row of them is laid in
(`image.teeth`).
"""

import cv2
import numpy as np

from rhapsode.face.geometry import to_image
from rhapsode.paint.painter import MouthPainter
from rhapsode.render.eyelids import Eyelids
from rhapsode.render.face_warp import ExpressionFlow, ExpressionWarp
from rhapsode.render.grain import Grain
from rhapsode.render.grid import Box
from rhapsode.render.head_warp import HeadMotion
from rhapsode.render.lips import measure_lips
from rhapsode.render.mouth import Lips, Mouth
from rhapsode.render.portrait import Portrait
from rhapsode.render.teeth import Teeth

#: Offsets below this many pixels, and lids below this share, are no motion.
_STILL = 1e-3


class Renderer:
    """Draws one portrait; all that can be computed once is computed here. Frames do not depend on each other."""

    def __init__(
        self, portrait: Portrait, painter: MouthPainter | None = None, *, interior: bool = True, teeth: bool = True
    ) -> None:
        """Measure what every frame needs.

        Args:
            portrait: whom to draw.
            painter: what betters the mouth; without it, it stays as the explicit renderer draws it.
            interior: whether anything is drawn between the lips; otherwise the lips are stretched over it.
            teeth: whether a row of teeth is laid in where no picture shows any.
        """
        self._portrait = portrait
        self._painter = painter
        self._interior = interior
        height, width = portrait.image.shape[:2]
        self._unit = portrait.unit
        self._picture = Box(0, 0, width, height)
        self._head = HeadMotion(portrait)
        lips = measure_lips(portrait)
        self._expression = ExpressionWarp(portrait, lips)
        self._mouth = Mouth(portrait, lips)
        self._lids = Eyelids(portrait)
        needs_synthetic_teeth = not self._mouth.is_open if painter is None else painter.needs_synthetic_teeth
        self._finish: list[Teeth | Grain] = [Teeth(portrait)] if interior and teeth and needs_synthetic_teeth else []
        if interior and not self._mouth.is_open:
            self._finish.append(Grain(portrait))
        self._rest = to_image(portrait.rest[None], portrait.pose)[0, :, :2]

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of a frame, pixels."""
        height, width = self._portrait.image.shape[:2]
        return height, width

    def render(
        self, expression: np.ndarray, lids: np.ndarray, rotation: np.ndarray, translation: np.ndarray
    ) -> np.ndarray:
        """One frame.

        Args:
            expression: (68, 3) canonical offsets from the portrait's own `rest`, without blinks; the rows of
                the eyes have no effect.
            lids: (2,) 0 as in the picture .. 1 closed; the subject's right eye, then the left.
            rotation: (3,) rotation vector of the head relative to the picture, radians, about the base of the
                skull (`geometry.SKULL_BASE`), camera axes (x right, y down, z away): nod down > 0 in x, turn to the
                picture's left > 0 in y, tilt to the picture's right > 0 in z.
            translation: (3,) canonical units relative to the picture, of that pivot; z has no effect.

        Returns:
            (H, W, 3) uint8 RGB, a new array.
        """
        offsets = self._offsets(expression)
        speaks, blinks = bool(np.abs(offsets).max() > _STILL), bool(np.max(lids) > _STILL)
        displacement = self._head.displacement(np.asarray(rotation), np.asarray(translation))
        source = self._head.source(displacement)
        eyes = [self._moved(Box.around(self._lids.outline(eye), 1), displacement) for eye in (0, 1)]
        mouth = self._moved(self._mouth_box(offsets), displacement)
        area = self._head.active(source)
        if blinks:
            area = area.union(eyes[0]).union(eyes[1])
        if speaks:
            area = area.union(self._moved(self._expression.box, displacement))
        frame = self._portrait.image.copy()
        if area.is_empty:
            return frame
        picture = self._mouth.skin if speaks and self._interior else self._portrait.image
        if speaks:
            flow, lips = self._expression.flow(offsets), self._mouth.lips(offsets)
            source, before = self._expressed(source, flow, lips), source
        for part, points in self._head.grid.bands(source, area):
            _look_up(picture, points, frame[part.slices])
        if speaks and not mouth.is_empty:
            posed = self._head.grid.enlarge(before, mouth)
            _look_up(picture, self._near_lips(posed, flow, lips), frame[mouth.slices])
            if self._interior:
                cover = self._mouth.paint(frame[mouth.slices], posed, lips)
                if self._painter is not None:
                    self._painter.add(frame[mouth.slices], posed, self._painter.difference(expression))
                left, top, width, height = cv2.boundingRect(cover[..., 0])
                open_part = np.s_[top : top + height, left : left + width]
                for finish in self._finish if width else ():
                    finish.lay(frame[mouth.slices][open_part], posed[open_part], cover[open_part])
        for eye, closed in enumerate(np.minimum(lids, 1.0)):
            if closed > _STILL and not eyes[eye].is_empty:
                box = eyes[eye]
                self._lids.paint(frame[box.slices], self._head.grid.enlarge(source, box), eye, float(closed))
        return frame

    def _mouth_box(self, offsets: np.ndarray) -> Box:
        """The pixels of the picture that are drawn anew where the mouth moves."""
        box = Box.around(self._mouth.outline(offsets), 0.18 * self._unit)
        return box if self._painter is None else box.union(Box.around(self._painter.window.outline(), 1))

    def _offsets(self, expression: np.ndarray) -> np.ndarray:
        """Canonical offsets as pixels in the portrait's pose, (68, 2)."""
        posed = to_image((self._portrait.rest + expression)[None], self._portrait.pose)[0, :, :2]
        return self._mouth.settle(posed - self._rest)

    def _expressed(self, source: np.ndarray, flow: ExpressionFlow, lips: Lips) -> np.ndarray:
        """Add the expression's flow to the head's: where in the picture each node of the head's grid comes from.

        Args:
            source: places in the portrait's pose at the nodes.
            flow: of the expression.
            lips: the lip edges.
        """
        warp = self._expression
        share = self._mouth.above(lips, warp.nodes)[..., None]
        moved: np.ndarray = source + warp.grid.sample(flow.lower + share * (flow.upper - flow.lower), source)
        return moved

    def _near_lips(self, posed: np.ndarray, flow: ExpressionFlow, lips: Lips) -> np.ndarray:
        """Where in the picture pixels around the lips come from: the two fields part along a line that no grid holds.

        Args:
            posed: their places in the portrait's pose.
            flow: of the expression.
            lips: the lip edges.
        """
        warp = self._expression
        near = Box.around(posed[::6, ::6].reshape(-1, 2), 9).intersect(warp.box)
        both = warp.grid.enlarge(np.concatenate([flow.upper, flow.lower], axis=-1), near)
        both = _at(both, near, posed)
        share = self._mouth.above(lips, posed)[..., None]
        points: np.ndarray = posed + both[..., 2:] + share * (both[..., :2] - both[..., 2:])
        return points

    def _moved(self, box: Box, displacement: np.ndarray) -> Box:
        """The pixels of the frame to which head motion takes a box of the picture."""
        grid = self._head.grid
        x, y = np.linspace(box.left, box.right, 5), np.linspace(box.top, box.bottom, 5)
        places = np.stack(np.meshgrid(x, y), axis=-1).astype(np.float32)
        moved = places + grid.sample(displacement, places)
        return Box.around(moved.reshape(-1, 2), 0.5 * grid.step).intersect(self._picture)


def _look_up(picture: np.ndarray, points: np.ndarray, into: np.ndarray) -> None:
    """A part of a frame, in place, from where in the picture its pixels come from."""
    cv2.remap(picture, points, None, cv2.INTER_LINEAR, into, cv2.BORDER_REPLICATE)


def _at(field: np.ndarray, box: Box, points: np.ndarray) -> np.ndarray:
    """A field known at the pixels of a box, at any points; zero outside."""
    places: np.ndarray = points - np.array([box.left, box.top], np.float32)
    return cv2.remap(field, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
