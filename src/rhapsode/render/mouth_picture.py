"""What the picture itself shows of an open mouth: skin to warp without it, and where its rows of teeth part."""

import cv2
import numpy as np

from rhapsode.face import regions
from rhapsode.render.grid import Box
from rhapsode.render.lip_curves import SAMPLES
from rhapsode.render.lip_edges import LipEdges


def without_interior(image: np.ndarray, mesh: np.ndarray, unit: float) -> np.ndarray:
    """Paint lip over the inside of an open mouth, for the lips to be warped from: no tooth is caught as they close.

    Args:
        image: (H, W, 3) uint8 RGB.
        mesh: (478, 2) the face in it, pixels.
        unit: pixels in one canonical unit.

    Returns:
        (H, W, 3) uint8 RGB, a copy.
    """
    ring = np.concatenate([mesh[regions.UPPER_INNER_LIP], mesh[regions.LOWER_INNER_LIP][::-1]])
    height, width = image.shape[:2]
    box = Box.around(ring, 0.15 * unit).intersect(Box(0, 0, width, height))
    mask = np.zeros((box.height, box.width), np.uint8)
    cv2.fillPoly(mask, [np.rint(ring - [box.left, box.top]).astype(np.int32)], 255)
    size = 2 * max(1, round(0.012 * unit)) + 1
    mask = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
    skin = image.copy()
    skin[box.slices] = cv2.inpaint(np.ascontiguousarray(image[box.slices]), mask, 3, cv2.INPAINT_TELEA)
    return skin


def upper_teeth_share(image: np.ndarray, rest: LipEdges) -> float:
    """Find the share of the resting opening, from the top, that belongs to the skull; the rest moves with the jaw.

    Where the middle of the mouth is bright, dark, bright from top to bottom, both rows of teeth show and the dark line
    parts them; otherwise everything is taken for upper teeth.

    Args:
        image: (H, W, 3) uint8 RGB.
        rest: the lip edges in it.

    Returns:
        (0, 1]; 1 where one row of teeth shows, or none.
    """
    columns = np.arange(SAMPLES // 4, SAMPLES - SAMPLES // 4)
    depth = np.linspace(0.08, 0.92, 22)
    across = rest.upper[columns] + depth[:, None] * rest.gap[columns]
    along = np.broadcast_to(rest.along[columns], across.shape)
    points = np.stack([along, across], -1) @ rest.axes + rest.origin
    light = cv2.remap(image, points.astype(np.float32), None, cv2.INTER_LINEAR).mean(-1).mean(1)
    dark = int(np.argmin(light[6:18])) + 6
    deep = min(light[:dark].max(), light[dark:].max()) - light[dark]
    return float(depth[dark]) if deep > 0.25 * light.max() else 1.0
