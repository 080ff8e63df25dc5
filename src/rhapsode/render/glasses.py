"""Rims of glasses before an eye: what moves behind them leaves them where they are."""

import cv2
import numpy as np

#: A rim is darker than this share of the skin around the eye.
_DARK = 0.5
#: It is at least so wide and at most so thick, canonical units: brows are as wide, hair is thicker.
_WIDE, _THICK = 0.3, 0.18
#: Unlike a brow it comes down beside the eye by this share of the opening.
_BESIDE = 0.5
#: Canonical units around the opening of the eye that are never of a rim; and those that belong to lashes: at most this
#: share of a rim lies there.
_NEVER, _LASHES, _AMONG_LASHES = 0.02, 0.06, 0.4


def rims(image: np.ndarray, eye: np.ndarray, below: np.ndarray, unit: float) -> np.ndarray:
    """Find the rims of glasses.

    Args:
        image: (h, w, 3) uint8 RGB, the surroundings of an eye.
        eye: (h, w) bool, its opening.
        below: (h, w) how far each pixel lies below the line through the corners of the eye, openings.
        unit: pixels in one canonical unit.

    Returns:
        (h, w) bool.
    """
    opening = eye.astype(np.uint8)
    lashes = cv2.dilate(opening, _disc(_LASHES * unit)) > 0
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    if lashes.all():
        return np.zeros(eye.shape, bool)
    dark = (grey < _DARK * np.median(grey[~lashes])) & (cv2.dilate(opening, _disc(_NEVER * unit)) == 0)
    depth = cv2.distanceTransform(dark.astype(np.uint8), cv2.DIST_L2, 5)
    count, parts, boxes, _ = cv2.connectedComponentsWithStats(dark.astype(np.uint8), connectivity=8)
    found = np.zeros(eye.shape, bool)
    for number in range(1, count):
        part = parts == number
        wide, thin = boxes[number, cv2.CC_STAT_WIDTH] > _WIDE * unit, depth[part].max() < _THICK / 2 * unit
        if wide and thin and below[part].max() > _BESIDE and lashes[part].mean() < _AMONG_LASHES:
            found |= part
    return found


def cover(found: np.ndarray, unit: float) -> np.ndarray:
    """Give how much of each pixel is a rim or its edge, (h, w) float32 in [0, 1], from rims that were found."""
    wide = cv2.dilate(found.astype(np.uint8), _disc(0.015 * unit))
    return cv2.GaussianBlur(wide.astype(np.float32), (3, 3), 0)


def without(image: np.ndarray, found: np.ndarray, unit: float) -> np.ndarray:
    """Paint over rims that were found in a picture, (h, w, 3) uint8, with what is around them."""
    hidden = (cover(found, unit) > 0).astype(np.uint8)
    return cv2.inpaint(image, hidden, max(2, round(0.03 * unit)), cv2.INPAINT_TELEA)


def _disc(radius: float) -> np.ndarray:
    size = 2 * max(round(radius), 1) + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
