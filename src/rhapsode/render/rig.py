"""How the face of one portrait moves: measured once in the picture, then posed by each frame's expression."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rhapsode.face.expression_basis import expression_basis
from rhapsode.face.geometry import Pose, to_image
from rhapsode.face.tracker import Face
from rhapsode.face.units import AT_REST
from rhapsode.render.face_warp import ExpressionFlow, ExpressionWarp
from rhapsode.render.lip_curves import LipCurves
from rhapsode.render.lip_edges import LipEdges
from rhapsode.render.lips import measure_lips
from rhapsode.render.mouth_picture import upper_teeth_share, without_interior

#: Offsets below this many pixels are no motion.
_STILL = 1e-3


class FaceRig:
    """The skin and lips of one portrait, ready to move.

    Attributes:
        lips: the resting lips, as the picture shows them.
        curves: how the edges of the lips follow the landmarks.
        warp: how the skin follows them.
        skin: (H, W, 3) uint8 RGB, the picture with lip over the inside of an open mouth.
        upper_share: share of the resting opening that moves with the skull (see `upper_teeth_share`).
    """

    def __init__(
        self, image: np.ndarray, face: Face, pose: Pose, rest: np.ndarray, rigid: np.ndarray | None = None
    ) -> None:
        """Measure a picture.

        Args:
            image: (H, W, 3) uint8 RGB.
            face: the face in it.
            pose: of the head (T = 1).
            rest: (68, 3) the face's canonical landmarks.
            rigid: (H, W) float32 in [0, 1], what no expression moves, such as rims of glasses.
        """
        unit = float(pose.scale[0])
        self._pose, self._rest = pose, rest
        self._still = to_image(rest[None], pose)[0, :, :2]
        self.lips = measure_lips(image, face.mesh, unit)
        self.curves = LipCurves(self.lips, unit)
        moved = unit * expression_basis().mesh @ pose.matrices[0].T
        self.warp = ExpressionWarp(image.shape, self.lips.mesh, face.landmarks, unit, moved[..., :2], rigid)
        self.skin = without_interior(image, self.lips.mesh, unit) if self.lips.is_open else image
        self.upper_share = upper_teeth_share(image, self.curves.rest)

    def pose(self, expression: np.ndarray, units: np.ndarray = AT_REST) -> "PosedFace":
        """Make an expression.

        Args:
            expression: (68, 3) canonical offsets from the portrait's own rest; eyes have no effect.
            units: (51,) units of expression, which move the skin between the landmarks.
        """
        posed = to_image((self._rest + expression)[None], self._pose)[0, :, :2]
        return PosedFace(self, expression, self.curves.settle(posed - self._still), units)


@dataclass(frozen=True)
class PosedFace:
    """A face that makes an expression, in the head pose of the picture.

    Attributes:
        rig: whose.
        expression: (68, 3) canonical offsets from the portrait's own rest.
        offsets: (68, 2) the same, pixels of the portrait.
        units: (51,) units of expression beyond those of the picture.
    """

    rig: FaceRig
    expression: np.ndarray
    offsets: np.ndarray
    units: np.ndarray

    @property
    def moves(self) -> bool:
        """Tell whether it visibly differs from the picture."""
        return bool(np.abs(self.offsets).max() > _STILL or self.units.any())

    @cached_property
    def flow(self) -> ExpressionFlow:
        """Give where the skin comes from, above and below the lips."""
        return self.rig.warp.flow(self.offsets, self.units)

    @cached_property
    def lips(self) -> LipEdges:
        """Give the edges of the lips."""
        return self.rig.curves.edges(self.offsets)
