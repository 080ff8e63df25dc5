"""The mouth's window: a small square of the portrait, upright with the head, in which the networks paint.

It is fixed to the skull, so that upper teeth stay where they are in it, and always of the same number of pixels to a
canonical unit, so that one network serves every size of picture. The explicit renderer draws in it exactly as it
draws in the frame; what the networks add is carried to the frame as a difference, enlarged.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from rhapsode.face.facial_map import draw_facial_map, project
from rhapsode.face.geometry import Pose, to_image
from rhapsode.face.landmarks import JAW, OUTER_LIPS
from rhapsode.render.face_warp import ExpressionWarp
from rhapsode.render.grid import affine, smoothstep
from rhapsode.render.lips import measure_lips
from rhapsode.render.mouth import Mouth
from rhapsode.render.portrait import Portrait

#: Channels of a drawing, and those of them that hold what lies between the lips and the place along them.
DRAWN_CHANNELS, INSIDE, ALONG = 9, 4, 5
#: Towards its edge, over so large a share of its side, the window passes into the frame.
_FADE = 0.11


@dataclass(frozen=True)
class WindowSize:
    """How large a window is and where it lies."""

    side: int = 64
    """Pixels of its side."""
    width: float = 0.9
    """Canonical units of its side."""
    below_nose: float = 0.3
    """Canonical units from the base of the nose down to its middle."""

    @property
    def per_unit(self) -> float:
        """Pixels in one canonical unit."""
        return self.side / self.width


@dataclass(frozen=True)
class Drawn:
    """The mouth as the explicit renderer draws it in the window.

    Attributes:
        painted: (S, S, 3) uint8 RGB: the warped picture, and between the lips its own teeth or a dark cavity.
        source: (S, S, 2) float32, where in the window at rest the skin of each pixel comes from, pixels.
        inside: (S, S) uint8, how much of each pixel lies between the lips, 255 = all of it.
        facial_map: (S, S) uint8, the landmarks joined by lines.
        between: (S, S, 4) uint8, where each pixel lies between the lips (`Mouth.between`).
        own: (S, S) float32 in [0, 1], how much of each pixel shows the picture's own mouth: all that lies between the
            lips where the picture shows teeth or more, nothing else.
    """

    painted: np.ndarray
    source: np.ndarray
    inside: np.ndarray
    facial_map: np.ndarray
    between: np.ndarray
    own: np.ndarray

    def stacked(self) -> np.ndarray:
        """What the networks see, all but `source` and `own`, (S, S, DRAWN_CHANNELS) uint8."""
        return np.concatenate([self.painted, self.facial_map[..., None], self.inside[..., None], self.between], axis=-1)


class MouthWindow:
    """The window of one portrait.

    Attributes:
        rest: (S, S, 3) uint8 RGB, what the portrait shows in it.
    """

    def __init__(self, portrait: Portrait, size: WindowSize = WindowSize()) -> None:
        self.size = size
        self._factor = size.per_unit / portrait.unit
        self._portrait = small = portrait.scaled(self._factor)
        lips = measure_lips(small)
        self._warp = ExpressionWarp(small, lips)
        self._mouth = Mouth(small, lips)
        self._to_window = window_affine(small.rest, small.pose, size)
        back = cv2.invertAffineTransform(self._to_window)
        places = np.stack(np.meshgrid(np.arange(size.side), np.arange(size.side)), -1)
        self._points = (places @ back[:, :2].T + back[:, 2]).astype(np.float32)
        self._still = to_image(small.rest[None], small.pose)[0, :, :2]
        self._camera = window_camera(small.pose, self._to_window)
        self.rest = self._look_up(small.image, self._points)

    @property
    def is_open(self) -> bool:
        """Whether the portrait shows teeth or the inside of its mouth."""
        return self._mouth.is_open

    def draw(self, expression: np.ndarray) -> Drawn:
        """Draw one mouth.

        Args:
            expression: (68, 3) canonical offsets from the portrait's own rest; eyes have no effect.
        """
        face = self._portrait.rest + expression
        posed = to_image(face[None], self._portrait.pose)[0, :, :2]
        offsets = self._mouth.settle(posed - self._still)
        lips, flow = self._mouth.lips(offsets), self._warp.flow(offsets)
        both = self._warp.grid.sample(np.concatenate([flow.upper, flow.lower], -1), self._points)
        share = self._mouth.above(lips, self._points)[..., None]
        source = self._points + both[..., 2:] + share * (both[..., :2] - both[..., 2:])
        painted = self._look_up(self._mouth.skin, source)
        inside = np.ascontiguousarray(self._mouth.paint(painted, self._points, lips)[..., 0])
        return Drawn(
            painted,
            affine(source, self._to_window),
            inside,
            draw_facial_map(face, self._camera, self.size.side),
            self._mouth.between(self._points, lips),
            inside.astype(np.float32) / 255 * self._mouth.is_open,
        )

    def look(self, picture: np.ndarray) -> np.ndarray:
        """What a picture of the portrait's size, (H, W, 3) uint8, shows in the window, (S, S, 3) uint8."""
        height, width = self._portrait.image.shape[:2]
        way = cv2.INTER_AREA if self._factor < 1 else cv2.INTER_CUBIC
        return self._look_up(cv2.resize(picture, (width, height), interpolation=way), self._points)

    def places(self, points: np.ndarray) -> np.ndarray:
        """Where in the window points (..., 2) of the portrait's picture lie, float32, pixels."""
        turn, shift = self._to_window[:, :2], self._to_window[:, 2]
        # Pixel centres lie at whole numbers, so the picture's corner is at -0.5.
        scaled = np.column_stack([self._factor * turn, turn.sum(1) * (self._factor - 1) / 2 + shift])
        return affine(points, scaled).astype(np.float32, copy=False)

    def regions(self, expression: np.ndarray) -> np.ndarray:
        """What is where when the portrait makes a face, (S, S) uint8: 2 mouth, 1 skin, 0 neither.

        Args:
            expression: (68, 3) canonical offsets from the portrait's own rest.
        """
        pixels = np.rint(project(self._portrait.rest + expression, self._camera)).astype(np.int32)
        side = self.size.side
        drawing = np.zeros((side, side), np.uint8)
        cv2.fillPoly(drawing, [np.concatenate([pixels[JAW], [[2 * side, -side], [-side, -side]]])], 1)
        cv2.fillPoly(drawing, [pixels[OUTER_LIPS]], 2)
        return drawing

    def outline(self) -> np.ndarray:
        """The corners of the window in the portrait's picture, (4, 2), pixels."""
        return (self._points[[0, 0, -1, -1], [0, -1, 0, -1]] + 0.5) / self._factor - 0.5

    @staticmethod
    def _look_up(image: np.ndarray, points: np.ndarray) -> np.ndarray:
        return cv2.remap(image, points, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def window_affine(rest: np.ndarray, pose: Pose, size: WindowSize) -> np.ndarray:
    """From image pixels to the pixels of the window of a face, (2, 3).

    Args:
        rest: (68, 3) the face in canonical space.
        pose: where it is, one picture.
        size: of the window.
    """
    centre = np.array([rest[33, 0], rest[33, 1] + size.below_nose, rest[48:60, 2].mean()])
    middle = to_image(centre[None, None], pose)[0, 0, :2]
    right = pose.matrices[0][:2, 0]
    scale = size.per_unit / float(pose.scale[0])
    cos, sin = scale * right / np.linalg.norm(right)
    turn = np.array([[cos, sin], [-sin, cos]])
    return np.column_stack([turn, (size.side - 1) / 2 - turn @ middle])


def window_camera(pose: Pose, affine: np.ndarray) -> np.ndarray:
    """The weak-perspective camera, (3, 4), from canonical space to the pixels of a window."""
    matrix = float(pose.scale[0]) * pose.matrices[0][:2]
    camera = np.zeros((3, 4))
    camera[:2, :3] = affine[:, :2] @ matrix
    camera[:2, 3] = affine[:, :2] @ pose.translation[0, :2] + affine[:, 2]
    camera[2, 3] = 1
    return camera


def edge_fade(side: int) -> np.ndarray:
    """How much of a window reaches the frame, (S, S, 1) float32: 1 inside, 0 at its edge."""
    ramp = smoothstep(np.minimum(np.arange(side), np.arange(side)[::-1]) / (_FADE * side))
    return (ramp[:, None] * ramp)[..., None].astype(np.float32)
