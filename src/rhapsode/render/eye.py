"""One eye of a picture, measured once: the edges of its lids, and what a lid that moves shows."""

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from scipy.interpolate import PchipInterpolator

from rhapsode.face import regions
from rhapsode.render import glasses
from rhapsode.render.eyeball import Iris, shadow_of_lid, whole_eyeball
from rhapsode.render.grid import Box
from rhapsode.render.skin import tint

_SAMPLES = 33
#: Height of the lashes over the mesh's lid edge, canonical units.
_LASHES = 0.045


class EyePoints(NamedTuple):
    """Points of the mesh along one eye, indices, from the picture's left to its right; of the iris the middle first."""

    upper: np.ndarray
    lower: np.ndarray
    brow: np.ndarray
    iris: np.ndarray


#: The subject's right eye, then the left.
EYES = (
    EyePoints(regions.RIGHT_UPPER_LID, regions.RIGHT_LOWER_LID, regions.RIGHT_BROW_EDGE, regions.RIGHT_IRIS),
    EyePoints(regions.LEFT_UPPER_LID, regions.LEFT_LOWER_LID, regions.LEFT_BROW_EDGE, regions.LEFT_IRIS),
)


@dataclass(frozen=True)
class Eye:
    """One eye: its axes, along and across its corners, and the edges of its lids along them, pixels.

    Attributes:
        origin: (2,) the middle between the corners, pixels of the picture.
        axes: (2, 2) unit vectors along and across, of the picture.
        along: (N,) places along, rising.
        upper: (N,) the edge of the upper lid across, there.
        lower: (N,) that of the lower lid, never above it.
        opening: the greatest distance between the two.
        reach: how far above the upper lid its skin moves with it.
        outline: (M, 2) points around all that moving lids can change, pixels of the picture.
        box: pixels of the picture that all below cover.
        picture: (h, w, 3) uint8, the picture, without rims of glasses.
        skin: (h, w, 3) uint8, without eye and lashes.
        lashes: (h, w) float32 in [0, 1], how dark the lashes are; 0 in the opening.
        eyeball: (h, w, 3) float32, with the whole eyeball, without the shadow of the upper lid.
        shadow: how dark that is at the edge of the lid (see `eyeball.lid_shadow`).
        rims: (h, w) float32 in [0, 1], where rims of glasses are; None without any.
        iris: its disc in that box.
        tint: (3,) how shades of the skin are coloured (see `skin.tint`).
    """

    origin: np.ndarray
    axes: np.ndarray
    along: np.ndarray
    upper: np.ndarray
    lower: np.ndarray
    opening: float
    reach: float
    outline: np.ndarray
    box: Box
    picture: np.ndarray
    skin: np.ndarray
    lashes: np.ndarray
    eyeball: np.ndarray
    shadow: float
    rims: np.ndarray | None
    iris: Iris
    tint: np.ndarray

    def look_up(self, image: np.ndarray, points: np.ndarray, across: np.ndarray | None = None) -> np.ndarray:
        """Sample a picture of the eye's box, float32.

        Args:
            image: (h, w) or (h, w, 3), one of those above.
            points: (..., 2) float32, pixels of the box.
            across: (...) float32, by how many pixels the points are moved down the eye's axis.
        """
        if across is not None:
            points = points + across[..., None] * self.axes[1].astype(np.float32)
        seen = cv2.remap(image, points, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return seen.astype(np.float32, copy=False)


def measure_eye(image: np.ndarray, mesh: np.ndarray, unit: float, points: EyePoints) -> Eye:
    """Measure one eye of a picture.

    Args:
        image: (H, W, 3) uint8 RGB.
        mesh: (478, 2) the face in it, pixels.
        unit: pixels in one canonical unit.
        points: which of them the eye is.
    """
    left, right = mesh[points.upper[0]], mesh[points.upper[-1]]
    axis = (right - left) / np.linalg.norm(right - left)
    axes = np.stack([axis, np.array([-axis[1], axis[0]])])
    origin = (left + right) / 2
    blend = PchipInterpolator(np.arange(9), np.eye(9))(np.linspace(0, 8, _SAMPLES))
    top = blend @ ((mesh[points.upper] - origin) @ axes.T)
    bottom = blend @ ((mesh[points.lower] - origin) @ axes.T)
    along = np.maximum.accumulate(top[:, 0])
    lower = np.interp(along, np.maximum.accumulate(bottom[:, 0]), bottom[:, 1])
    upper = np.minimum(top[:, 1], lower)
    room = float(top[:, 1].min() - ((mesh[points.brow] - origin) @ axes.T)[:, 1].mean())
    reach = float(np.clip(0.75 * room, 0.08 * unit, 0.3 * unit))
    up, down = np.array([0.0, reach]), np.array([0.0, 0.2 * unit])
    outline = np.concatenate([top, bottom, top - up, bottom + down]) @ axes + origin
    height, width = image.shape[:2]
    box = Box.around(outline, 0.15 * unit).intersect(Box(0, 0, width, height))
    corner = np.array([box.left, box.top])
    picture = np.ascontiguousarray(image[box.slices])
    y, x = np.mgrid[box.top : box.bottom, box.left : box.right]
    place = ((np.stack([x, y], axis=-1) - origin) @ axes.T).astype(np.float32)
    opening = max(float((lower - upper).max()), 1.0)
    depth = (place[..., 1] - np.interp(place[..., 0], along, upper)) / opening
    room_there = np.interp(place[..., 0], along, lower - upper, 0.0, 0.0) / opening
    edge = np.concatenate([np.column_stack([along, upper]), np.column_stack([along, lower])[::-1]])
    eye = np.zeros(picture.shape[:2], np.uint8)
    cv2.fillPoly(eye, [np.rint(edge @ axes + origin - corner).astype(np.int32)], 255)
    rims = glasses.rims(picture, eye > 0, place[..., 1] / opening, unit)
    bare = glasses.without(picture, rims, unit) if rims.any() else picture
    skin, lashes = _bare_lid(bare, eye, rims, unit)
    centre = mesh[points.iris[0]]
    iris = Iris(centre - corner, float(np.linalg.norm(mesh[points.iris[1:]] - centre, axis=1).mean()))
    shadow = shadow_of_lid(picture, depth, room_there, iris)
    eyeball = whole_eyeball(picture, depth, room_there, iris, shadow)
    return Eye(
        origin, axes, along, upper, lower, opening, reach, outline, box, bare, skin, lashes, eyeball, shadow,
        glasses.cover(rims, unit) if rims.any() else None, iris, tint(np.median(skin.reshape(-1, 3), axis=0)),
    )  # fmt: skip


def _bare_lid(image: np.ndarray, eye: np.ndarray, rims: np.ndarray, unit: float) -> tuple[np.ndarray, np.ndarray]:
    """The skin of an eye without eyeball and lashes, and the darkness of the lashes alone.

    Args:
        image: (h, w, 3) uint8 RGB, the surroundings of the eye, without rims of glasses.
        eye: (h, w) uint8, 255 in its opening.
        rims: (h, w) bool, where rims were.
        unit: pixels in one canonical unit.

    Returns:
        Skin (h, w, 3) uint8; lashes (h, w) float32 in [0, 1], nothing inside the opening.
    """
    size = 2 * max(round(_LASHES * unit), 2) + 1
    hidden = cv2.dilate(eye, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
    covered = glasses.cover(rims, unit)
    hidden[covered > 0] = 255
    skin = cv2.inpaint(np.ascontiguousarray(image), hidden, max(2, round(0.03 * unit)), cv2.INPAINT_TELEA)
    # Inpainting draws rays; skin has none. The seam to the real skin stays soft.
    smooth = cv2.GaussianBlur(skin, (0, 0), max(0.035 * unit, 1.0))
    share = cv2.GaussianBlur(hidden, (0, 0), max(0.02 * unit, 0.8)).astype(np.float32)[..., None] / 255
    skin_light = skin + share * (smooth.astype(np.float32) - skin)
    ratio = image.mean(-1) / np.maximum(skin_light.mean(-1), 1.0)
    outside = 1 - cv2.GaussianBlur(eye, (0, 0), max(0.006 * unit, 0.5)).astype(np.float32) / 255
    lashes = np.clip(1 - ratio, 0, 1) * share[..., 0] * outside * (1 - covered)
    return np.rint(skin_light).astype(np.uint8), lashes.astype(np.float32)
