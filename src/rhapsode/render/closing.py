"""What an open mouth leaves behind when it closes: shadow in its corners, and no line where the lips now meet."""

import cv2
import numpy as np

from rhapsode.render.grid import smoothstep
from rhapsode.render.lip_curves import SAMPLES
from rhapsode.render.lip_edges import LipEdges, interpolate

#: Of so many pixels across and down one is looked at to find those that matter.
_STRIDE = 4


def heal_corners(frame: np.ndarray, points: np.ndarray, rest: LipEdges, lips: LipEdges, light: float) -> None:
    """Remove the shadow that an open mouth has in its corners where it closes, in place.

    Args:
        frame: (h, w, 3) uint8 RGB, the skin already warped.
        points: (h, w, 2) float32, where each of its pixels lies in the portrait's pose, pixels.
        rest: the lip edges of the picture.
        lips: those of the frame.
        light: of the lips' brightest colour, [0, 255].
    """
    unit = lips.unit
    still, now = (float(one.gap.max()) for one in (rest, lips))
    closed = float(np.clip(1.6 * (1 - now / max(still, 1.0)) - 0.6, 0, 1))
    if closed < 0.01:
        return
    size = 2 * max(1, round(0.03 * unit)) + 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
    corners = np.stack([lips.along[[0, -1]], lips.middle[[0, -1]]], -1) @ lips.axes
    for corner in corners + lips.origin:
        corner = corner.astype(np.float32)
        part = _part(_distance(points[::_STRIDE, ::_STRIDE], corner) < 0.1 * unit)
        if part is None:
            continue
        away = _distance(points[part], corner) / np.float32(0.1 * unit)
        patch = frame[part]
        # Lip is left alone, and a taper of lip too; only what is darker was the mouth's inside.
        dark = smoothstep(4.0 * (0.7 - patch.max(-1).astype(np.float32) / np.float32(light)))
        dark = cv2.GaussianBlur(cv2.dilate(dark, kernel), (0, 0), 0.25 * size)
        share = (0.8 * closed * dark * smoothstep(2.0 * (1 - away)))[..., None]
        healed = cv2.morphologyEx(patch, cv2.MORPH_CLOSE, kernel, borderType=cv2.BORDER_REPLICATE)
        cv2.add(patch, (share * (healed.astype(np.float32) - patch)).astype(np.float32), patch, dtype=cv2.CV_8U)


def draw_lip_line(frame: np.ndarray, points: np.ndarray, rest: LipEdges, lips: LipEdges) -> None:
    """Draw the shadow between lips that were open in the picture and now meet, in place; arguments as above."""
    unit = lips.unit
    closing = np.clip(1 - lips.gap / (0.03 * unit), 0, 1) * np.clip(rest.gap / (0.02 * unit), 0, 1)
    if lips.opened < 1.0 or not closing.any():
        return
    coarse, width = lips.to_axes(points[::_STRIDE, ::_STRIDE]), max(0.016 * unit, 0.9)
    part = _part(np.abs(coarse[..., 1] - interpolate(coarse[..., 0], lips.along, lips.middle)) < 3 * width)
    if part is None:
        return
    place, drawn = lips.to_axes(points[part]), frame[part]
    middle = interpolate(place[..., 0], lips.along, lips.middle)
    closing = closing * np.sin(np.linspace(0, np.pi, SAMPLES)) ** 0.7
    strength = interpolate(place[..., 0], lips.along, closing * min((lips.opened - 1.0) / 2.0, 1.0))
    line = np.exp(-(((place[..., 1] - middle) / width) ** 2))
    drawn[:] = np.rint(drawn * (1 - 0.24 * strength * line)[..., None]).astype(np.uint8)


def _distance(points: np.ndarray, corner: np.ndarray) -> np.ndarray:
    """How far points (h, w, 2) are from one, (h, w) float32."""
    x, y = cv2.split(points - corner)
    return cv2.magnitude(x, y)


def _part(near: np.ndarray) -> tuple[slice, slice] | None:
    """The part of a patch around what every `_STRIDE`-th of its pixels tells is near, and some more; None for none."""
    left, top, width, height = cv2.boundingRect(near.astype(np.uint8))
    if width == 0:
        return None

    def stretch(first: int, length: int) -> slice:
        return slice(max(_STRIDE * (first - 2), 0), _STRIDE * (first + length + 2))

    return stretch(top, height), stretch(left, width)
