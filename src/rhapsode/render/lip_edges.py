"""The inner edges of both lips in one frame, and where pixels lie with respect to them.

The edges are functions of the place along the line between the corners of the mouth. Along that line every pixel knows
whether it lies above, below or between the lips, so that two skin fields meet there without a smear.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from rhapsode.render.grid import Box, affine, smoothstep

#: Sub-pixels a pixel's side, for smooth edges.
_FINE = 4
#: An opening of so many canonical units is as wide as any.
_DEEP = 0.35
#: Spread of the shade at the lips, on both sides of their edge, canonical units.
_SHADE = 0.022


@dataclass(frozen=True)
class LipEdges:
    """The inner edges of both lips, in the mouth's own axes (along the corners, across downwards), pixels.

    Attributes:
        origin: (2,) middle between the corners of the resting mouth, in the picture.
        axes: (2, 2) unit vectors along and across the mouth, in the picture.
        unit: pixels in one canonical unit.
        along: (49,) places, rising.
        upper: (49,) the upper lip's edge at those places.
        lower: (49,) the lower lip's edge; never above `upper`.
        holes: outlines of what lies open between the lips, each (N, 2); none where the lips meet.
        jaw: (2,) how far the lower lip, and the lower teeth with it, has moved in the picture.
        opened: how far the opening differs from the picture's own.
        pressed: (49,) how far the lips would overlap.
        own: how much of what lies between the lips can be what the picture shows there, 0 (its lips are closed) to 1.
    """

    origin: np.ndarray
    axes: np.ndarray
    unit: float
    along: np.ndarray
    upper: np.ndarray
    lower: np.ndarray
    holes: list[np.ndarray]
    jaw: np.ndarray
    opened: float
    pressed: np.ndarray
    own: float

    @property
    def middle(self) -> np.ndarray:
        """Give the line halfway between the lips, (49,)."""
        return (self.upper + self.lower) / 2

    @property
    def gap(self) -> np.ndarray:
        """Give how far the lips are apart, (49,)."""
        return self.lower - self.upper

    def scaled(self, factor: float) -> "LipEdges":
        """Give the same edges in a picture of another size."""
        return replace(
            self,
            # Pixel centres lie at whole numbers, so the picture's corner is at -0.5.
            origin=(self.origin + 0.5) * factor - 0.5,
            unit=self.unit * factor,
            along=self.along * factor,
            upper=self.upper * factor,
            lower=self.lower * factor,
            holes=[hole * factor for hole in self.holes],
            jaw=self.jaw * factor,
            opened=self.opened * factor,
            pressed=self.pressed * factor,
        )

    def to_axes(self, points: np.ndarray) -> np.ndarray:
        """Give places along and across the mouth of points (..., 2) of the picture, of the type they came in."""
        return affine(points, np.column_stack([self.axes, -self.axes @ self.origin]))

    def place_inside(self, along: np.ndarray, across: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Tell where places lie between the lips.

        Args:
            along: (h, w) places along the mouth, pixels.
            across: (h, w) places across it.

        Returns:
            (h, w) each: how far below the upper lip, pixels; how far the lips are apart there, 1 pixel or more; where
            from corner to corner, -1 to 1.
        """
        upper, lower = interpolate(along, self.along, self.upper), interpolate(along, self.along, self.lower)
        half = max(self.along[-1] - self.along[0], 1.0) / 2
        side = (along - np.float32((self.along[0] + self.along[-1]) / 2)) / np.float32(half)
        return across - upper, np.maximum(lower - upper, 1.0), side

    def above(self, points: np.ndarray) -> np.ndarray:
        """Give how much each point belongs to the upper face: a hard line between the lips, soft beside them.

        Args:
            points: (..., 2) pixels in the portrait's pose.

        Returns:
            (...) float32 in [0, 1].
        """
        place = self.to_axes(points)
        middle = interpolate(place[..., 0], self.along, self.middle)
        beside = np.maximum(self.along[0] - place[..., 0], place[..., 0] - self.along[-1])
        softness = 1.0 + 0.8 * np.maximum(beside, 0.0)
        if self.pressed.any():
            # Lips that press on each other squeeze; a hard line would cut the picture's own lip line to dashes.
            pressed = interpolate(place[..., 0], self.along, self.pressed)
            softness = softness + (0.8 if self.own else 2.0) * pressed
        return smoothstep((middle - place[..., 1]) / softness + 0.5).astype(np.float32)

    def cover(self, points: np.ndarray) -> np.ndarray:
        """Give how much of each pixel, and of its surroundings, lies between the lips.

        Args:
            points: (h, w, 2) float32 pixels in the portrait's pose.

        Returns:
            (h, w, 2) uint8, 255 = all of it.
        """
        if not self.holes:
            return np.zeros((*points.shape[:2], 2), np.uint8)
        outlines = [hole @ self.axes + self.origin for hole in self.holes]
        box = Box.around(np.concatenate(outlines), 2.0 + 3 * _SHADE * self.unit)
        corner = np.array([box.left, box.top]) - 0.5
        fine = np.zeros((box.height * _FINE, box.width * _FINE), np.uint8)
        cv2.fillPoly(fine, [np.rint((o - corner) * _FINE - 0.5).astype(np.int32) for o in outlines], 255)
        mask = cv2.resize(fine, (box.width, box.height), interpolation=cv2.INTER_AREA)
        # A crisp edge looks cut out with scissors; one as soft as that of the picture does not.
        edge = cv2.GaussianBlur(mask, (0, 0), max(0.35, 0.009 * self.unit))
        near = cv2.GaussianBlur(mask, (0, 0), max(0.5, _SHADE * self.unit))
        places: np.ndarray = points - np.array([box.left, box.top], np.float32)
        return cv2.remap(cv2.merge([edge, near]), places, None, cv2.INTER_LINEAR)

    def between(self, points: np.ndarray) -> np.ndarray:
        """Give where points lie with respect to the lips, as the networks see it.

        Args:
            points: (h, w, 2) float32 pixels in the portrait's pose.

        Returns:
            (h, w, 4) uint8: the place along the mouth (128 the middle, 26 and 230 the corners), how far below the upper
            lip's edge, how far above the lower lip's, and how wide the mouth is open there; of these three 255 is
            `_DEEP` canonical units.
        """
        along, across = np.moveaxis(self.to_axes(points), -1, 0)
        upper = interpolate(along, self.along, self.upper)
        lower = interpolate(along, self.along, self.lower)
        first, last = np.float32(self.along[0]), np.float32(self.along[-1])
        side = (along - (first + last) / 2) / max(last - first, np.float32(1.0))
        deep = np.float32(_DEEP * self.unit)
        places = np.stack([0.5 + 0.8 * side, (across - upper) / deep, (lower - across) / deep, (lower - upper) / deep])
        return np.moveaxis(np.rint(255 * np.clip(places, 0, 1)).astype(np.uint8), 0, -1)


def interpolate(places: np.ndarray, along: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Give the values of a curve at any places along the mouth, float32."""
    return np.interp(places, along, values).astype(np.float32)
