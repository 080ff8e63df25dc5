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
from rhapsode.render.face_warp import contour_weights
from rhapsode.render.grid import Box, affine, smoothstep
from rhapsode.render.lips import RestingLips
from rhapsode.render.portrait import Portrait

_SAMPLES = 49
#: Sub-pixels a pixel's side, for smooth edges.
_FINE = 4
#: Lips closer than this many pixels touch.
_MEET = 0.3
#: The share by which closing lips overshoot.
_OVERCLOSE = 0.2
#: Lips parted by this many canonical units have a smooth edge; nearer rest it is the picture's own.
_SMOOTH = 0.06
#: The most that teeth the picture does not show are guessed at.
_HINT = 0.45
#: An opening of so many canonical units is as wide as any.
_DEEP = 0.35
#: Spread of the shade at the lips, on both sides of their edge, canonical units.
_SHADE = 0.022


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
        pressed: (49,) how far the lips would overlap, pixels.
    """

    along: np.ndarray
    upper: np.ndarray
    lower: np.ndarray
    holes: list[np.ndarray]
    jaw: np.ndarray
    opened: float
    pressed: np.ndarray


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
        self._smooth = _arch(self._upper), _arch(self._lower)
        self.is_open = lips.is_open
        self._still = self._curves(self._upper, self._lower, np.zeros(2), 0.0)
        self._outline = mesh[np.concatenate([regions.UPPER_OUTER_LIP, regions.LOWER_OUTER_LIP])]
        self.skin = _without_interior(portrait.image, mesh, self._unit) if lips.is_open else portrait.image
        self._light = np.float32(max(lips.colour.max(), 1.0))
        self._dark, self._rim = _tone(lips.colour, 0.15, 1.5), _tone(lips.colour, 0.32, 1.15)
        self._tongue, self._teeth = _tone(lips.colour, 0.5, 1.0), _tone(lips.colour, 0.6, 0.6)
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
        if lips.pressed.any():
            # Lips that press on each other squeeze; a hard line would cut the picture's own lip line to dashes.
            softness = softness + (0.8 if self.is_open else 2.0) * _at(place[..., 0], lips.along, lips.pressed)
        return smoothstep((middle - place[..., 1]) / softness + 0.5).astype(np.float32)

    def paint(self, frame: np.ndarray, points: np.ndarray, lips: Lips) -> np.ndarray:
        """Paint what is seen between the lips over a part of a frame, in place.

        Args:
            frame: (h, w, 3) uint8 RGB, the skin already warped.
            points: (h, w, 2) float32, where each of its pixels lies in the portrait's pose, pixels.
            lips: the lip edges.

        Returns:
            What lies between the lips, as `opening` gives it.
        """
        if self.is_open:
            self._heal_corners(frame, points, lips)
            self._draw_lip_line(frame, points, lips)
        cover = self.opening(points, lips)
        left, top, width, height = cv2.boundingRect(cover[..., 1])
        if width == 0:
            return cover
        part = np.s_[top : top + height, left : left + width]
        points = points[part]
        inside, near = np.moveaxis(cover[part].astype(np.float32) / 255, -1, 0)
        along, across = np.moveaxis(self._to_frame(points), -1, 0)
        interior = self._cavity_shade(along, across, near, lips)
        if self.is_open:
            interior = self._own_teeth(interior, points, along, across, lips)
        skin = frame[part]
        # The lips turn inwards, out of the light, before they end.
        opened = np.float32(min(lips.opened / (0.05 * self._unit), 1.0))
        lower = smoothstep((across - _at(along, lips.along, (lips.upper + lips.lower) / 2)) / (0.08 * self._unit))
        shade = 1 - (0.55 - 0.3 * lower) * opened * near
        shaded = skin * shade[..., None]
        skin[:] = np.rint(shaded + inside[..., None] * (interior - shaded)).astype(np.uint8)
        return cover

    def between(self, points: np.ndarray, lips: Lips) -> np.ndarray:
        """Where points lie with respect to the lips, (h, w, 4) uint8.

        The place along the mouth (128 the middle, 26 and 230 the corners), how far below the upper lip's edge, how far
        above the lower lip's, and how wide the mouth is open at that place; 255 is `_DEEP` canonical units.

        Args:
            points: (h, w, 2) float32 pixels in the portrait's pose.
            lips: the lip edges.
        """
        along, across = np.moveaxis(self._to_frame(points), -1, 0)
        upper, lower = _at(along, lips.along, lips.upper), _at(along, lips.along, lips.lower)
        first, last = np.float32(lips.along[0]), np.float32(lips.along[-1])
        side = (along - (first + last) / 2) / max(last - first, np.float32(1.0))
        deep = np.float32(_DEEP * self._unit)
        places = np.stack([0.5 + 0.8 * side, (across - upper) / deep, (lower - across) / deep, (lower - upper) / deep])
        return np.moveaxis(np.rint(255 * np.clip(places, 0, 1)).astype(np.uint8), 0, -1)

    def _heal_corners(self, frame: np.ndarray, points: np.ndarray, lips: Lips) -> None:
        """Where an open mouth closes, the shadow left in its corners goes, in place."""
        still, now = (float((one.lower - one.upper).max()) for one in (self._still, lips))
        closed = float(np.clip(1.6 * (1 - now / max(still, 1.0)) - 0.6, 0, 1))
        if closed < 0.01:
            return
        size = 2 * max(1, round(0.03 * self._unit)) + 1
        kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size))
        corners = np.stack([lips.along[[0, -1]], (lips.upper + lips.lower)[[0, -1]] / 2], -1) @ self._frame
        for corner in corners + self._origin:
            away = np.hypot(*np.moveaxis(points - corner.astype(np.float32), -1, 0)) / (0.1 * self._unit)
            left, top, width, height = cv2.boundingRect((away < 1).astype(np.uint8))
            if width == 0:
                continue
            part = np.s_[top : top + height, left : left + width]
            patch = frame[part]
            # Lip is left alone, and a taper of lip too; only what is darker was the mouth's inside.
            dark = smoothstep(4.0 * (0.7 - patch.max(-1).astype(np.float32) / self._light))
            dark = cv2.GaussianBlur(cv2.dilate(dark, kernel), (0, 0), 0.25 * size)
            share = (0.8 * closed * dark * smoothstep(2.0 * (1 - away[part])))[..., None]
            healed = cv2.morphologyEx(patch, cv2.MORPH_CLOSE, kernel, borderType=cv2.BORDER_REPLICATE)
            patch[:] = np.rint(patch + share * (healed.astype(np.float32) - patch)).astype(np.uint8)

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

    def _cavity_shade(self, along: np.ndarray, across: np.ndarray, near: np.ndarray, lips: Lips) -> np.ndarray:
        """The inside of an open mouth, (h, w, 3) float32.

        Darkest at the back, in the upper middle; the tongue catches some light at the lower lip, and the
        lips' own colour reaches a little way in.

        Args:
            along: places along the mouth, pixels.
            across: places across it.
            near: [0, 1] how much of each pixel's surroundings lies between the lips.
            lips: the lip edges.
        """
        upper, lower = _at(along, lips.along, lips.upper), _at(along, lips.along, lips.lower)
        gap = np.maximum(lower - upper, 1.0)
        depth = (across - upper) / gap
        half = max(lips.along[-1] - lips.along[0], 1.0) / 2
        side = ((along - np.float32((lips.along[0] + lips.along[-1]) / 2)) / np.float32(half)) ** 2
        tongue = smoothstep((depth - 0.42 - 0.4 * side) / 0.6) * np.clip(1.3 - 1.6 * side, 0, 1)
        tongue = tongue * np.clip(gap / np.float32(0.16 * self._unit) - 0.15, 0, 1)
        edge = 1 - smoothstep((near - 0.5) / 0.42)
        edge = edge * (0.5 + 0.5 * np.clip(depth, 0, 1))
        interior = self._dark + tongue[..., None] * (self._tongue - self._dark)
        if not self.is_open:
            interior = interior + self._hint_of_teeth(along, across, gap)[..., None] * (self._teeth - interior)
        return (interior + edge[..., None] * (self._rim - interior)).astype(np.float32)

    def _hint_of_teeth(self, along: np.ndarray, across: np.ndarray, gap: np.ndarray) -> np.ndarray:
        """How much of a row of upper teeth is guessed at in the dark, (h, w) in [0, 1]; it stays with the skull."""
        still, unit = self._still, np.float32(self._unit)
        rest = _at(along, still.along, still.upper)
        half = max(still.along[-1] - still.along[0], 1.0) / 2
        side = np.abs(along - np.float32((still.along[0] + still.along[-1]) / 2)) / np.float32(half)
        below = (across - rest) / unit + 0.035 * side**2
        row = 1 - smoothstep((below - 0.022) / 0.026)
        row = row * (1 - smoothstep((side - 0.35) / 0.45))
        return _HINT * row * smoothstep((gap / unit - 0.08) / 0.08)

    def _own_teeth(
        self, interior: np.ndarray, points: np.ndarray, along: np.ndarray, across: np.ndarray, lips: Lips
    ) -> np.ndarray:
        """Lay the picture's own teeth over the cavity: the upper ones stay with the skull, the lower with the jaw."""
        still, moved = self._still, min(lips.opened / 3.0, 1.0)
        jaw = self._frame @ lips.jaw
        top = _at(along, still.along, still.upper)
        bottom = _at(along, still.along, still.lower)
        split = top + self._upper_plate * (bottom - top)
        fade, margin = 1.0 + moved * 0.026 * self._unit, 1.0 - 1.5 * moved
        # Towards the corners, where the opening was narrow, lip and shadow mix with the teeth.
        width = smoothstep((bottom - top) / np.float32(0.5 * (still.lower - still.upper).max() + 0.1))
        width = width * moved + (1 - moved)
        # What a rising upper lip would bare of gum and tooth is not in the picture: the teeth go on and fade.
        above = np.maximum(top + 0.7 * moved - across, 0.0)
        width = width * (1 - moved * smoothstep(above / np.float32(0.06 * self._unit) - 0.4))
        lift = above[..., None] * self._frame[1].astype(np.float32)
        end = split if self._upper_plate < 1 else bottom + margin
        # Moving, they fade out before their edge: beyond it the picture shows lip.
        shown = smoothstep((end - across) / fade + 0.5 * (1 - moved)) * width
        interior = interior + shown[..., None] * (self._look_up(points + lift) - interior)
        if self._upper_plate < 1:
            low_along, low_across = along - jaw[0], across - jaw[1]
            top = _at(low_along, still.along, split_of(still, self._upper_plate))
            bottom = _at(low_along, still.along, still.lower)
            shown = smoothstep((low_across - top) / fade + 0.5)
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
        share = min(opened / (_SMOOTH * self._unit), 1.0)
        if share > 0:
            top += share * (self._smooth[0] @ upper - top)
            bottom += share * (self._smooth[1] @ lower - bottom)
        # Pressed lips overlap; they meet halfway.
        overlap = np.maximum(top[:, 1] - bottom[:, 1], 0.0) / 2
        top[:, 1] -= overlap
        bottom[:, 1] += overlap
        along = np.maximum.accumulate(top[:, 0])
        below = np.interp(along, np.maximum.accumulate(bottom[:, 0]), bottom[:, 1])
        below = np.maximum(below, top[:, 1])
        return Lips(along, top[:, 1], below, _holes(top, bottom), jaw, opened, 2 * overlap)

    def opening(self, points: np.ndarray, lips: Lips) -> np.ndarray:
        """How much of each pixel, and of its surroundings, lies between the lips, (h, w, 2) uint8.

        Args:
            points: (h, w, 2) float32 pixels in the portrait's pose.
            lips: the lip edges.
        """
        if not lips.holes:
            return np.zeros((*points.shape[:2], 2), np.uint8)
        outlines = [hole @ self._frame + self._origin for hole in lips.holes]
        box = Box.around(np.concatenate(outlines), 2.0 + 3 * _SHADE * self._unit)
        corner = np.array([box.left, box.top]) - 0.5
        fine = np.zeros((box.height * _FINE, box.width * _FINE), np.uint8)
        cv2.fillPoly(fine, [np.rint((o - corner) * _FINE - 0.5).astype(np.int32) for o in outlines], 255)
        mask = cv2.resize(fine, (box.width, box.height), interpolation=cv2.INTER_AREA)
        # A crisp edge looks cut out with scissors; one as soft as that of the picture does not.
        edge = cv2.GaussianBlur(mask, (0, 0), max(0.35, 0.009 * self._unit))
        near = cv2.GaussianBlur(mask, (0, 0), max(0.5, _SHADE * self._unit))
        places: np.ndarray = points - np.array([box.left, box.top], np.float32)
        return cv2.remap(cv2.merge([edge, near]), places, None, cv2.INTER_LINEAR)


def _turn(points: np.ndarray, origin: np.ndarray, frame: np.ndarray) -> np.ndarray:
    """Points (..., 2) in the mouth's frame, of the type they came in."""
    return affine(points, np.column_stack([frame, -frame @ origin]))


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


def _arch(contour: np.ndarray) -> np.ndarray:
    """The matrix from 11 contour points, (11, 2), to the nearest smooth arch from corner to corner, (49, 11)."""
    steps = np.linalg.norm(np.diff(contour, axis=0), axis=1)
    length = np.concatenate([[0.0], np.cumsum(steps + 0.2 * steps.mean())])

    def basis(place: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        ends = np.stack([1 - place, 1 + place], -1) / 2
        return ends, (1 - place**2)[:, None] * place[:, None] ** np.arange(3)

    chord, arch = basis(2 * length / length[-1] - 1)
    ends = np.eye(11)[[0, -1]]
    fitted = np.linalg.lstsq(arch, np.eye(11) - chord @ ends, rcond=None)[0]
    chord, arch = basis(np.linspace(-1, 1, _SAMPLES))
    return chord @ ends + arch @ fitted


def _tone(lips: np.ndarray, light: float, chroma: float) -> np.ndarray:
    """The lips' own hue, darkened, (3,) float32 RGB; grey pictures stay grey."""
    grey = lips.mean()
    return np.maximum((grey + chroma * (lips - grey)) * light, 0).astype(np.float32)


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
