"""The resting lips, measured in the picture itself, since the mesh never quite closes them.

Where the mesh has a slit but the picture shows closed lips, both inner edges are moved to the dark line at which the
lips meet. Otherwise the first opening would cut through a lip and show its flesh as if it were teeth.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from rhapsode.face import regions

#: A mouth that is open by less than this, canonical units, counts as closed.
_CLOSED = 0.022
#: Depths across the mesh's opening at which the picture is sampled: 0 the upper lip's edge, 1 the lower's.
_DEPTHS = np.linspace(-0.05, 1.05, 34)


@dataclass(frozen=True)
class RestingLips:
    """The lips of a portrait.

    Attributes:
        mesh: (478, 2) float64, image pixels, its inner lips where the picture shows them.
        is_open: whether teeth or the inside of the mouth are visible.
        colour: (3,) float32 RGB, the median colour of the lips.
    """

    mesh: np.ndarray
    is_open: bool
    colour: np.ndarray

    def seen_in(self, landmarks: np.ndarray) -> np.ndarray:
        """Move inner lips where the picture shows them, (..., 68, 3) pixels: the tracker's lie further apart."""
        moved = landmarks.copy()
        for contour, (points, places) in (
            (regions.UPPER_INNER_LIP, regions.UPPER_INNER_KNOTS),
            (regions.LOWER_INNER_LIP, regions.LOWER_INNER_KNOTS),
        ):
            moved[..., points[1:-1], :2] = self.mesh[contour[places[1:-1]]]
        return moved


def measure_lips(image: np.ndarray, face_mesh: np.ndarray, unit: float) -> RestingLips:
    """Find out whether a mouth is open, and where its lips meet if not.

    Args:
        image: (H, W, 3) uint8 RGB.
        face_mesh: (478, 3) the face in it, pixels.
        unit: pixels in one canonical unit.
    """
    mesh = face_mesh[:, :2].astype(np.float64)
    colour = lip_colour(image, mesh)
    upper, lower = np.stack([mesh[regions.UPPER_INNER_LIP], mesh[regions.LOWER_INNER_LIP]])
    opening = _visible_opening(image, upper, lower, colour, unit)
    if opening is not None:
        top, bottom = opening
        gap = np.linalg.norm(lower - upper, axis=1) * (bottom - top)
        if gap.max() > _CLOSED * unit:
            mesh[regions.UPPER_INNER_LIP] = upper + top[:, None] * (lower - upper)
            mesh[regions.LOWER_INNER_LIP] = upper + bottom[:, None] * (lower - upper)
            return RestingLips(mesh, True, colour)
    line = _dark_line(image, upper, lower, unit)
    mesh[regions.UPPER_INNER_LIP] = line
    mesh[regions.LOWER_INNER_LIP] = line
    return RestingLips(mesh, False, colour)


def lip_colour(image: np.ndarray, mesh: np.ndarray) -> np.ndarray:
    """Measure the median colour of both lips, (3,) float32 RGB in [0, 255]."""
    mask = np.zeros(image.shape[:2], np.uint8)
    for outer, inner in (
        (regions.UPPER_OUTER_LIP, regions.UPPER_INNER_LIP),
        (regions.LOWER_OUTER_LIP, regions.LOWER_INNER_LIP),
    ):
        ring = np.concatenate([mesh[outer], mesh[inner[::-1]]])
        cv2.fillPoly(mask, [np.rint(ring).astype(np.int32)], 1)
    pixels = image[mask > 0]
    return np.median(pixels, axis=0).astype(np.float32) if len(pixels) else np.full(3, 90.0, np.float32)


def _visible_opening(
    image: np.ndarray, upper: np.ndarray, lower: np.ndarray, colour: np.ndarray, unit: float
) -> tuple[np.ndarray, np.ndarray] | None:
    """Where the visible opening begins and ends, two (11,) depths; None where the lips are closed.

    What is much darker than the lips is the cavity, what is brighter and paler is teeth. Where the mesh has a wide
    opening, the thresholds are lower: teeth in a dim or blurred picture are hardly paler than lips.
    """
    wide = float(np.clip(np.linalg.norm(lower - upper, axis=1).max() / (0.05 * unit) - 1, 0, 1))
    pixels = _look_up(image, upper + _DEPTHS[:, None, None] * (lower - upper))
    light, lip = pixels.mean(-1), float(colour.mean())
    pale = (pixels.max(-1) - pixels.min(-1)) / np.maximum(light, 1.0)
    lip_pale = float(colour.max() - colour.min()) / max(lip, 1.0)
    paler = (0.8 + 0.12 * wide) * lip_pale
    teeth = (light > 0.95 * lip) & (pale < paler) if lip_pale > 0.1 else light > 1.15 * lip
    seen = _smooth(((light < 0.6 * lip) | teeth).astype(np.float64), 0.7, axis=1) > 0.5
    inner = seen[:, 2:9]
    if inner[3:-3].mean() < max(0.3 - 0.5 * wide, 0.12):
        return None
    top = np.where(seen.any(0), _DEPTHS[seen.argmax(0)], 0.3 - 0.2 * wide)
    bottom = np.where(seen.any(0), _DEPTHS[-1 - seen[::-1].argmax(0)], 0.7 + 0.2 * wide)
    # At the corners shadow, skin and teeth mix within a few pixels: there the mesh is more accurate.
    corner = np.array([1, 1, 1, 0.5, 0, 0, 0, 0.5, 1, 1, 1])
    top, bottom = top * (1 - corner), bottom + corner * (1 - bottom)
    # Each edge lies within its half of the mesh's opening, and is smooth.
    top = _smooth(np.clip(top, 0.0, 0.5), 1.0)
    bottom = _smooth(np.clip(bottom, 0.5, 1.0), 1.0)
    return top, bottom


def _dark_line(image: np.ndarray, upper: np.ndarray, lower: np.ndarray, unit: float) -> np.ndarray:
    """The line at which closed lips meet, (11, 2) pixels: the darkest place near the middle of the mesh's slit."""
    axis = upper[-1] - upper[0]
    down = np.array([-axis[1], axis[0]]) / np.linalg.norm(axis)
    middle = (upper + lower) / 2
    reach = 0.03 * unit + np.linalg.norm(lower - upper, axis=1).max() / 2
    steps = np.linspace(-reach, reach, 41)
    light = _look_up(image, middle[None] + steps[:, None, None] * down).mean(-1)
    light = _smooth(light, 2.0, axis=0)
    # Darkness is weighed against distance, so that a shadow under the lower lip does not win.
    cost = light / max(float(light.mean()), 1.0) + 0.25 * (steps / reach)[:, None] ** 2
    cost = _smooth(cost, 0.7, axis=1)
    best = _smooth(steps[cost.argmin(0)], 1.0)
    taper = np.sin(np.linspace(0, np.pi, 11)) ** 0.5
    return middle + (best * taper)[:, None] * down


def _look_up(image: np.ndarray, points: np.ndarray) -> np.ndarray:
    return cv2.remap(image, points.astype(np.float32), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(
        np.float32
    )


def _smooth(values: np.ndarray, deviation: float, axis: int = -1) -> np.ndarray:
    """Blur values (N,) or (M, N) float64 along an axis with a Gaussian; they are mirrored at their ends."""
    size = 2 * round(4 * deviation) + 1
    table = values.reshape(-1, values.shape[-1])
    window, spread = ((1, size), (0.0, deviation)) if axis == 0 else ((size, 1), (deviation, 0.0))
    blurred = cv2.GaussianBlur(table, window, spread[0], sigmaY=spread[1], borderType=cv2.BORDER_REFLECT)
    return blurred.reshape(values.shape)
