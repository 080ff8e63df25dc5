"""A picture drawn out to twice its size, so that what moves stays sharp.

A pixel that moves lies between those of the picture, and the mean of its neighbours is softer than they are. In a copy
of twice the size they are nearer, and the look-up is as fast. The copy holds the picture's own pixels at even places,
so that what stands still stays as it is; those between are a little too sharp, by as much as the portrait itself needs
to stay, on average, as sharp as it was.
"""

from typing import Final

import cv2
import numpy as np

#: Sharpness (variance of the Laplacian) that a moved face keeps, of its own.
_KEPT: Final = 0.95
#: How much the pixels between are sharpened: what is tried, and what a picture without any detail gets.
_TRIED: Final = (0.0, 0.08, 0.16, 0.24, 0.32)
_USUAL: Final = 0.12
#: Moves by which sharpness is measured, pixels in x and y.
_MOVES: Final = ((0.1, 0.4), (0.3, 0.9), (0.6, 0.2), (0.8, 0.7), (0.45, 0.55), (0.95, 0.05))
#: Longest side of the part of a face that is measured, pixels.
_MEASURED: Final = 160
#: Pixels of a picture above which no copy is made: it would take too much memory.
_LARGEST: Final = 2**22
#: Border that is not measured, pixels.
_BORDER: Final = 3


class FinePicture:
    """A picture to look up between its pixels.

    Attributes:
        scale: places of the picture times this are places of the copy.
    """

    def __init__(self, image: np.ndarray, sharpening: float) -> None:
        """Draw a picture out.

        Args:
            image: (H, W, 3) uint8.
            sharpening: of the pixels between, as `sharpening_for` finds it.
        """
        large = image.shape[0] * image.shape[1] > _LARGEST
        self.scale = np.float32(1 if large else 2)
        self._pixels = image if large else _doubled(image, sharpening)

    def look_up(self, places: np.ndarray, into: np.ndarray) -> None:
        """Fill a part of a frame, in place.

        Args:
            places: (h, w, 2) float32, where in the picture its pixels come from, times `scale`.
            into: (h, w, 3) uint8.
        """
        cv2.remap(self._pixels, places, None, cv2.INTER_LINEAR, into, cv2.BORDER_REPLICATE)


def sharpening_for(image: np.ndarray, points: np.ndarray) -> float:
    """Find how much `_half_way` must sharpen for a face to stay sharp as it moves, 0 to 0.32.

    Args:
        image: (H, W, 3) uint8 RGB.
        points: (N, 2) points of the face, pixels.
    """
    height, width = image.shape[:2]
    middle, half = points.mean(0), np.minimum(np.ptp(points, axis=0) / 2, _MEASURED / 2)
    left, top = np.clip(middle - half, 0, [width - 1, height - 1]).astype(int)
    right, bottom = np.clip(middle + half, [left + 1, top + 1], [width, height]).astype(int)
    face = np.ascontiguousarray(image[top:bottom, left:right])
    own = _sharpness(face)
    if own < 1e-3 or min(face.shape[:2]) <= 4 * _BORDER:
        return _USUAL
    kept = []
    for sharpening in _TRIED:
        doubled = _doubled(face, sharpening)
        moved = (cv2.warpAffine(doubled, _move(x, y), face.shape[1::-1], flags=_SHIFT) for x, y in _MOVES)
        kept.append(np.mean([_sharpness(one) for one in moved]) / own)
    return float(np.interp(_KEPT, kept, _TRIED))


_SHIFT: Final = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP


def _move(x: float, y: float) -> np.ndarray:
    return np.array([[2.0, 0.0, 2 * x], [0.0, 2.0, 2 * y]])


def _sharpness(image: np.ndarray) -> float:
    """Variance of the Laplacian of a picture's lightness, away from its border."""
    light = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return float(cv2.Laplacian(light, cv2.CV_32F)[_BORDER:-_BORDER, _BORDER:-_BORDER].var())


def _doubled(image: np.ndarray, sharpening: float) -> np.ndarray:
    """A picture of twice the size whose pixel (2 y, 2 x) is pixel (y, x) of the picture, (2 H, 2 W, 3) uint8."""
    half = _half_way(sharpening).astype(np.float32)
    height, width = image.shape[:2]
    doubled = np.empty((2 * height, 2 * width, image.shape[2]), np.uint8)
    doubled[::2, ::2] = image
    across = _filtered(image, half[None])
    doubled[::2, 1::2] = np.clip(np.rint(across), 0, 255)
    doubled[1::2, ::2] = np.clip(np.rint(_filtered(image, half[:, None])), 0, 255)
    doubled[1::2, 1::2] = np.clip(np.rint(_filtered(across, half[:, None])), 0, 255)
    return doubled


def _filtered(image: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    anchor = tuple((side - 1) // 2 for side in kernel.shape[::-1])
    return cv2.filter2D(image, cv2.CV_32F, kernel, anchor=anchor, borderType=cv2.BORDER_REPLICATE)


def _half_way(sharpening: float) -> np.ndarray:
    """Four weights for the value half way between two pixels; more than four would draw a second line beside a line."""
    return np.array([-sharpening, 0.5 + sharpening, 0.5 + sharpening, -sharpening])
