"""Eyelids: the lid slides over an eyeball that stays where it is.

Each eye has axes along and across its corners. The edge of the upper lid comes down towards the lower one, and the
eyeball below it is left as it is, not stretched. The skin above the edge comes from a copy of the picture in which eye
and lashes are inpainted, since stretched lashes look like scratches; the lashes move with the edge, unstretched, as a
factor of darkness.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.interpolate import PchipInterpolator

from rhapsode.face import regions
from rhapsode.face.tracker import Face
from rhapsode.render.grid import Box, smoothstep

#: The share of the opening by which the lower lid rises as the eye closes.
_LOWER_RISE = 0.15
_SAMPLES = 33
#: Height of the lashes over the mesh's lid edge, canonical units.
_LASHES = 0.045


@dataclass(frozen=True)
class _Eye:
    """One eye: its axes in the picture, and the edges of its lids along them, pixels.

    `skin` (h, w, 3) uint8 is the picture's `box` without eye and lashes; `lashes` (h, w) float32 in [0, 1] how dark the
    lashes are.
    """

    origin: np.ndarray
    frame: np.ndarray
    along: np.ndarray
    upper: np.ndarray
    lower: np.ndarray
    brow: float
    outline: np.ndarray
    box: Box
    skin: np.ndarray
    lashes: np.ndarray


class Eyelids:
    """Both eyes of a portrait, the subject's right one first."""

    def __init__(self, image: np.ndarray, face: Face, unit: float) -> None:
        """Measure a picture.

        Args:
            image: (H, W, 3) uint8 RGB.
            face: the face in it.
            unit: pixels in one canonical unit.
        """
        mesh = face.mesh[:, :2].astype(np.float64)
        self._unit = unit
        right = (regions.RIGHT_UPPER_LID, regions.RIGHT_LOWER_LID, regions.RIGHT_BROW_EDGE)
        left = (regions.LEFT_UPPER_LID, regions.LEFT_LOWER_LID, regions.LEFT_BROW_EDGE)
        self._eyes = [_measure(image, mesh, self._unit, *lids) for lids in (right, left)]

    def outline(self, eye: int) -> np.ndarray:
        """Give points around all that closing an eye can change, (N, 2), pixels of the picture."""
        return self._eyes[eye].outline

    def paint(self, frame: np.ndarray, points: np.ndarray, eye: int, closed: float) -> None:
        """Close one eye in a part of a frame, in place.

        Args:
            frame: (h, w, 3) uint8 RGB, already warped.
            points: (h, w, 2) float32, where in the picture each of its pixels comes from, pixels.
            eye: 0 the subject's right, 1 the left.
            closed: 0 as in the picture .. 1 closed.
        """
        one = self._eyes[eye]
        place = ((points - one.origin) @ one.frame.T.astype(np.float32)).astype(np.float32)
        along, across = place[..., 0], place[..., 1]
        upper = np.interp(along, one.along, one.upper).astype(np.float32)
        gap = np.interp(along, one.along, one.lower - one.upper).astype(np.float32)
        fall, rise = closed * (1 - _LOWER_RISE) * gap, closed * _LOWER_RISE * gap
        line, floor = upper + fall, upper + gap - rise
        over = np.clip(line - across + 0.5, 0, 1) * np.clip(2 * fall, 0, 1)
        under = np.clip(across - floor + 0.5, 0, 1) * np.clip(2 * rise, 0, 1)
        height = line - across
        drawn = fall * (1 - smoothstep(height / (one.brow + fall)))
        lifted = rise * (1 - smoothstep(-(floor - across) / (0.2 * self._unit)))
        skin = _look_up(one.skin, one, points, -drawn)
        skin = skin * self._lid_shade(height, fall)[..., None]
        cheek = _look_up(one.skin, one, points, lifted)
        result = frame + under[..., None] * (cheek - frame)
        result = result + over[..., None] * (skin - result)
        lashes = _look_up(one.lashes, one, points, -fall) * np.clip(2 * fall, 0, 1)
        # Above the moved edge the old lashes are covered by the new skin; below it the eyeball is unchanged.
        lashes = np.where(height > -1.0, lashes, 0.0) * np.maximum(over, np.clip(height + 1, 0, 1))
        result *= (1 - lashes)[..., None] * self._edge(height, fall)[..., None]
        frame[:] = np.rint(np.clip(result, 0, 255)).astype(np.uint8)

    def _lid_shade(self, height: np.ndarray, fall: np.ndarray) -> np.ndarray:
        """The closed lid bulges over the eyeball: slightly darker towards its lower edge."""
        low = 1 - smoothstep(height / np.maximum(0.12 * self._unit, 1.0))
        return 1 - 0.12 * low * smoothstep(fall / (0.08 * self._unit))

    def _edge(self, height: np.ndarray, fall: np.ndarray) -> np.ndarray:
        """The line of lashes along the lid's edge, and its shadow on the eyeball, as a factor."""
        width = max(0.012 * self._unit, 0.7)
        line = np.exp(-((height / width) ** 2))
        return 1 - 0.3 * line * smoothstep(fall / (0.06 * self._unit))


def _look_up(image: np.ndarray, eye: _Eye, points: np.ndarray, across: np.ndarray) -> np.ndarray:
    """A picture of the eye's box at points moved across the eye by some pixels, float32."""
    corner = np.array([eye.box.left, eye.box.top], np.float32)
    moved = points - corner + across[..., None] * eye.frame[1].astype(np.float32)
    return cv2.remap(image, moved.astype(np.float32), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(
        np.float32
    )


def _measure(
    image: np.ndarray, mesh: np.ndarray, unit: float, upper: np.ndarray, lower: np.ndarray, brow: np.ndarray
) -> _Eye:
    left, right = mesh[upper[0]], mesh[upper[-1]]
    axis = (right - left) / np.linalg.norm(right - left)
    frame = np.stack([axis, np.array([-axis[1], axis[0]])])
    origin = (left + right) / 2
    blend = PchipInterpolator(np.arange(9), np.eye(9))(np.linspace(0, 8, _SAMPLES))
    top = blend @ ((mesh[upper] - origin) @ frame.T)
    bottom = blend @ ((mesh[lower] - origin) @ frame.T)
    along = np.maximum.accumulate(top[:, 0])
    below = np.interp(along, np.maximum.accumulate(bottom[:, 0]), bottom[:, 1])
    above = np.minimum(top[:, 1], below)
    room = float(top[:, 1].min() - ((mesh[brow] - origin) @ frame.T)[:, 1].mean())
    reach = float(np.clip(0.75 * room, 0.08 * unit, 0.3 * unit))
    up, down = np.array([0.0, reach]), np.array([0.0, 0.2 * unit])
    outline = np.concatenate([top, bottom, top - up, bottom + down]) @ frame + origin
    height, width = image.shape[:2]
    box = Box.around(outline, 0.15 * unit).intersect(Box(0, 0, width, height))
    opening = np.concatenate([np.column_stack([along, above]), np.column_stack([along, below])[::-1]])
    skin, lashes = _bare_lid(image[box.slices], opening @ frame + origin - [box.left, box.top], unit)
    return _Eye(origin, frame, along, above, below, reach, outline, box, skin, lashes)


def _bare_lid(image: np.ndarray, opening: np.ndarray, unit: float) -> tuple[np.ndarray, np.ndarray]:
    """The skin of an eye without eyeball and lashes, and the darkness of the lashes alone.

    Args:
        image: (h, w, 3) uint8 RGB, the surroundings of the eye.
        opening: (N, 2) outline of the open eye in it, pixels.
        unit: pixels in one canonical unit.

    Returns:
        Skin (h, w, 3) uint8; lashes (h, w) float32 in [0, 1], nothing inside the opening.
    """
    eye = np.zeros(image.shape[:2], np.uint8)
    cv2.fillPoly(eye, [np.rint(opening).astype(np.int32)], 255)
    size = 2 * max(round(_LASHES * unit), 2) + 1
    hidden = cv2.dilate(eye, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
    skin = cv2.inpaint(np.ascontiguousarray(image), hidden, max(2, round(0.03 * unit)), cv2.INPAINT_TELEA)
    # Inpainting draws rays; skin has none. The seam to the real skin stays soft.
    smooth = cv2.GaussianBlur(skin, (0, 0), max(0.035 * unit, 1.0))
    share = cv2.GaussianBlur(hidden, (0, 0), max(0.02 * unit, 0.8)).astype(np.float32)[..., None] / 255
    skin_light = skin + share * (smooth.astype(np.float32) - skin)
    ratio = image.mean(-1) / np.maximum(skin_light.mean(-1), 1.0)
    outside = 1 - cv2.GaussianBlur(eye, (0, 0), max(0.006 * unit, 0.5)).astype(np.float32) / 255
    lashes = np.clip(1 - ratio, 0, 1) * share[..., 0] * outside
    return np.rint(skin_light).astype(np.uint8), lashes.astype(np.float32)
