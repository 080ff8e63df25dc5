"""The mouth: where the lips part, and what is seen between them.

Lip curves are functions of the place along the line between the mouth's corners. Along that line every pixel
knows whether it lies over, under or between the lips, so the two skin fields meet without a smear, and what
lies between the lips is painted by itself: the picture's own teeth, or a dark cavity where it shows none.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from scipy.interpolate import PchipInterpolator

from rhapsode.face import regions
from rhapsode.face.landmarks import INNER_LIP_PAIRS
from rhapsode.image.expression import contour_weights
from rhapsode.image.grid import Box, smoothstep
from rhapsode.image.lips import RestingLips
from rhapsode.image.portrait import Portrait

_SAMPLES = 49
#: Sub-pixels a pixel's side, for smooth edges.
_FINE = 4
#: Lips closer than this many pixels touch.
_MEET = 0.3
#: The share by which closing lips overshoot.
_OVERCLOSE = 0.2


@dataclass(frozen=True)
class Lips:
    """The inner edges of both lips, in the mouth's own frame (along the corners, across downwards), pixels.

    Attributes:
        along: (49,) places, rising.
        upper: (49,) the upper lip's edge at those places.
        lower: (49,) the lower lip's edge; never above `upper`.
        holes: outlines of what lies open between the lips, each (N, 2); none where the lips meet.
        jaw: (2,) how far the lower lip, and the lower teeth with it, has moved in the picture, pixels.
        opened: how far the opening differs from the picture's own, pixels.
    """

    along: np.ndarray
    upper: np.ndarray
    lower: np.ndarray
    holes: list[np.ndarray]
    jaw: np.ndarray
    opened: float


class Mouth:
    """The mouth of a portrait.

    Attributes:
        is_open: whether the picture shows teeth or the inside of the mouth.
        skin: (H, W, 3) uint8, the picture with its mouth's interior painted over by lip, for the lips to be
            warped from: where they close, no tooth is caught between them.
    """

    def __init__(self, portrait: Portrait, lips: RestingLips) -> None:
        mesh = lips.mesh
        self._unit = portrait.unit
        self._image = portrait.image
        left, right = mesh[regions.UPPER_INNER_LIP[[0, -1]]]
        axis = (right - left) / np.linalg.norm(right - left)
        self._origin = (left + right) / 2
        self._frame = np.stack([axis, np.array([-axis[1], axis[0]])])
        self._upper = self._to_frame(mesh[regions.UPPER_INNER_LIP])
        self._lower = self._to_frame(mesh[regions.LOWER_INNER_LIP])
        self._upper_weights = contour_weights(mesh[regions.UPPER_INNER_LIP], regions.UPPER_INNER_KNOTS)
        self._lower_weights = contour_weights(mesh[regions.LOWER_INNER_LIP], regions.LOWER_INNER_KNOTS)
        self._blend = PchipInterpolator(np.arange(11), np.eye(11))(np.linspace(0, 10, _SAMPLES))
        self.is_open = lips.is_open
        self._still = self._curves(self._upper, self._lower, np.zeros(2), 0.0)
        self._outline = mesh[np.concatenate([regions.UPPER_OUTER_LIP, regions.LOWER_OUTER_LIP])]
        self.skin = _without_interior(portrait.image, mesh, self._unit) if lips.is_open else portrait.image
        self._cavity = _cavity_colour(lips.colour)
        self._upper_plate = _upper_share(portrait.image, self._still, self._origin, self._frame)

    def settle(self, offsets: np.ndarray) -> np.ndarray:
        """Let closing lips close a little further, so that no tooth peeps out between two landmarks.

        Args:
            offsets: (68, 2) landmark offsets, pixels in the portrait's pose.

        Returns:
            (68, 2); the same offsets where the lips do not close.
        """
        settled = offsets.copy()
        closing = -((offsets[INNER_LIP_PAIRS[:, 1]] - offsets[INNER_LIP_PAIRS[:, 0]]) @ self._frame[1])
        rest = (self._lower - self._upper)[regions.UPPER_INNER_KNOTS[1][1:-1], 1]
        extra = _OVERCLOSE * np.clip(closing, 0, np.maximum(rest, 0))[:, None] * self._frame[1]
        settled[INNER_LIP_PAIRS[:, 0]] += extra / 2
        settled[INNER_LIP_PAIRS[:, 1]] -= extra / 2
        return settled

    def lips(self, offsets: np.ndarray) -> Lips:
        """The lip edges for landmark offsets, (68, 2), pixels in the portrait's pose."""
        upper = self._upper + (self._upper_weights @ offsets) @ self._frame.T
        lower = self._lower + (self._lower_weights @ offsets) @ self._frame.T
        opened = float(np.abs((lower - upper)[:, 1] - (self._lower - self._upper)[:, 1]).max())
        # The lower teeth go with the lip before them: by the chin alone they would lag and part from it.
        return self._curves(upper, lower, offsets[INNER_LIP_PAIRS[:, 1]].mean(0), opened)

    def outline(self, offsets: np.ndarray) -> np.ndarray:
        """Points around the resting and the moved lips, (N, 2), pixels in the portrait's pose."""
        moved = self._outline + np.concatenate([offsets[48:60], offsets[48:60]])[: len(self._outline)]
        return np.concatenate([self._outline, moved, self._outline + offsets[57], self._outline + offsets[51]])

    def above(self, lips: Lips, points: np.ndarray) -> np.ndarray:
        """How much each point belongs to the upper face, [0, 1]: a hard line between the lips, soft beside them.

        Args:
            lips: the lip edges.
            points: (..., 2) pixels in the portrait's pose.
        """
        place = self._to_frame(points)
        middle = _at(place[..., 0], lips.along, (lips.upper + lips.lower) / 2)
        beside = np.maximum(lips.along[0] - place[..., 0], place[..., 0] - lips.along[-1])
        softness = 1.0 + 0.8 * np.maximum(beside, 0.0)
        return smoothstep((middle - place[..., 1]) / softness + 0.5).astype(np.float32)

    def paint(self, frame: np.ndarray, points: np.ndarray, lips: Lips) -> None:
        """Paint what is seen between the lips over a part of a frame, in place.

        Args:
            frame: (h, w, 3) uint8 RGB, the skin already warped.
            points: (h, w, 2) float32, where each of its pixels lies in the portrait's pose, pixels.
            lips: the lip edges.
        """
        if self.is_open:
            self._draw_lip_line(frame, points, lips)
        inside = self._opening(points, lips)
        left, top, width, height = cv2.boundingRect((inside > 0).astype(np.uint8))
        if width == 0:
            return
        part = np.s_[top : top + height, left : left + width]
        points, inside = points[part], inside[part]
        along, across = np.moveaxis(self._to_frame(points), -1, 0)
        upper, lower = _at(along, lips.along, lips.upper), _at(along, lips.along, lips.lower)
        gap = lower - upper
        interior = self._cavity_shade(along, (across - upper) / np.maximum(gap, 1.0), gap, lips)
        if self.is_open:
            interior = self._own_teeth(interior, points, along, across, lips)
        skin = frame[part]
        skin[:] = np.rint(skin + inside[..., None] * (interior - skin)).astype(np.uint8)

    def _draw_lip_line(self, frame: np.ndarray, points: np.ndarray, lips: Lips) -> None:
        """Where lips that were open in the picture now meet, there is a shadow between them."""
        closing = np.clip(1 - (lips.lower - lips.upper) / (0.03 * self._unit), 0, 1)
        closing = closing * np.clip((self._still.lower - self._still.upper) / (0.02 * self._unit), 0, 1)
        if lips.opened < 1.0 or not closing.any():
            return
        place = self._to_frame(points)
        middle = _at(place[..., 0], lips.along, (lips.upper + lips.lower) / 2)
        closing = closing * np.sin(np.linspace(0, np.pi, _SAMPLES)) ** 0.7
        strength = _at(place[..., 0], lips.along, closing * min((lips.opened - 1.0) / 2.0, 1.0))
        line = np.exp(-(((place[..., 1] - middle) / max(0.016 * self._unit, 0.9)) ** 2))
        frame[:] = np.rint(frame * (1 - 0.24 * strength * line)[..., None]).astype(np.uint8)

    def _cavity_shade(self, along: np.ndarray, depth: np.ndarray, gap: np.ndarray, lips: Lips) -> np.ndarray:
        """The dark of an open mouth, (h, w, 3) float32: darkest in the upper middle, lighter at the lower lip."""
        half = max(lips.along[-1] - lips.along[0], 1.0) / 2
        side = np.abs(along - (lips.along[0] + lips.along[-1]) / 2) / half
        tongue = smoothstep((depth - 0.35) / 0.65) * (1 - smoothstep((side - 0.2) / 0.7))
        tongue = tongue * np.clip(gap / (0.12 * self._unit), 0, 1)
        rim = np.exp(-(np.minimum(depth, 1 - depth) * gap) / (0.02 * self._unit))
        light = 0.75 + 0.75 * tongue + 0.6 * np.clip(rim, 0, 1)
        return (light[..., None] * self._cavity).astype(np.float32)

    def _own_teeth(
        self, interior: np.ndarray, points: np.ndarray, along: np.ndarray, across: np.ndarray, lips: Lips
    ) -> np.ndarray:
        """Lay the picture's own teeth over the cavity: the upper ones stay with the skull, the lower with the jaw."""
        still, moved = self._still, min(lips.opened / 3.0, 1.0)
        jaw = self._frame @ lips.jaw
        # A rising upper lip takes its teeth along: what it would bare of gum and tooth is not in the picture.
        rise = min(float((lips.upper - still.upper)[_SAMPLES // 3 : -_SAMPLES // 3].mean()), 0.0)
        across_up = across - rise
        top = _at(along, still.along, still.upper)
        bottom = _at(along, still.along, still.lower)
        split = top + self._upper_plate * (bottom - top)
        fade, margin = 1.0 + moved, 1.0 - 1.5 * moved
        width = np.clip(bottom - top, 0, 1) * moved + (1 - moved)
        above = np.maximum(top + 0.7 * moved - across_up, 0.0)
        width = width * (1 - moved * smoothstep(above / (0.03 * self._unit) - 0.3))
        lift = (above - np.float32(rise))[..., None] * self._frame[1].astype(np.float32)
        end = split if self._upper_plate < 1 else bottom + margin
        shown = np.clip((end - across_up) / fade + 0.5, 0, 1) * width
        interior = interior + shown[..., None] * (self._look_up(points + lift) - interior)
        if self._upper_plate < 1:
            low_along, low_across = along - jaw[0], across - jaw[1]
            top = _at(low_along, still.along, split_of(still, self._upper_plate))
            bottom = _at(low_along, still.along, still.lower)
            shown = np.clip((low_across - top) / fade + 0.5, 0, 1)
            shown = shown * np.clip((bottom + 1.5 - low_across) / fade + 0.5, 0, 1)
            interior = interior + shown[..., None] * (self._look_up(points - lips.jaw) - interior)
        return interior

    def _look_up(self, points: np.ndarray) -> np.ndarray:
        return cv2.remap(
            self._image, points.astype(np.float32), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        ).astype(np.float32)

    def _to_frame(self, points: np.ndarray) -> np.ndarray:
        return _turn(points, self._origin, self._frame)

    def _curves(self, upper: np.ndarray, lower: np.ndarray, jaw: np.ndarray, opened: float) -> Lips:
        """Smooth curves through both edges, at common places along the mouth."""
        top, bottom = self._blend @ upper, self._blend @ lower
        # Pressed lips overlap; they meet halfway.
        overlap = np.maximum(top[:, 1] - bottom[:, 1], 0.0) / 2
        top[:, 1] -= overlap
        bottom[:, 1] += overlap
        along = np.maximum.accumulate(top[:, 0])
        below = np.interp(along, np.maximum.accumulate(bottom[:, 0]), bottom[:, 1])
        below = np.maximum(below, top[:, 1])
        return Lips(along, top[:, 1], below, _holes(top, bottom), jaw, opened)

    def _opening(self, points: np.ndarray, lips: Lips) -> np.ndarray:
        """How much of each pixel lies between the lips, (h, w) float32 in [0, 1]."""
        if not lips.holes:
            return np.zeros(points.shape[:2], np.float32)
        outlines = [hole @ self._frame + self._origin for hole in lips.holes]
        box = Box.around(np.concatenate(outlines), 2.0 + 0.03 * self._unit)
        corner = np.array([box.left, box.top]) - 0.5
        fine = np.zeros((box.height * _FINE, box.width * _FINE), np.uint8)
        cv2.fillPoly(fine, [np.rint((o - corner) * _FINE - 0.5).astype(np.int32) for o in outlines], 255)
        mask = cv2.resize(fine, (box.width, box.height), interpolation=cv2.INTER_AREA)
        # A crisp edge looks cut out with scissors.
        mask = cv2.GaussianBlur(mask, (0, 0), max(0.35, 0.007 * self._unit))
        places: np.ndarray = points - np.array([box.left, box.top], np.float32)
        return cv2.remap(mask, places, None, cv2.INTER_LINEAR).astype(np.float32) / 255


def _turn(points: np.ndarray, origin: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """Points in the mouth's frame, of the type they came in."""
    kind = points.dtype
    return (points - origin.astype(kind)) @ frame.T.astype(kind)


def _at(places: np.ndarray, along: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Values of a curve at any places along the mouth, float32."""
    return np.interp(places, along, values).astype(np.float32)


def _without_interior(image: np.ndarray, mesh: np.ndarray, unit: float) -> np.ndarray:
    """A copy of the picture with lip where its open mouth was."""
    ring = np.concatenate([mesh[regions.UPPER_INNER_LIP], mesh[regions.LOWER_INNER_LIP][::-1]])
    height, width = image.shape[:2]
    box = Box.around(ring, 0.15 * unit).intersect(Box(0, 0, width, height))
    mask = np.zeros((box.height, box.width), np.uint8)
    cv2.fillPoly(mask, [np.rint(ring - [box.left, box.top]).astype(np.int32)], 255)
    size = 2 * max(1, round(0.012 * unit)) + 1
    mask = cv2.dilate(mask, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)))
    skin = image.copy()
    skin[box.slices] = cv2.inpaint(np.ascontiguousarray(image[box.slices]), mask, 3, cv2.INPAINT_TELEA)
    return skin


def _holes(top: np.ndarray, bottom: np.ndarray) -> list[np.ndarray]:
    """Outlines of the stretches in which two curves (N, 2) lie apart."""
    apart = np.concatenate([[False], bottom[:, 1] - top[:, 1] > _MEET, [False]])
    starts, ends = np.flatnonzero(apart[1:] & ~apart[:-1]), np.flatnonzero(~apart[1:] & apart[:-1])
    holes = []
    for start, end in zip(starts, ends, strict=True):
        part = slice(max(start - 1, 0), min(end + 1, len(top)))
        holes.append(np.concatenate([top[part], bottom[part][::-1]]))
    return holes


def split_of(lips: Lips, share: float) -> np.ndarray:
    """The line between upper and lower teeth, (49,), at a share of the opening."""
    return lips.upper + share * (lips.lower - lips.upper)


def _cavity_colour(lips: np.ndarray) -> np.ndarray:
    """The dark inside of a mouth, (3,) float32 RGB: the lips' own hue, darkened, so grey pictures stay grey."""
    grey = lips.mean()
    return ((grey + 0.9 * (lips - grey)) * 0.21).astype(np.float32)


def _upper_share(image: np.ndarray, lips: Lips, origin: np.ndarray, frame: np.ndarray) -> float:
    """The share of the resting opening, from the top, that belongs to the skull; the rest moves with the jaw.

    Where the middle of the mouth is bright, dark, bright from top to bottom, both rows of teeth show and the
    dark line parts them; otherwise everything is taken for upper teeth.
    """
    columns = np.arange(_SAMPLES // 4, _SAMPLES - _SAMPLES // 4)
    depth = np.linspace(0.08, 0.92, 22)
    across = lips.upper[columns] + depth[:, None] * (lips.lower - lips.upper)[columns]
    along = np.broadcast_to(lips.along[columns], across.shape)
    points = np.stack([along, across], -1) @ frame + origin
    light = cv2.remap(image, points.astype(np.float32), None, cv2.INTER_LINEAR).mean(-1).mean(1)
    dark = int(np.argmin(light[6:18])) + 6
    deep = min(light[:dark].max(), light[dark:].max()) - light[dark]
    return float(depth[dark]) if deep > 0.25 * light.max() else 1.0
