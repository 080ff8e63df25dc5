"""Coarse fields over a picture: a smooth flow is computed at few nodes and enlarged to pixels at the end."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from rhapsode.render.stencil import Stencil, complex_of, pairs_of

#: Pixels of a band of a field: as float32 places half a megabyte, which fits into the cache of a core.
_BAND = 2**16


@dataclass(frozen=True)
class Box:
    """A rectangle of whole pixels: columns left..right-1, rows top..bottom-1."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """Count the columns, 0 where the box is empty."""
        return max(self.right - self.left, 0)

    @property
    def height(self) -> int:
        """Count the rows, 0 where the box is empty."""
        return max(self.bottom - self.top, 0)

    @property
    def slices(self) -> tuple[slice, slice]:
        """Give rows and columns, to index a picture with."""
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def is_empty(self) -> bool:
        """Tell whether the box holds no pixel."""
        return self.width == 0 or self.height == 0

    def intersect(self, other: "Box") -> "Box":
        """Give the pixels that lie in both boxes."""
        return Box(
            max(self.left, other.left),
            max(self.top, other.top),
            min(self.right, other.right),
            min(self.bottom, other.bottom),
        )

    def union(self, other: "Box") -> "Box":
        """Give the smallest box around both boxes; empty ones do not count."""
        if self.is_empty or other.is_empty:
            return other if self.is_empty else self
        return Box(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def holds(self, sides: tuple[float, float, float, float]) -> bool:
        """Tell whether left, top, right and bottom of something all lie in the box."""
        left, top, right, bottom = sides
        return self.left <= left and self.top <= top and right <= self.right and bottom <= self.bottom

    def within(self, outer: "Box") -> tuple[slice, slice]:
        """Rows and columns of this box in an array that covers `outer`."""
        return (
            slice(self.top - outer.top, self.bottom - outer.top),
            slice(self.left - outer.left, self.right - outer.left),
        )

    @classmethod
    def around(cls, points: np.ndarray, margin: float) -> "Box":
        """Give the smallest box that holds (N, 2) points, in pixels, and a margin around them."""
        x, y = points[:, 0], points[:, 1]  # by column: NumPy is slow along an axis of two
        left, top = np.floor(x.min() - margin), np.floor(y.min() - margin)
        right, bottom = np.ceil(x.max() + margin), np.ceil(y.max() + margin)
        return cls(int(left), int(top), int(right) + 1, int(bottom) + 1)


@dataclass(frozen=True)
class Grid:
    """Nodes at the centres of square cells of `step` pixels; the first cell's corner is at (left, top).

    Node (row, column) lies at pixel (left + (column + 0.5) * step - 0.5, the same for y), which is what
    `cv2.resize` assumes, so that enlarging a field by `step` puts every value where it belongs.
    """

    left: int
    top: int
    step: int
    columns: int
    rows: int

    @classmethod
    def over(cls, box: Box, step: int) -> "Grid":
        """Make a grid that covers a box and one more cell on every side, so that no pixel needs extrapolation."""
        columns, rows = -(-box.width // step) + 2, -(-box.height // step) + 2
        return cls(box.left - step, box.top - step, step, columns, rows)

    def nodes(self) -> np.ndarray:
        """Give the pixel positions of the nodes, (rows, columns, 2) float32."""
        x = self.left + (np.arange(self.columns, dtype=np.float32) + 0.5) * self.step - 0.5
        y = self.top + (np.arange(self.rows, dtype=np.float32) + 0.5) * self.step - 0.5
        return np.stack(np.meshgrid(x, y), axis=-1)

    def sample(self, field: np.ndarray, points: np.ndarray) -> np.ndarray:
        """Interpolate a field bilinearly at any points; beyond the border it is constant.

        Written out, since `cv2.remap` rounds positions to 1/32 of a cell, which is visible as jitter.

        Args:
            field: (rows, columns, C) float32.
            points: (..., 2) pixel positions.

        Returns:
            (..., C) float32.
        """
        return self.stencil(points).of(field)

    def stencil(self, points: np.ndarray) -> Stencil:
        """Prepare to sample fields at any points, (..., 2) pixel positions."""
        places = self._in_cells(points.astype(np.float32, copy=False))
        x = np.minimum(np.maximum(places[..., 0], np.float32(0)), np.float32(self.columns - 1.001))
        y = np.minimum(np.maximum(places[..., 1], np.float32(0)), np.float32(self.rows - 1.001))
        column, row = x.astype(np.int32), y.astype(np.int32)
        return Stencil((row * self.columns + column).astype(np.intp), x - column, y - row, self.columns)

    def invert(self, displacement: np.ndarray, points: np.ndarray, iterations: int, step: float = 1.0) -> np.ndarray:
        """Find where each point came from, if everything moved by a displacement field.

        Solves `source + displacement(source) = point` by fixed-point iteration. It converges as long as the field does
        not fold (its slope stays above -1), and spreads by less than 2 / step - 1.

        Args:
            displacement: (rows, columns, 2) float32, pixels, at the nodes before the move.
            points: (h, w, 2) float32, pixel positions after the move.
            iterations: number of iterations.
            step: share of the way that each goes; below 1 for fields that spread far.
        """
        source = self.follow(displacement, points, iterations, step)
        there = points - self.sample(displacement, source)
        return there if step == 1 else source + np.float32(step) * (there - source)

    def follow(self, displacement: np.ndarray, points: np.ndarray, iterations: int, step: float = 1.0) -> np.ndarray:
        """Find roughly where each point came from, as `invert` does; good enough where the field is nearly constant."""
        # In cells, so that places need not be scaled at each step.
        ends, cells = self._in_cells(points), displacement * np.float32(1 / self.step)
        source = ends
        for _ in range(iterations):
            # OpenCV rounds places to 1/32 of a cell: fast, and accurate enough for all but the last step.
            there = ends - _looked_up(cells, source)
            source = there if step == 1 else source + np.float32(step) * (there - source)
        return self._in_pixels(source)

    def _in_cells(self, points: np.ndarray) -> np.ndarray:
        """Pixel positions (..., 2) as columns and rows of nodes, a new array."""
        places = complex_of(points) - self._first_node
        places *= np.float32(1 / self.step)
        return pairs_of(places)

    def _in_pixels(self, places: np.ndarray) -> np.ndarray:
        points = complex_of(places) * np.float32(self.step)
        points += self._first_node
        return pairs_of(points)

    @property
    def _first_node(self) -> np.complex64:
        half = (self.step - 1) / 2
        return np.complex64(complex(self.left + half, self.top + half))

    def search(
        self,
        displacement: np.ndarray,
        pace: np.ndarray,
        points: np.ndarray,
        start: np.ndarray,
        iterations: int,
        longest: float,
    ) -> np.ndarray:
        """Find where each point came from, if everything moved by a displacement field that may fold.

        Of several places it finds the one that lies nearest to where it starts, since no step is long.

        Args:
            displacement: (rows, columns, 2) float32, pixels, at the nodes before the move.
            pace: (rows, columns) float32, which share of its way a step goes there: less than 1 where the field
                spreads.
            points: (h, w, 2) float32, pixel positions after the move.
            start: (h, w, 2) float32, where the search begins.
            iterations: number of steps.
            longest: how far a step goes at most, across and down, cells.
        """
        limit = np.float32(longest)
        cells, paces = displacement * np.float32(1 / self.step), cv2.merge([pace, pace])
        place, ends = self._in_cells(start), self._in_cells(points)
        for _ in range(iterations):
            way = ends - _looked_up(cells, place)
            way -= place
            way *= _looked_up(paces, place)
            np.maximum(way, -limit, out=way)
            place += np.minimum(way, limit, out=way)
        source = self._in_pixels(place)
        way = points - self.sample(displacement, source)
        way -= source
        way *= _looked_up(paces, place)
        source += way
        return source

    def moved(self, box: Box, displacement: np.ndarray) -> Box:
        """Give a box that holds all to which a displacement field takes the pixels of a box.

        Args:
            box: what lies outside the grid moves as its border does.
            displacement: (rows, columns, 2) float32, pixels, at the nodes before the move.
        """
        rows, columns = self.cells(box)
        x, y = displacement[rows, columns, 0], displacement[rows, columns, 1]
        left, top = math.floor(box.left + x.min()), math.floor(box.top + y.min())
        return Box(left, top, math.ceil(box.right + x.max()), math.ceil(box.bottom + y.max()))

    def enlarge(self, field: np.ndarray, box: Box) -> np.ndarray:
        """Interpolate a field at every pixel of a box, (height, width, C) float32.

        Args:
            field: (rows, columns, C) float32.
            box: must lie inside the pixels that the grid was laid over.
        """
        rows, columns = self.cells(box)
        part = np.ascontiguousarray(field[rows, columns])
        size = (part.shape[1] * self.step, part.shape[0] * self.step)
        big = cv2.resize(part, size, interpolation=cv2.INTER_LINEAR)
        x, y = box.left - self.left - columns.start * self.step, box.top - self.top - rows.start * self.step
        return big[y : y + box.height, x : x + box.width]

    def cells(self, box: Box) -> tuple[slice, slice]:
        """Give rows and columns of the nodes between which the pixels of a box lie."""
        rows = self._between(box.top - self.top, box.bottom - self.top, self.rows)
        columns = self._between(box.left - self.left, box.right - self.left, self.columns)
        return rows, columns

    def _between(self, first: int, end: int, count: int) -> slice:
        start = min(max(first // self.step - 1, 0), count - 1)
        return slice(start, min(max(-(-end // self.step) + 1, start + 1), count))

    def bands(self, field: np.ndarray, box: Box) -> Iterator[tuple[Box, np.ndarray]]:
        """Interpolate a field at every pixel of a box, some rows at a time, so that they stay in the cache.

        Args:
            field: (rows, columns, C) float32.
            box: as in `enlarge`.

        Yields:
            Rows of the box, and the field at their pixels, (height, width, C) float32.
        """
        rows = max(_BAND // max(box.width, 1), 1)
        for top in range(box.top, box.bottom, rows):
            band = Box(box.left, top, box.right, min(top + rows, box.bottom))
            yield band, self.enlarge(field, band)


def _looked_up(field: np.ndarray, places: np.ndarray) -> np.ndarray:
    return cv2.remap(field, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def affine(points: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """Map points (..., 2) by an affine map (2, 3), keeping their type; NumPy takes thirty times as long."""
    flat = points if points.ndim == 3 else points.reshape(-1, 1, 2)
    return cv2.transform(flat, matrix).reshape(points.shape)


def smoothstep(x: np.ndarray) -> np.ndarray:
    """Rise smoothly from 0 at 0 to 1 at 1, constant beyond."""
    t = np.minimum(np.maximum(x, 0.0), 1.0)  # `np.clip` takes several times as long for few values
    return t * t * (3.0 - 2.0 * t)
