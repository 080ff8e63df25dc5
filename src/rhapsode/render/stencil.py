"""Fields of a few channels at many points, without NumPy's slowness along short axes: pairs are complex numbers."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Stencil:
    """The nodes around points, and how near the points are to each.

    Attributes:
        start: (...) number of the node above and to the left.
        right: (...) float32, share of the way to the next column.
        down: (...) float32, that to the next row.
        columns: of the grid.
    """

    start: np.ndarray
    right: np.ndarray
    down: np.ndarray
    columns: int

    def of(self, field: np.ndarray) -> np.ndarray:
        """Sample a field (rows, columns, C) float32, (..., C) float32."""
        channels = field.shape[-1]
        # Pairs of channels at once, in place, and clipped rather than checked: much of a frame's time goes here.
        kind = np.complex64 if channels % 2 == 0 else np.float32
        flat = np.ascontiguousarray(field, np.float32).view(kind)
        planes = [self._of(flat[..., n].ravel()) for n in range(flat.shape[-1])]
        sampled: np.ndarray = planes[0][..., None] if len(planes) == 1 else np.stack(planes, axis=-1)
        return sampled.view(np.float32)

    def _of(self, flat: np.ndarray) -> np.ndarray:
        upper, lower = (self._across(flat, self.start + down) for down in (0, self.columns))
        lower -= upper
        lower *= self.down
        upper += lower
        return upper

    def _across(self, flat: np.ndarray, start: np.ndarray) -> np.ndarray:
        left, right = flat.take(start, mode="clip"), flat.take(start + 1, mode="clip")
        right -= left
        right *= self.right
        left += right
        return left


def complex_of(field: np.ndarray) -> np.ndarray:
    """See pairs (..., 2) of float32 as complex numbers (...): NumPy is slow along an axis of two."""
    return np.ascontiguousarray(field).view(np.complex64)[..., 0]


def pairs_of(numbers: np.ndarray) -> np.ndarray:
    """See complex numbers (...) as pairs (..., 2) of float32."""
    return numbers[..., None].view(np.float32)
