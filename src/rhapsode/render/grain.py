"""Grain: the inside of the mouth gets the texture of the picture around it, film, canvas or noise.

The networks paint in a window of few pixels; in a large portrait the result is smoother than its surroundings. The
grain is noise with the spectrum of a smooth patch of the face, as far as it is finer than a pixel of the window (random
phase texture, Galerne, Gousseau and Morel 2011). It is fixed to the skull, so that it does not crawl.
"""

import cv2
import numpy as np

from rhapsode.render.grid import Box
from rhapsode.render.layers import Layer, MouthPatch
from rhapsode.render.mouth_window import WindowSize
from rhapsode.render.portrait import MeasuredPortrait

#: Half the side of a patch, canonical units; patches lie halfway between these landmarks: both cheeks and the chin. The
#: smoothest is taken, since a beard is no grain.
_HALF = 0.07
_BETWEEN = ((48, 4), (54, 12), (57, 8))
#: Strength relative to that of the skin, since a wet mouth is smoother; and the most, relative to brightness.
_SMOOTHER, _MOST = 0.7, 0.06
#: Ratio of the standard deviation of normal noise to its median absolute deviation.
_MEDIAN = 1.4826


class Grain(Layer):
    """The grain of one portrait."""

    def __init__(self, portrait: MeasuredPortrait) -> None:
        """Take the grain of the smoothest patch of the face."""
        height, width = portrait.image.shape[:2]
        half, fine = _HALF * portrait.unit, portrait.unit / WindowSize().per_unit
        points = portrait.face.landmarks[:, :2]
        boxes = [Box.around(points[list(pair)].mean(0, keepdims=True), half) for pair in _BETWEEN]
        patches = [box.intersect(Box(0, 0, width, height)) for box in boxes]
        # In a picture cut off at the mouth there may be none.
        grains = [_grain(portrait.image[patch.slices], fine) for patch in patches if not patch.is_empty]
        self._grain = min(grains, key=np.std, default=np.zeros((1, 1), np.float32))

    def draw(self, patch: MouthPatch) -> None:
        """Lay the grain over what lies between the lips, in place."""
        part = patch.open_part
        if part is None:
            return
        frame, points, cover = part.frame, part.points, part.cover
        grain = cv2.remap(self._grain, points, None, cv2.INTER_NEAREST, borderMode=cv2.BORDER_WRAP)
        light = 1 + cover[..., 0].astype(np.float32) / 255 * grain
        frame[:] = np.rint(np.clip(frame * light[..., None], 0, 255)).astype(np.uint8)


def _grain(patch: np.ndarray, fine: float) -> np.ndarray:
    """Noise like the detail finer than `fine` pixels in a patch (h, w, 3), relative to brightness, (h, w) float32.

    It tiles without a seam. Wrinkles and hairs, few and strong, hardly count, since strength is measured by the median.
    """
    light = patch.astype(np.float32).mean(-1)
    smooth = cv2.GaussianBlur(light, (0, 0), max(fine, 0.3), borderType=cv2.BORDER_REFLECT_101)
    found = (light - smooth) / np.maximum(smooth, 8)
    white = np.fft.rfft2(np.random.default_rng(0).standard_normal(found.shape))
    noise = np.fft.irfft2(np.abs(np.fft.rfft2(found)) * white / np.maximum(np.abs(white), 1e-9), found.shape)
    strength = min(_SMOOTHER * _MEDIAN * float(np.median(np.abs(found))), _MOST)
    return (noise * strength / max(float(noise.std()), 1e-9)).astype(np.float32)
