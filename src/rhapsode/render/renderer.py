"""From a picture and the motion of one frame to that frame.

Flows are composed before a pixel is touched: a pixel of the frame looks up where it lies in the portrait's own pose
(head motion), from there where its skin was at rest (expression), and only then is the picture sampled, once. What a
flow would smear is drawn over that: the mouth by layers (the inside of the mouth, then what the networks paint, teeth,
grain), the eyelids by themselves. Furrows shade what is there then. Of several faces the flows are added up; each is
the whole flow where its person is (`render.group`).
"""

from collections.abc import Sequence

import numpy as np

from rhapsode.face.units import AT_REST
from rhapsode.render.drawn_face import DrawnFace, FacePose
from rhapsode.render.gaze import AS_PICTURED
from rhapsode.render.head_warp import IN_PLACE
from rhapsode.render.layers import Layer
from rhapsode.render.portrait import MeasuredPortrait
from rhapsode.render.stage import Stage


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
        self._begin([DrawnFace(portrait, layers)], stage or portrait.stage)

    @classmethod
    def of_faces(cls, faces: Sequence[DrawnFace], stage: Stage) -> "Renderer":
        """Draw several faces of one picture, whose heads move by one grid."""
        renderer = cls.__new__(cls)
        renderer._begin(faces, stage)
        return renderer

    def _begin(self, faces: Sequence[DrawnFace], stage: Stage) -> None:
        self._faces, self._stage = tuple(faces), stage
        self._head, self._shown = faces[0].head, faces[0].shown
        self._skin = stage.skin if any(face.fills_mouth for face in faces) else stage.picture

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
        """Draw one frame of a portrait; arguments as in `FacePose`, frames as of `render_all`."""
        return self.render_all([FacePose(expression, lids, rotation, translation, units, gaze, shoulders)])

    def render_all(self, poses: Sequence[FacePose]) -> np.ndarray:
        """Draw one frame.

        Args:
            poses: of each face.

        Returns:
            (H, W, 3) uint8 RGB, or (H, W, 4) RGBA where the stage is transparent; a new array.
        """
        together = list(zip(self._faces, poses, strict=True))
        displacement = np.add.reduce([face.displacement(pose) for face, pose in together])
        source = self._head.still_source(displacement)
        for face, pose in together:
            face.head.find_source(source, displacement, np.asarray(pose.rotation))
        before = source
        posed = [face.posed(pose, displacement) for face, pose in together]
        moves = any(one.moves for one in posed)
        area = self._head.active(source).intersect(self._shown)
        for one in posed:
            area = area.union(one.area)
        canvas = self._stage.canvas(self._shown)
        if area.is_empty:
            return canvas.finished()
        picture = self._skin if moves else self._stage.picture
        for one in posed:
            source = one.expressed(source) if one.moves else source
        places, reach = picture.scale * source, self._head.reach(source)
        for part in self._stage.parts(area, reach):
            canvas.draw(picture, self._head.grid.enlarge(places, part), part)
        for one in posed:
            if moves:
                one.draw_mouth(canvas, before)
            one.draw_eyes(canvas, picture, before, source)
            one.shade(canvas, source)
        return canvas.finished()
