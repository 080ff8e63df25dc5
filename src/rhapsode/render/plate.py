"""What stands behind a person: the colours of a picture without the person in it."""

from collections.abc import Iterable
from typing import Final

import cv2
import numpy as np

#: Weight by which neighbours agree where the matte is even, and where it has an edge.
_EVEN, _EDGE = 5e-6, 1.0
#: Rounds at a level of the pyramid: of a small one, and of others.
_SMALL, _SMALL_ROUNDS, _ROUNDS = 32, 8, 3
#: Weight of neighbours in a membrane, and its rounds at a level.
_SLACK, _MEMBRANE_ROUNDS = 0.05, 6
_AROUND: Final = np.array([[0, 0.25, 0], [0.25, 0, 0.25], [0, 0.25, 0]], np.float32)


def two_layers(image: np.ndarray, matte: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find the colours of person and background, smooth where they cannot be seen.

    From a coarse picture to the fine one, each pixel's two colours explain the picture and agree with its neighbours'
    (Germer, Uelwer, Conrad, Harmeling: "Fast multi-level foreground estimation", 2020).

    Args:
        image: (h, w, 3) float32 RGB in [0, 1].
        matte: (h, w) float32 in [0, 1].

    Returns:
        Of the person and of what is behind, (h, w, 3) float32 in [0, 1] each.
    """
    height, width = matte.shape
    levels = int(np.ceil(np.log2(max(height, width))))
    # Colour by colour: NumPy is slow along an axis of three.
    planes = cv2.split(image)
    front = back = np.array([np.full((1, 1), plane.mean(), np.float32) for plane in planes])
    for level in range(levels + 1):
        size = max(1, round(width ** (level / levels))), max(1, round(height ** (level / levels)))
        seen, (share,) = _planes(planes, size, cv2.INTER_AREA), _planes([matte], size, cv2.INTER_AREA)
        front, back = _planes(front, size, cv2.INTER_LINEAR), _planes(back, size, cv2.INTER_LINEAR)
        weights = [_EVEN + _EDGE * np.abs(one - share) for one in _neighbours(share)]
        total = np.add.reduce(weights)
        rest = 1 - share
        own_front, own_back, cross = share**2 + total, rest**2 + total, share * rest
        scale = 1 / (own_front * own_back - cross**2)
        for _ in range(_SMALL_ROUNDS if max(size) <= _SMALL else _ROUNDS):
            for_front = share * seen + sum(w * n for w, n in zip(weights, _neighbours(front), strict=True))
            for_back = rest * seen + sum(w * n for w, n in zip(weights, _neighbours(back), strict=True))
            front = np.clip((own_back * for_front - cross * for_back) * scale, 0, 1)
            back = np.clip((own_front * for_back - cross * for_front) * scale, 0, 1)
    return cv2.merge(list(front)), cv2.merge(list(back))


def membrane(image: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Fill what is not seen smoothly from around it, (h, w, 3) float32.

    Args:
        image: (h, w, 3) float32.
        seen: (h, w) float32 in [0, 1], how much of each pixel is to be kept.
    """
    weights = seen[..., None]
    levels = [(image * weights, weights)]
    while max(levels[-1][1].shape) > 2:
        height, width = levels[-1][1].shape[:2]
        size = (width + 1) // 2, (height + 1) // 2
        kept, weights = (_resized(one, size, cv2.INTER_AREA) for one in levels[-1])
        levels.append((kept, weights))
    kept, weights = levels[-1]
    filled = np.zeros_like(kept) + kept.sum((0, 1)) / max(float(weights.sum()), 1e-6)
    for kept, weights in reversed(levels):
        filled = _resized(filled, kept.shape[1::-1], cv2.INTER_LINEAR)
        for _ in range(_MEMBRANE_ROUNDS):
            around = cv2.filter2D(filled, -1, _AROUND, borderType=cv2.BORDER_REFLECT)
            filled = (kept + _SLACK * around) / (weights + np.float32(_SLACK))
    return filled


def _resized(image: np.ndarray, size: tuple[int, int], how: int) -> np.ndarray:
    """A picture, (h, w, C), at another width and height; OpenCV drops a single channel."""
    return cv2.resize(image, size, interpolation=how).reshape(size[1], size[0], image.shape[2])


def _planes(planes: Iterable[np.ndarray], size: tuple[int, int], how: int) -> np.ndarray:
    """Planes (h, w) at another width and height, (C, h, w)."""
    return np.array([cv2.resize(one, size, interpolation=how) for one in planes])


def _neighbours(values: np.ndarray) -> list[np.ndarray]:
    """Each pixel's neighbour above, below, left and right, (..., h, w) each; beyond the border the pixel itself."""
    around = [(0, 0)] * (values.ndim - 2)
    padded = np.pad(values, [*around, (1, 1), (1, 1)], mode="edge")
    rows, columns = slice(1, -1), slice(1, -1)
    return [padded[..., :-2, columns], padded[..., 2:, columns], padded[..., rows, :-2], padded[..., rows, 2:]]
