"""The mouth's window: a small square of the portrait, upright with the head, in which the networks paint.

It is fixed to the skull, so that upper teeth stay where they are in it, and always of the same number of pixels to a
canonical unit, so that one network serves every size of picture. It shows the expression of the frame (`PosedFace`),
drawn as the frame is, at the window's own resolution; what the networks add is carried to the frame as a difference.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from rhapsode.face.facial_map import draw_facial_map, project
from rhapsode.face.geometry import Pose, to_image
from rhapsode.face.landmarks import JAW, LEFT_EYE, OUTER_LIPS, RIGHT_EYE
from rhapsode.render.face_warp import blended
from rhapsode.render.grid import affine, smoothstep
from rhapsode.render.interior import MouthInterior
from rhapsode.render.layers import MouthPatch
from rhapsode.render.portrait import MeasuredPortrait
from rhapsode.render.rig import PosedFace

#: Number of channels of a drawing, and the channels of `Drawn.inside` and of the place along the lips.
DRAWN_CHANNELS, INSIDE, ALONG = 9, 4, 5
#: What the pixels of `MouthWindow.regions` show; 0 is none of these.
SKIN, MOUTH, EYES = 1, 2, 3
#: Share of its side over which the window fades into the frame.
_FADE = 0.11


@dataclass(frozen=True)
class WindowSize:
    """Size and place of a window."""

    side: int = 64
    """Pixels of its side."""
    width: float = 0.9
    """Canonical units of its side."""
    below_nose: float = 0.3
    """Canonical units from the base of the nose down to its middle."""

    @property
    def per_unit(self) -> float:
        """Give the number of pixels in one canonical unit."""
        return self.side / self.width


@dataclass(frozen=True)
class Drawn:
    """The mouth as the explicit renderer draws it in the window.

    Attributes:
        painted: (S, S, 3) uint8 RGB: the warped picture, and between the lips its own teeth or a dark cavity.
        source: (S, S, 2) float32, where in the resting window the skin of each pixel comes from, pixels.
        inside: (S, S) uint8, how much of each pixel lies between the lips, 255 = all of it.
        facial_map: (S, S) uint8, the landmarks joined by lines.
        between: (S, S, 4) uint8, where each pixel lies between the lips (`LipEdges.between`).
        own: (S, S) float32 in [0, 1], how much of each pixel shows the inside of the picture's own mouth.
    """

    painted: np.ndarray
    source: np.ndarray
    inside: np.ndarray
    facial_map: np.ndarray
    between: np.ndarray
    own: np.ndarray

    def stacked(self) -> np.ndarray:
        """Stack what the networks see, all but `source` and `own`, (S, S, DRAWN_CHANNELS) uint8."""
        return np.concatenate([self.painted, self.facial_map[..., None], self.inside[..., None], self.between], axis=-1)


class MouthWindow:
    """The window of one portrait.

    Attributes:
        size: how large it is.
        rest: (S, S, 3) uint8 RGB, what the portrait shows in it.
    """

    def __init__(self, portrait: MeasuredPortrait, size: WindowSize = WindowSize()) -> None:
        """Lay the window on a portrait.

        Args:
            portrait: whose mouth.
            size: of the window.
        """
        self.size = size
        self._rest, self._rig = portrait.rest, portrait.rig
        self._factor = size.per_unit / portrait.unit
        self._to_window = window_affine(portrait.rest, portrait.pose, size)
        self._camera = window_camera(portrait.pose, self._to_window)
        back = cv2.invertAffineTransform(self._to_window)
        places = np.stack(np.meshgrid(np.arange(size.side), np.arange(size.side)), -1)
        self._points = (places @ back[:, :2].T + back[:, 2]).astype(np.float32)
        self._scaled_points = self._scale(self._points)
        self._stencil = self._rig.warp.grid.stencil(self._points)
        scaled = self._resize(portrait.image)
        self._skin = self._resize(self._rig.skin) if self.is_open else scaled
        rest_edges = self._rig.curves.rest.scaled(self._factor)
        self._interior = MouthInterior(scaled, rest_edges, self._rig.lips.colour, self._rig.upper_share)
        self.rest = _look_up(scaled, self._scaled_points)

    @property
    def is_open(self) -> bool:
        """Tell whether the portrait shows teeth or the inside of its mouth."""
        return self._rig.lips.is_open

    def draw(self, face: PosedFace) -> Drawn:
        """Draw one mouth.

        Args:
            face: an expression of the portrait's rig.
        """
        lips = face.lips.scaled(self._factor)
        source = blended(self._stencil.of(face.flow.both), lips.above(self._scaled_points))
        source += self._points
        painted = _look_up(self._skin, self._scale(source))
        cover = lips.cover(self._scaled_points)
        self._interior.draw(MouthPatch(painted, self._scaled_points, cover, lips, face))
        inside = np.ascontiguousarray(cover[..., 0])
        return Drawn(
            painted,
            affine(source, self._to_window),
            inside,
            draw_facial_map(self._rest + face.expression, self._camera, self.size.side),
            lips.between(self._scaled_points),
            inside.astype(np.float32) / 255 * np.float32(lips.own),
        )

    def look(self, picture: np.ndarray) -> np.ndarray:
        """Give what a picture of the portrait's size, (H, W, 3) uint8, shows in the window, (S, S, 3) uint8."""
        return _look_up(self._resize(picture), self._scaled_points)

    def places(self, points: np.ndarray) -> np.ndarray:
        """Give where in the window points (..., 2) of the portrait's picture lie, float32, pixels."""
        return affine(points, self._to_window).astype(np.float32, copy=False)

    def regions(self, expression: np.ndarray) -> np.ndarray:
        """Give what is where when the portrait makes an expression.

        Args:
            expression: (68, 3) canonical offsets from the portrait's own rest.

        Returns:
            (S, S) uint8, one of `SKIN`, `MOUTH`, `EYES`, or 0 beyond the face. The default window shows no eyes.
        """
        pixels = np.rint(project(self._rest + expression, self._camera)).astype(np.int32)
        side = self.size.side
        drawing = np.zeros((side, side), np.uint8)
        cv2.fillPoly(drawing, [np.concatenate([pixels[JAW], [[2 * side, -side], [-side, -side]]])], SKIN)
        for eye in (RIGHT_EYE, LEFT_EYE):
            cv2.fillPoly(drawing, [pixels[eye]], EYES)
        cv2.fillPoly(drawing, [pixels[OUTER_LIPS]], MOUTH)
        return drawing

    def outline(self) -> np.ndarray:
        """Give the corners of the window in the portrait's picture, (4, 2), pixels."""
        return self._points[[0, 0, -1, -1], [0, -1, 0, -1]]

    def _resize(self, picture: np.ndarray) -> np.ndarray:
        """A picture of the portrait's size at the window's resolution."""
        height, width = picture.shape[:2]
        size = max(1, round(self._factor * width)), max(1, round(self._factor * height))
        how = cv2.INTER_AREA if self._factor < 1 else cv2.INTER_CUBIC
        return cv2.resize(picture, size, interpolation=how)

    def _scale(self, points: np.ndarray) -> np.ndarray:
        """Pixels (..., 2) of the portrait as pixels of what `_resize` gives, float32."""
        # Pixel centres lie at whole numbers, so the picture's corner is at -0.5.
        return ((points + np.float32(0.5)) * np.float32(self._factor) - np.float32(0.5)).astype(np.float32, copy=False)


def _look_up(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    return cv2.remap(image, points, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def window_affine(rest: np.ndarray, pose: Pose, size: WindowSize) -> np.ndarray:
    """Compute the affine map from image pixels to the pixels of the window of a face, (2, 3).

    Args:
        rest: (68, 3) the face in canonical space.
        pose: its pose in the image (T = 1).
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
    """Compute the weak-perspective camera, (3, 4), from canonical space to the pixels of a window."""
    matrix = float(pose.scale[0]) * pose.matrices[0][:2]
    camera = np.zeros((3, 4))
    camera[:2, :3] = affine[:, :2] @ matrix
    camera[:2, 3] = affine[:, :2] @ pose.translation[0, :2] + affine[:, 2]
    camera[2, 3] = 1
    return camera


def edge_fade(side: int) -> np.ndarray:
    """Make the fade of a window into the frame, (S, S, 1) float32: 1 inside, 0 at its edge."""
    ramp = smoothstep(np.minimum(np.arange(side), np.arange(side)[::-1]) / (_FADE * side))
    return (ramp[:, None] * ramp)[..., None].astype(np.float32)
