"""A square of a picture, anywhere, of any size and at any turn: what a network is shown."""

from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

#: How much wider than a face a mesh network wants its region.
_MARGIN: Final = 1.5
#: Outer corners of the eyes in the 478-point mesh, the subject's right and left.
_EYE_CORNERS: Final = (33, 263)
#: Where five points of a face lie in its region: eye centres, nose tip, mouth corners, the subject's right first;
#: (5, 2), parts of the region's side, 0 in its middle. The mean of 111 official portraits, left and right balanced.
FIVE_POINTS: Final = np.array([[-0.123, -0.123], [0.123, -0.123], [0.0, 0.012], [-0.122, 0.125], [0.122, 0.125]])


@dataclass(frozen=True)
class Region:
    """A square region of a picture.

    Attributes:
        x: Centre, image pixels to the right.
        y: Centre, image pixels downwards.
        size: Side, image pixels.
        turn: How far it is turned, clockwise as one sees it, radians: its upper edge then points that way. A face
            is upright in its region when its turn is that of the line from the subject's right eye to the left.
    """

    x: float
    y: float
    size: float
    turn: float = 0.0

    @classmethod
    def whole(cls, image: np.ndarray, turn: float = 0.0) -> "Region":
        """The smallest region that holds a picture, (H, W, ...), turned by quarters of a circle only."""
        height, width = image.shape[:2]
        return cls(width / 2, height / 2, max(height, width), turn)

    @classmethod
    def around_box(cls, box: np.ndarray, right_eye: np.ndarray, left_eye: np.ndarray) -> "Region":
        """The region around a face.

        Args:
            box: (4,) left, top, right, bottom, pixels.
            right_eye: (2,) the subject's right, pixels: with the left it gives the turn.
            left_eye: (2,)
        """
        left, top, right, bottom = (float(side) for side in box)
        dx, dy = left_eye - right_eye
        return cls(
            (left + right) / 2, (top + bottom) / 2, _MARGIN * max(right - left, bottom - top), np.arctan2(dy, dx)
        )

    @classmethod
    def around_mesh(cls, mesh: np.ndarray) -> "Region":
        """The region around a mesh, (478, 2 or 3) pixels."""
        points = mesh[:, :2]
        right, left = _EYE_CORNERS
        return cls.around_box(np.concatenate([points.min(0), points.max(0)]), points[right], points[left])

    @classmethod
    def around_five_points(cls, points: np.ndarray) -> "Region":
        """The region that lays five points of a face, least squares, where they lie in a mean face.

        Args:
            points: (5, 2) pixels: centres of the right and the left eye, tip of the nose, right and left corner of
                the mouth; right and left are the subject's.
        """
        seen = points.astype(np.float64)
        ours, theirs = FIVE_POINTS - FIVE_POINTS.mean(0), seen - seen.mean(0)
        # A similarity is one complex number: theirs = factor * ours.
        a, b = ours @ [1, 1j], theirs @ [1, 1j]
        factor = np.vdot(a, b) / np.vdot(a, a).real
        shift = seen.mean(0) @ [1, 1j] - factor * (FIVE_POINTS.mean(0) @ [1, 1j])
        return cls(float(shift.real), float(shift.imag), float(abs(factor)), float(np.angle(factor)))

    def turned(self, turn: float, zoom: float = 1.0) -> "Region":
        """The region about the same centre, turned further by so many radians and so many times as large."""
        return Region(self.x, self.y, zoom * self.size, self.turn + turn)

    def to_image(self, points: np.ndarray) -> np.ndarray:
        """Points of the region in image pixels.

        Args:
            points: (..., 2 or 3), parts of the side: x and y 0 to 1 from the upper left corner, z of any origin.

        Returns:
            The same shape, image pixels; z is scaled as x and y are.
        """
        placed = points * np.asarray(self.size, points.dtype)
        cosine, sine = np.cos(self.turn), np.sin(self.turn)
        x, y = placed[..., 0] - self.size / 2, placed[..., 1] - self.size / 2
        placed[..., 0] = self.x + cosine * x - sine * y
        placed[..., 1] = self.y + sine * x + cosine * y
        return placed

    def cut(self, image: np.ndarray, side: int, border: int) -> np.ndarray:
        """The region as a picture.

        Args:
            image: (H, W, 3) uint8.
            side: of the picture wanted, pixels.
            border: what is seen outside the image: cv2.BORDER_CONSTANT (black) or cv2.BORDER_REPLICATE.

        Returns:
            (side, side, 3) uint8, between pixels bilinear.
        """
        scale = self.size / side
        cosine, sine = scale * np.cos(self.turn), scale * np.sin(self.turn)
        back = np.array(
            [
                [cosine, -sine, self.x - (cosine - sine) * side / 2],
                [sine, cosine, self.y - (sine + cosine) * side / 2],
                [0.0, 0.0, 1.0],
            ]
        )
        # As a perspective: OpenCV's affine warp rounds its places more coarsely, which moves landmarks by 0.1 %.
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return cv2.warpPerspective(image, back, (side, side), flags=flags, borderMode=border)
