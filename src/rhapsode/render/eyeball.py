"""The whole of an eyeball, as far as a lid that rises beyond where it is in the picture uncovers it.

The iris is completed by its own pixels turned about its centre, the white by the white that is near, both freed of the
shadow of the upper lid, which goes with the lid.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from rhapsode.render.grid import smoothstep

#: How far below its mesh points an upper lid is dark by itself (lashes and rim, which go with it): a part of the
#: greatest opening, and at most a part of the opening there.
_RIM, _RIM_AT_MOST = 0.14, 0.5
#: How dark the shadow of an upper lid is: where it cannot be measured, at least, and at most.
_SHADOW, _SHADOWS = 0.4, (0.3, 0.6)
#: How light the white of the eye is at the corners.
_AT_CORNERS = 0.5
#: Openings over which it fades on the eyeball.
_SHADOW_DEPTH = 0.3
#: Angles and radii at which an iris is sampled, and the deviation over which angles stand in for each other, in angles.
_ANGLES, _RADII, _TURN = 96, 32, 6.0


@dataclass(frozen=True)
class Iris:
    """A disc in a picture: its centre (2,) and its radius, pixels."""

    centre: np.ndarray
    radius: float


def rim(room: np.ndarray) -> np.ndarray:
    """Give how far the rim and the lashes of an upper lid reach below its edge, openings.

    Args:
        room: how far the lower lid lies below that edge, in openings (the greatest of the eye is 1), any shape.
    """
    return np.minimum(_RIM, _RIM_AT_MOST * room)


def lid_shadow(depth: np.ndarray, darkness: float) -> np.ndarray:
    """Give the light that an upper lid leaves on the eyeball, a factor in [0, 1].

    Args:
        depth: openings of the eye below the edge of the lid, any shape.
        darkness: of the shadow at the edge, in [0, 1].
    """
    return 1 - darkness * np.exp(-((np.maximum(depth, 0) / _SHADOW_DEPTH) ** 2))


def shadow_of_lid(image: np.ndarray, depth: np.ndarray, room: np.ndarray, iris: Iris) -> float:
    """Measure how dark the shadow of an upper lid is at its edge, for `lid_shadow`.

    Args:
        image: (h, w, 3) uint8 RGB, the surroundings of the eye.
        depth: (h, w) how far each pixel lies below the edge of the upper lid, openings.
        room: (h, w) how far the lower lid does there.
        iris: in that picture.

    Returns:
        The darkness, between those of eyes in flat light and of eyes in strong light from above.
    """
    grey = image.mean(-1)
    white = (_away(image, iris) > 1.15 * iris.radius) & (room > 0.4) & (depth > rim(room)) & (depth < 0.8 * room)
    near, far = white & (depth < 0.3), white & (depth > 0.4)
    if min(near.sum(), far.sum()) < 4:
        return _SHADOW
    light = float(np.median(grey[near])) / max(float(np.median(grey[far])), 1.0)
    share = float(np.mean(np.exp(-((depth[near] / _SHADOW_DEPTH) ** 2))))
    return float(np.clip((1 - light) / share, *_SHADOWS))


def whole_eyeball(image: np.ndarray, depth: np.ndarray, room: np.ndarray, iris: Iris, darkness: float) -> np.ndarray:
    """Make a picture of an eyeball without lid and shadow above its lower lid.

    Args:
        image: (h, w, 3) uint8 RGB, the surroundings of the eye.
        depth: (h, w) how far each pixel lies below the edge of the upper lid, openings.
        room: (h, w) how far the lower lid does there.
        iris: in that picture.
        darkness: of the shadow at the edge, as in `lid_shadow`.

    Returns:
        (h, w, 3) float32; below the lower lid it is the picture.
    """
    light = (image / lid_shadow(depth, darkness)[..., None]).astype(np.float32)
    hidden = rim(room)
    seen = ((depth > 1.5 * hidden) & (depth < room - 0.5 * hidden)).astype(np.float32)
    if not seen.any():
        return light
    away = _away(image, iris)
    white = _white(light, seen * (away > 1.15 * iris.radius), seen, iris.radius)
    white *= (_AT_CORNERS + (1 - _AT_CORNERS) * smoothstep(room / 0.7))[..., None]
    disc = 1 - smoothstep((away - iris.radius) / max(0.25 * iris.radius, 1.2) + 0.5)
    made = white + disc[..., None] * (_turned(light, seen, iris) - white)
    keep = smoothstep((depth - hidden) / np.maximum(hidden, 1e-3))[..., None]
    whole: np.ndarray = made + keep * (light - made)
    return whole.astype(np.float32)


def _away(image: np.ndarray, iris: Iris) -> np.ndarray:
    """Distance of each pixel from the centre of the iris, pixels."""
    y, x = np.mgrid[: image.shape[0], : image.shape[1]].astype(np.float32)
    return np.hypot(x - iris.centre[0], y - iris.centre[1]).astype(np.float32)


def _white(light: np.ndarray, white: np.ndarray, seen: np.ndarray, radius: float) -> np.ndarray:
    """The white of the eye everywhere: its seen pixels, blurred; the lighter ones count more, lashes and veins less."""
    grey = light.mean(-1)
    share = white if white.sum() > 4 else seen
    level = np.percentile(grey[share > 0], 75)
    share = share * np.clip(grey / max(level, 1.0), 0.05, 1) ** 2
    wide = cv2.GaussianBlur(share, (0, 0), 2 * radius) + 1e-6
    far = cv2.GaussianBlur(light * share[..., None], (0, 0), 2 * radius) / wide[..., None]
    narrow = cv2.GaussianBlur(share, (0, 0), 0.6 * radius)[..., None]
    near = cv2.GaussianBlur(light * share[..., None], (0, 0), 0.6 * radius)
    spread: np.ndarray = (near + 0.02 * far) / (narrow + 0.02)
    return spread


def _turned(light: np.ndarray, seen: np.ndarray, iris: Iris) -> np.ndarray:
    """The iris everywhere: at each radius its seen pixels, turned to the angles where none is seen."""
    reach = 1.25 * iris.radius
    size = (_RADII, _ANGLES)
    centre = (float(iris.centre[0]), float(iris.centre[1]))
    flags = cv2.INTER_LINEAR | cv2.WARP_FILL_OUTLIERS
    colours = cv2.warpPolar(light, size, centre, reach, flags)
    share = cv2.warpPolar(seen, size, centre, reach, flags)
    # A glint is where the light falls: it is not turned.
    ring = np.stack([_median(colours[:, n], share[:, n]) for n in range(_RADII)])
    colours = np.minimum(colours, 1.15 * ring + 4)
    three = [np.tile(values, (3, 1, 1)[: values.ndim]) for values in (colours * share[..., None], share)]
    total, weight = (cv2.GaussianBlur(values, (0, 0), sigmaX=0.3, sigmaY=_TURN) for values in three)
    total, weight = total[_ANGLES : 2 * _ANGLES], weight[_ANGLES : 2 * _ANGLES]
    turned = (total + 0.05 * ring) / (weight + 0.05)[..., None]
    y, x = np.mgrid[: light.shape[0], : light.shape[1]].astype(np.float32)
    away, angle = np.hypot(x - centre[0], y - centre[1]), np.arctan2(y - centre[1], x - centre[0])
    column = np.minimum(away / reach * _RADII, _RADII - 1).astype(np.float32)
    row = (np.mod(angle, 2 * np.pi) / (2 * np.pi) * _ANGLES).astype(np.float32)
    looped = np.concatenate([turned, turned[:1]])
    return cv2.remap(looped.astype(np.float32), column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def _median(colours: np.ndarray, share: np.ndarray) -> np.ndarray:
    """The median colour of a ring, (3,), where it is seen; of all of it where it is nowhere."""
    median: np.ndarray = np.median(colours[share > 0.5] if (share > 0.5).any() else colours, axis=0)
    return median
