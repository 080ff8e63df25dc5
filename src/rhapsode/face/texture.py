"""A picture of the skin that is the same for all faces: the resting mesh seen from the front.

Its columns and rows are x and y of canonical space on the resting mesh of the mean face. Between the mesh's points,
triangles carry it to any face and back.
"""

from functools import cache
from typing import Final

import cv2
import numpy as np
from scipy.spatial import Delaunay

from rhapsode.face.expression_basis import expression_basis

#: Left, top, right and bottom of the texture, canonical units, and pixels in one of them.
WINDOW: Final = (-0.8, -0.75, 0.8, 1.35)
SCALE: Final = 64
#: Its rows and columns.
SHAPE: Final = (round((WINDOW[3] - WINDOW[1]) * SCALE), round((WINDOW[2] - WINDOW[0]) * SCALE))
#: Points of the mesh that lie on the skin: all but the irises.
SKIN: Final = 468
#: A triangle that a face shows at this part of its size from the front, or less, is not believed at all; at `_FULL`
#: fully.
_GRAZING, _FULL = 0.1, 0.4
_SHIFT = 4


@cache
def triangles() -> np.ndarray:
    """Give the triangles between the points of the resting mesh, (N, 3) indices, all turning the same way."""
    points = resting()
    corners = Delaunay(points).simplices
    flipped = _area(points[corners]) < 0
    corners[flipped] = corners[flipped][:, ::-1]
    return corners


@cache
def resting() -> np.ndarray:
    """Give the resting mesh from the front, (468, 2) canonical units."""
    points: np.ndarray = expression_basis().resting[:SKIN, :2].astype(np.float64)
    return points


def pixels() -> np.ndarray:
    """Give the place of each pixel of the texture, (*SHAPE, 2) canonical units."""
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]] + 0.5
    return np.stack([x / SCALE + WINDOW[0], y / SCALE + WINDOW[1]], axis=-1)


def to_texture(points: np.ndarray) -> np.ndarray:
    """Give where canonical points, (..., 2), lie in the texture, pixels; the middle of the first pixel is (0, 0)."""
    places: np.ndarray = (points - np.array(WINDOW[:2])) * SCALE - 0.5
    return places


def unwrapped(image: np.ndarray, mesh: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Take the texture off a picture.

    Args:
        image: (H, W, C) uint8 or float32.
        mesh: (478, 2) the face in it, pixels.

    Returns:
        (*SHAPE, C) the texture, of the picture's type; (*SHAPE) bool, where the face has any.
    """
    numbers, shares = _laid(resting()[triangles()], np.arange(len(triangles())), pixels())
    places = np.einsum("yxk,yxkd->yxd", shares, mesh[triangles()[numbers]]).astype(np.float32)
    finer = np.linalg.norm(mesh[263] - mesh[33]) / SCALE
    smooth = cv2.GaussianBlur(image, (0, 0), 0.45 * finer) if finer > 1.2 else image
    return cv2.remap(smooth, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), numbers >= 0


def places_in_texture(mesh: np.ndarray, where: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find which pixel of the texture each of some places in a picture shows.

    Args:
        mesh: (478, 3) the face in it, pixels; z away from the viewer.
        where: (h, w, 2) pixels, evenly spaced, rows and columns along those of the picture.

    Returns:
        (h, w, 2) float32 pixels of the texture; (h, w) float32 in [0, 1], how well they are known: 0 off the face and
        where it is seen from the edge.
    """
    corners = mesh[triangles()].astype(np.float64)
    size = _area(corners[..., :2])
    unit = np.linalg.norm(mesh[263] - mesh[33])
    shown = size / (unit**2 * _area(resting()[triangles()]))
    order = np.argsort(-corners[..., 2].mean(1), kind="stable")
    numbers, shares = _laid(corners[..., :2], order[shown[order] > _GRAZING / 2], where)
    places = np.einsum("yxk,yxkd->yxd", shares, to_texture(resting())[triangles()[numbers]])
    sure = np.clip((np.minimum(shown, 1) - _GRAZING) / (_FULL - _GRAZING), 0, 1)[numbers]
    return places.astype(np.float32), np.where(numbers >= 0, sure, 0).astype(np.float32)


def _laid(corners: np.ndarray, order: np.ndarray, where: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which triangle lies at each place, the last of the order on top, -1 for none; and the shares of its corners."""
    origin, step = where[0, 0], (where[-1, -1] - where[0, 0]) / (np.array(where.shape[1::-1]) - 1)
    drawn = np.full(where.shape[:2], -1, np.int32)
    polygons = np.rint((corners - origin) / step * 2**_SHIFT).astype(np.int32)
    for number in order:
        cv2.fillConvexPoly(drawn, polygons[number], int(number), shift=_SHIFT)
    a, b, c = np.moveaxis(corners[drawn], -2, 0)
    whole = _cross(b - a, c - a)
    whole = np.where(np.abs(whole) < 1e-9, 1e-9, whole)
    second, third = _cross(where - a, c - a) / whole, _cross(b - a, where - a) / whole
    return drawn, np.stack([1 - second - third, second, third], axis=-1)


def _area(corners: np.ndarray) -> np.ndarray:
    """Twice the area of triangles, (N, 3, 2), by their turn."""
    return _cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    crossed: np.ndarray = a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    return crossed
