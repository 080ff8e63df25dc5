"""Which part of a picture a video of another shape shows, and what is seen where the picture does not reach."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import cv2
import numpy as np

from rhapsode.face.face import Face
from rhapsode.face.geometry import fit_pose, to_image
from rhapsode.render.grid import Box
from rhapsode.render.head_warp import HEAD_CENTRE, HEAD_RADII

#: What must be seen beside a head, and beside the mesh of its face, canonical units: at the sides, to turn; above, for
#: hair; below, for the jaw.
_TURN, _SIDES, _ABOVE, _BELOW = 0.25, 0.45, 0.6, 0.5
#: Canonical units above the mesh where hair or a hat is looked for, and the room above it.
_TALLEST, _ROOM = 1.3, 0.2
#: How far below the upper edge eyes are best, a share of the height.
_EYES = 0.36
#: Canonical units beyond the edges of a video from which a head, as it moves, can bring pixels in.
_MARGIN = 0.5
#: Standard deviation of the blur beyond the picture, a share of the distance from its edge.
_BLUR: Final = 0.35


@dataclass(frozen=True)
class Part:
    """A part of a picture, in its pixels, that may reach beyond.

    Attributes:
        left: of its left edge.
        top: of its upper edge.
        width: more than 0.
        height: more than 0.
    """

    left: float
    top: float
    width: float
    height: float

    def scaled(self, scale: np.ndarray) -> "Part":
        """Give the same part where the picture is scaled, (2,) across and down."""
        across, down = (float(one) for one in scale)
        return Part(across * self.left, down * self.top, across * self.width, down * self.height)


def part_shown(faces: Sequence[Face], person: np.ndarray, ratio: float) -> Part:
    """Choose the part of a picture that a video of another shape shows.

    It is the largest one in the picture, and reaches beyond where heads would not be seen whole. Heads stand in its
    middle, and their eyes near the upper third, as far as the picture reaches.

    Args:
        faces: one or more, pixels.
        person: (H, W) float32 in [0, 1], probability that a pixel belongs to a person.
        ratio: width of the video by its height.
    """
    height, width = person.shape
    size = np.array([width, height])
    heads = np.array([_head(face, person) for face in faces])
    start, end = np.clip(heads[:, :2].min(0), 0, size), np.clip(heads[:, 2:].max(0), 0, size)
    largest = np.array([width, width / ratio] if width / ratio <= height else [height * ratio, height])
    shown = largest * max(1.0, *((end - start) / largest))
    eyes = np.mean([face.landmarks[36:48, 1].mean() for face in faces])
    best = np.array([(start[0] + end[0] - shown[0]) / 2, np.clip(eyes - _EYES * shown[1], end[1] - shown[1], start[1])])
    left, top = np.clip(best, np.minimum(0, size - shown), np.maximum(0, size - shown))
    return Part(float(left), float(top), float(shown[0]), float(shown[1]))


def cut_to(image: np.ndarray, part: Part, size: tuple[int, int], unit: float) -> tuple[np.ndarray, Box]:
    """Cut a part out of a picture, with what is near it, from where motion may bring pixels in.

    Beyond the picture its edge goes on, the more blurred the farther away.

    Args:
        image: (H, W, 3) uint8 RGB.
        part: of it.
        size: the part's width and height, whole pixels.
        unit: pixels in a canonical unit.

    Returns:
        (h, w, 3) uint8 RGB, and where in it the part is.
    """
    height, width = image.shape[:2]
    left, top = round(part.left), round(part.top)
    shown, margin = Box(left, top, left + size[0], top + size[1]), round(_MARGIN * unit)
    wide = Box(left - margin, top - margin, shown.right + margin, shown.bottom + margin)
    near = wide.intersect(Box(0, 0, width, height))
    whole = near.union(shown)
    beyond = (near.top - whole.top, whole.bottom - near.bottom, near.left - whole.left, whole.right - near.right)
    where = Box(left - whole.left, top - whole.top, shown.right - whole.left, shown.bottom - whole.top)
    return _extended(np.ascontiguousarray(image[near.slices]), beyond), where


def _head(face: Face, person: np.ndarray) -> list[float]:
    """Left, top, right and bottom of what is to be seen of a head, pixels."""
    pose = fit_pose(face.landmarks[None].astype(np.float64))
    unit, (left, top, right, bottom) = float(pose.scale[0]), face.box
    x, half = float(to_image(HEAD_CENTRE[None, None], pose)[0, 0, 0]), (HEAD_RADII[0] + _TURN) * unit
    above = max(_ABOVE * unit, _hair(person, x, top, unit) + _ROOM * unit)
    left, right = min(left - _SIDES * unit, x - half), max(right + _SIDES * unit, x + half)
    return [left, top - above, right, bottom + _BELOW * unit]


def _hair(person: np.ndarray, x: float, y: float, unit: float) -> int:
    """How many rows above a place of the picture show the person still."""
    rows, columns = (
        [max(round(one), 0) for one in ends] for ends in ((y - _TALLEST * unit, y), (x - unit / 2, x + unit / 2))
    )
    above = person[slice(*rows), slice(*columns)][::-1]
    ends = np.flatnonzero((above > 0.5).mean(1) < 0.2) if above.size else [0]
    return int(ends[0]) if len(ends) else len(above)


def _extended(image: np.ndarray, beyond: tuple[int, int, int, int]) -> np.ndarray:
    """Go on with a picture by so many rows above and below, and columns to the left and right."""
    if not any(beyond):
        return image
    height, width = image.shape[:2]
    made = cv2.copyMakeBorder(image, *beyond, cv2.BORDER_REPLICATE).astype(np.float32)
    size = made.shape[1::-1]
    away = np.pad(np.zeros((height, width), np.float32), (beyond[:2], beyond[2:]), constant_values=1)
    away = cv2.distanceTransform(away.astype(np.uint8), cv2.DIST_L2, 5)
    sharp, sigma, small = 0.0, 2.0, made
    while sharp < _BLUR * away.max() and min(small.shape[:2]) > 4:
        softer = cv2.resize(cv2.GaussianBlur(small, (0, 0), 2, borderType=cv2.BORDER_REPLICATE), size)
        share = np.clip((_BLUR * away - sharp) / (sigma - sharp), 0, 1)[..., None]
        made += share * (softer - made)
        sharp, sigma = sigma, 2 * sigma
        small = cv2.resize(small, (small.shape[1] // 2, small.shape[0] // 2), interpolation=cv2.INTER_AREA)
    return np.rint(made).astype(np.uint8)
