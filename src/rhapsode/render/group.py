"""Several people in one picture, whose heads move by themselves.

People are one layer, cut out together: where they overlap nobody's edge is drawn over somebody else, and what stands
behind them is behind all. Every point of the picture follows the people near it in shares that add up to 1 and change
smoothly, so that the flows of their heads add up to one flow without a seam.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rhapsode.face.geometry import to_image
from rhapsode.render.grid import Box
from rhapsode.render.head_warp import HEAD_CENTRE, HEAD_RADII, HeadMotion, head_grid
from rhapsode.render.portrait import MeasuredPortrait
from rhapsode.render.stage import Stage

#: How much farther off a body counts than a head, half widths of a head: a head before another's chest is a head.
_BODY = 1.2
#: Width over which one person's share passes to another's, half widths of a head.
_PASSING = 0.3


@dataclass(frozen=True)
class MeasuredGroup:
    """People of one picture.

    Attributes:
        portraits: of each, with the same picture; the one with the largest face first.
    """

    portraits: tuple[MeasuredPortrait, ...]

    @property
    def image(self) -> np.ndarray:
        """Give the picture, (H, W, 3) uint8 RGB."""
        return self.portraits[0].image

    @property
    def shown(self) -> Box:
        """Give the part of the picture that frames show."""
        return self.portraits[0].shown

    @cached_property
    def heads(self) -> tuple[HeadMotion, ...]:
        """Give how the heads move, by one grid."""
        height, width = self.image.shape[:2]
        grid = head_grid(width, height, min(one.unit for one in self.portraits))
        shares = _shares(self.portraits, grid.nodes())
        return tuple(
            HeadMotion(one.face, one.pose, one.person, one.matte, grid, share)
            for one, share in zip(self.portraits, shares, strict=True)
        )

    @cached_property
    def head_limits(self) -> tuple[np.ndarray, ...]:
        """Give how far each head can move, as `MeasuredPortrait.head_limits`."""
        return tuple(self._least_told.bounded(head.limits()) for head in self.heads)

    @cached_property
    def stage(self) -> Stage:
        """Give what frames are drawn from, as `MeasuredPortrait.stage`."""
        return self._least_told.stage_with(self._skin)

    def before(self, backdrop: np.ndarray | None) -> Stage:
        """Give a stage with another background, as `MeasuredPortrait.before`."""
        return self._least_told.before(backdrop, self._skin)

    @cached_property
    def _least_told(self) -> MeasuredPortrait:
        """One whose person is not told from the background, if there is one: then the picture is one piece."""
        return next((one for one in self.portraits if not one.is_cut_out), self.portraits[0])

    @cached_property
    def _skin(self) -> np.ndarray:
        """The picture without what lies between anybody's lips, (H, W, 3) uint8; the same array where nothing does."""
        skin = self.image
        for one in self.portraits:
            own = one.rig.skin
            if own is not one.image:
                skin = own if skin is self.image else np.where(own != one.image, own, skin)
        return skin


def _shares(portraits: Sequence[MeasuredPortrait], nodes: np.ndarray) -> np.ndarray:
    """How much each node of a grid follows each person, (N, rows, columns) float32, 1 together."""
    away = np.stack([_away(one, nodes) for one in portraits])
    weights = np.exp((away.min(0) - away) / _PASSING)
    shares: np.ndarray = (weights / weights.sum(0)).astype(np.float32)
    return shares


def _away(portrait: MeasuredPortrait, nodes: np.ndarray) -> np.ndarray:
    """How far each node is from a person's head, or from the body below it, half widths of the head."""
    landmarks = portrait.face.landmarks[:, :2]
    down = landmarks[8] - landmarks[27]
    down = down / np.linalg.norm(down)
    centre = to_image(HEAD_CENTRE[None, None], portrait.pose)[0, 0, :2]
    arm = (nodes - centre) / (portrait.unit * HEAD_RADII[0])
    along, across = arm @ down, arm @ np.array([-down[1], down[0]])
    head = np.hypot(across, along * HEAD_RADII[0] / HEAD_RADII[1])
    body = np.hypot(across, np.minimum(along, 0)) + _BODY
    nearer: np.ndarray = np.minimum(head, body)
    return nearer
