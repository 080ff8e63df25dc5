"""A person cut out of a picture, with what stands behind: two layers that make the picture when laid over each other.

The person is a layer of light, not of colour: what a pixel has beyond its share of the background. So the person over
the background is the picture exactly, and a head that moves takes its hair along and leaves the background where it is.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import cv2
import numpy as np

from rhapsode.render.grid import smoothstep
from rhapsode.render.matting import closed_form, enlarged
from rhapsode.render.plate import membrane, two_layers

CUT_OUT_VERSION: Final = "2"
"""Changes when the same picture is cut out differently, so that what was kept of it is made anew."""

_QUICK: Final = (cv2.IMWRITE_PNG_COMPRESSION, 1)
#: Pixels of a canonical unit, and of the picture, at most, at which the matte is found.
_UNIT, _AREA = 64.0, 200_000
#: Where the network's mask is not to be believed: so many canonical units within its edge, and beyond.
_WITHIN, _BEYOND = 0.10, 0.20
#: The network's mask is stretched from this range to [0, 1], and the matte from this.
_MASK, _MATTE = (0.2, 0.8), (0.04, 0.96)
#: How much the mask is worth at its edge, and what that grows by with the square of the distance in tenths of a unit.
_TRUST, _GROWTH = 0.01, 0.4
#: Share of the face that a mask must hold.
_HELD = 0.97
#: Texture of a background, of 255, below which it is smooth, and from which on it is not.
_SMOOTH: Final = (4.0, 10.0)
#: Canonical units around the person in which a smooth background is not believed: stray hairs, a camera's halo.
_RING = 0.14


@dataclass(frozen=True)
class CutOut:
    """A person and what is behind.

    Attributes:
        person: (H, W, 4) uint8: the light of the person, RGB, and its share of each pixel (premultiplied alpha).
        behind: (H, W, 3) uint8 RGB, the picture without the person.
        matte: (H, W) uint8, the person's share for other backgrounds, without what is its own only before this one.
    """

    person: np.ndarray
    behind: np.ndarray
    matte: np.ndarray

    @classmethod
    def of(cls, image: np.ndarray, alpha: np.ndarray, behind: np.ndarray, matte: np.ndarray) -> "CutOut":
        """Take the light of the person from a picture.

        Args:
            image: (H, W, 3) uint8 RGB.
            alpha: (H, W) uint8, the person's share.
            behind: (H, W, 3) uint8 RGB; what it is where the person's share is 0 has no effect.
            matte: (H, W) uint8.
        """
        behind = np.where(alpha[..., None] > 0, behind, image)
        return cls(np.dstack([cv2.subtract(image, _shining_through(alpha, behind)), alpha]), behind, matte)

    def packed(self) -> dict[str, np.ndarray]:
        """Give all that the picture itself does not hold, as PNG files."""
        behind = np.where(self.person[..., 3:] > 0, self.behind, np.uint8(0))
        layers = {"alpha": self.person[..., 3], "behind": behind, "matte": self.matte}
        return {name: np.asarray(cv2.imencode(".png", layer, _QUICK)[1]).ravel() for name, layer in layers.items()}

    @classmethod
    def unpacked(cls, image: np.ndarray, packed: dict[str, np.ndarray]) -> "CutOut":
        """Read what `packed` gave, with the picture, (H, W, 3) uint8 RGB."""
        alpha, behind, matte = (
            cv2.imdecode(packed[name], cv2.IMREAD_UNCHANGED) for name in ("alpha", "behind", "matte")
        )
        return cls.of(image, alpha, behind, matte)

    @cached_property
    def free(self) -> np.ndarray:
        """Give the person for other backgrounds, as `person`, with no more light than its share can have."""
        picture = np.empty_like(self.behind)
        lay(self.person, self.behind, picture)
        light = cv2.subtract(picture, _shining_through(self.matte, self.behind))
        return np.dstack([np.minimum(light, self.matte[..., None]), self.matte])

    @cached_property
    def around(self) -> np.ndarray:
        """Give the colours of the person, and smooth ones around it, (H, W, 3) uint8 RGB."""
        height, width = self.person.shape[:2]
        scale = min(1.0, (_AREA / (height * width)) ** 0.5)
        size = max(round(width * scale), 8), max(round(height * scale), 8)
        small = cv2.resize(self.free, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
        alpha = small[..., 3]
        sure = np.where(alpha > 0.9, 1, 0).astype(np.float32)
        colours = membrane(small[..., :3] / np.maximum(alpha, 0.1)[..., None], sure)
        return np.rint(255 * cv2.resize(np.clip(colours, 0, 1), (width, height))).astype(np.uint8)


def tells_person(mask: np.ndarray, face: np.ndarray) -> bool:
    """Tell whether a mask can be cut out by: it must hold the face, which it misses in some paintings and drawings.

    Args:
        mask: (H, W) float32 in [0, 1], as in `cut_out`.
        face: (N, 2) points of the face, pixels.
    """
    inside = np.zeros(mask.shape, np.uint8)
    cv2.fillConvexPoly(inside, cv2.convexHull(np.rint(face).astype(np.int32)), 1)
    return bool(inside.any() and mask[inside > 0].mean() > _HELD)


def lay(person: np.ndarray, behind: np.ndarray, into: np.ndarray) -> None:
    """Lay a person over a background, in place.

    Args:
        person: (h, w, 4) uint8, as `CutOut.person`.
        behind: (h, w, 3) uint8.
        into: (h, w, 3) uint8.
    """
    cv2.add(cv2.cvtColor(person, cv2.COLOR_RGBA2RGB), _shining_through(person[..., 3], behind), dst=into)


def cut_out(image: np.ndarray, mask: np.ndarray, unit: float) -> CutOut:
    """Cut the person out of a picture.

    Args:
        image: (H, W, 3) uint8 RGB.
        mask: (H, W) float32 in [0, 1], how surely each pixel is the person, without its hair (`face.person`).
        unit: pixels in a canonical unit.
    """
    matte, share, behind = _separated(image, mask, unit)
    alpha = np.ceil(255 * share - 1e-3).astype(np.uint8)  # up, or the background would be more than the picture
    back = np.rint(255 * behind).astype(np.uint8)
    return CutOut.of(image, alpha, back, np.rint(255 * matte).astype(np.uint8))


def _shining_through(alpha: np.ndarray, behind: np.ndarray) -> np.ndarray:
    """The share of a background that is seen, uint8."""
    return cv2.multiply(behind, cv2.cvtColor(cv2.bitwise_not(alpha), cv2.COLOR_GRAY2RGB), scale=1 / 255)


def _separated(image: np.ndarray, mask: np.ndarray, unit: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The matte, and the person's share before this background, (H, W), and the colours behind, (H, W, 3), float32."""
    height, width = mask.shape
    scale = min(1.0, _UNIT / unit, (_AREA / (height * width)) ** 0.5)
    size = max(round(width * scale), 8), max(round(height * scale), 8)
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA).astype(np.float32) / 255
    unit = unit * scale
    known, first = _rough(cv2.resize(mask, size, interpolation=cv2.INTER_AREA), small, unit)
    full = image.astype(np.float32) / 255
    band = cv2.resize(np.isnan(known).astype(np.float32), (width, height))
    matte = cv2.resize(first, (width, height))
    if scale < 1:
        matte += band * (enlarged(first, small, full) - matte)
    matte = np.clip((matte - _MATTE[0]) / (_MATTE[1] - _MATTE[0]), 0, 1)
    return matte, *_behind(full, matte, small, unit)


def _rough(mask: np.ndarray, image: np.ndarray, unit: float) -> tuple[np.ndarray, np.ndarray]:
    """What is known of the matte for sure, NaN elsewhere, and the matte, (h, w) float32 each."""
    sure, none = mask > 0.9, mask < 0.1
    known = np.full(mask.shape, np.nan, np.float32)
    known[_deep(sure) > _WITHIN * unit], known[_deep(none) > _BEYOND * unit] = 1, 0
    away = np.minimum(_deep(mask < 0.5) + _deep(mask >= 0.5), unit) / (0.1 * unit)
    prior = np.clip((mask - _MASK[0]) / (_MASK[1] - _MASK[0]), 0, 1)
    return known, closed_form(image, known, prior, _TRUST + _GROWTH * away**2)


def _deep(where: np.ndarray) -> np.ndarray:
    """How far each pixel of a mask lies from its edge, pixels; 0 outside. A picture without an edge has none."""
    padded = cv2.copyMakeBorder(where.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    return cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1]


def _behind(full: np.ndarray, matte: np.ndarray, small: np.ndarray, unit: float) -> tuple[np.ndarray, np.ndarray]:
    """The colours behind the person, and the matte that they ask for.

    Before a smooth background everything that is near the person and unlike the background is the person: stray hairs,
    the halo of a camera's sharpening. Before others the colours behind are those that matte and picture ask for.
    """
    size, small_size = full.shape[1::-1], small.shape[1::-1]
    rough = cv2.resize(matte, small_size, interpolation=cv2.INTER_AREA)
    low, high = _SMOOTH
    smooth = 1 - smoothstep((_texture(small, rough, unit) - low) / (high - low))
    ring = smooth * (1 - smoothstep((_deep(rough < 0.05) / unit / _RING - 0.5) * 2))
    front, back = two_layers(small, rough)
    plain = membrane(small, np.clip(1 - rough / 0.1, 0, 1) * (1 - ring))
    front, back, plain = (cv2.resize(one, size) for one in (front, back, plain))
    smooth, ring = cv2.resize(smooth, size), cv2.resize(ring, size)
    edge = (matte > 0) & (matte < 1) | (ring > 0)
    behind = np.where(matte[..., None] > 0, smooth[..., None] * plain + (1 - smooth[..., None]) * back, full)
    if not edge.any():
        return matte, behind
    picture, share, ring, smooth = full[edge], matte[edge][:, None], ring[edge][:, None], smooth[edge][:, None]
    colours, plain = back[edge], plain[edge]
    rest = 1 - share
    missing = picture - share * front[edge] - rest * colours
    colours = np.clip(colours + rest * missing / (share**2 + rest**2), 0, 1)
    seen = np.clip(1 - share / 0.1, 0, 1) * (1 - ring)
    colours = smooth * (plain + seen * (picture - plain)) + (1 - smooth) * colours
    unlike = picture - colours
    needed = np.where(unlike > 0, unlike / np.maximum(1 - colours, 1e-3), -unlike / np.maximum(colours, 1e-3))
    mostly = share > 0.5
    share = np.clip(np.maximum(share, np.where(mostly, 1, ring) * needed.max(1, keepdims=True)), 0, 1)
    rest = np.maximum(1 - share, 1e-3)
    # Where there is little of the person: it has at least no light, and at most that of white.
    bounded = np.clip(colours, (picture - share) / rest, picture / rest)
    colours = np.where(mostly, colours, bounded)
    matte, behind = matte.copy(), behind.astype(np.float32, copy=False)
    matte[edge], behind[edge] = share[:, 0], np.clip(colours, 0, 1)
    return matte, behind


def _texture(image: np.ndarray, matte: np.ndarray, unit: float) -> np.ndarray:
    """How much the background near each pixel differs from a blurred one, (h, w) float32 in [0, 255]."""
    seen = (matte < 0.01).astype(np.float32)

    def blurred(values: np.ndarray, size: float) -> np.ndarray:
        return cv2.GaussianBlur(values, (0, 0), size * unit, borderType=cv2.BORDER_REPLICATE)

    mean = blurred(image * seen[..., None], 0.08) / (blurred(seen, 0.08) + 1e-4)[..., None]
    unlike = np.abs(image - mean).max(-1) * seen
    return 255 * blurred(unlike, 0.25) / (blurred(seen, 0.25) + 1e-3)
