"""Distances of motion from a style: SLD, SLV and SMD, after arXiv 2303.09799.

For every window of F frames of the style clip, one every v frames, the nearest window of the results is found, and the
distances are averaged:

    SLD = mean over w_s in W_s of  min over w_a in W_a of  D-L(w_s, w_a)

SLV is the same with D-V and SMD with D-A, both as in `metrics.landmarks`. D-L and D-V leave out the eyelids (56
landmarks remain): blinks are generated separately, and a performer's blinks would add a distance that no result can
close. Units are canonical; frames are those of the input, 1/60 s throughout this program.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.spatial.distance import cdist

from rhapsode.face.landmarks import EYES, MOUTH
from rhapsode.metrics.landmarks import open_mouth_area

#: The landmarks that the Motion Generator moves, (56,).
MOVED: Final = np.setdiff1d(np.arange(68), EYES)
#: Window lengths that `style_distances_over` averages over, frames.
WINDOWS: Final = range(10, 101, 10)

#: Frames of the style clip that are compared at once, landmark by landmark.
_ROWS = 512


@dataclass(frozen=True)
class StyleDistances:
    """Hold distances of results from a style clip; 0 where they contain every window of it.

    Attributes:
        SLD: of landmarks, canonical units.
        SLV: of their velocities, canonical units a frame.
        SMD: of the area of the open mouth, squared canonical units.
    """

    SLD: float
    SLV: float
    SMD: float


def style_distances(
    style: np.ndarray, made: Sequence[np.ndarray], rest: np.ndarray, window: int = 25, stride: int = 1
) -> StyleDistances:
    """Compute SLD, SLV and SMD by the published formulas.

    Args:
        style: (T, 68, 3) offsets of the style clip, canonical space.
        made: results, (T_k, 68, 3) offsets each. The nearest window may lie in any of them, and none crosses from one
            to the next; a result shorter than a window has none.
        rest: (68, 3) canonical, a face that the offsets are added to; the area of an open mouth depends on it.
        window: F, frames in a window, 2 or more.
        stride: v, frames from one window to the next.

    Raises:
        ValueError: a window does not fit into the style clip or any result, or a number is out of range.
    """
    return _each_window(style, made, rest, [window], stride)[0]


def style_distances_over(
    style: np.ndarray,
    made: Sequence[np.ndarray],
    rest: np.ndarray,
    windows: Sequence[int] = WINDOWS,
    stride: int = 1,
) -> StyleDistances:
    """Average `style_distances` over several window lengths; those longer than the clips are left out.

    Raises:
        ValueError: no window fits, or a number is out of range.
    """
    longest = min(len(style), max((len(each) for each in made), default=0))
    fitting = [window for window in windows if window <= longest]
    return _mean(_each_window(style, made, rest, fitting or [min(windows)], stride))


def published_code_distances(
    style: np.ndarray, made: Sequence[np.ndarray], rest: np.ndarray, window: int = 25, stride: int = 1
) -> StyleDistances:
    """Compute what the paper's public code computes under these names, which differs from the paper.

    For each window of the style clip it visits the windows of the result in order and takes the minimum over the
    *running means* of their distances, because the list of frame distances is not emptied between them. Its "SMD" is
    a distance of mouth landmarks (LMD). Faces are seen from the front; for the first two each is aligned to the corner
    of its own bounding box, and distances are per cent of its width. For "SMD" each mouth is centred; the public code
    counts pixels of a 512-pixel picture there, this function canonical units. Eyelids are left out.

    Source: `src/style_metrics/utils.py` of github.com/aioz-ai/AudioDrivenStyleTransfer, commit 562e37b.

    Args and errors as in `style_distances`.
    """
    _check(style, made, window, stride)
    views = [_published_views(each, rest) for each in (style, *made)]
    values = []
    for view, length in enumerate((window, window - 1, window)):
        of_style, *of_made = (each[view] for each in views)
        windows = [_window_means(one, length, stride) for one in _frame_distances(of_style, of_made)]
        visited = np.concatenate(windows, axis=1).astype(np.float64)
        running = visited.cumsum(1) / np.arange(1, visited.shape[1] + 1)
        values.append(float(running.min(1).mean()))
    return StyleDistances(*values)


def _each_window(
    style: np.ndarray, made: Sequence[np.ndarray], rest: np.ndarray, windows: Sequence[int], stride: int
) -> list[StyleDistances]:
    """Compute the distances for each window length; frames are compared once for all of them."""
    for window in windows:
        _check(style, made, window, stride)
    views: tuple[Callable[[np.ndarray], np.ndarray], ...] = (
        lambda offsets: offsets[:, MOVED],
        lambda offsets: np.diff(offsets[:, MOVED], axis=0),
        lambda offsets: open_mouth_area(offsets + rest)[:, None, None],
    )
    columns = []
    for view, shorter in zip(views, (0, 1, 0), strict=True):
        nearest = [np.full((len(style) - window) // stride + 1, np.inf) for window in windows]
        for distances in _frame_distances(view(style), [view(each) for each in made]):
            for best, window in zip(nearest, windows, strict=True):
                means = _window_means(distances, window - shorter, stride)
                if means.size:
                    np.minimum(best, means.min(1), out=best)
        columns.append([float(best.mean()) for best in nearest])
    return [StyleDistances(*row) for row in zip(*columns, strict=True)]


def _frame_distances(style: np.ndarray, made: Sequence[np.ndarray]) -> Iterator[np.ndarray]:
    """Compare every frame with every other, result by result, by the mean distance of their points.

    Args:
        style: (T, P, D).
        made: (S, P, D) each.

    Yields:
        (T, S) float32. Equal frames are exactly 0 apart, which a matrix product would not give.
    """
    points = style.shape[1]
    for each in made:
        distances = np.zeros((len(style), len(each)), np.float32)
        for first in range(0, len(style), _ROWS):
            rows = slice(first, first + _ROWS)
            for point in range(points):
                distances[rows] += cdist(style[rows, point], each[:, point])
        yield distances / np.float32(points)


def _window_means(distances: np.ndarray, length: int, stride: int) -> np.ndarray:
    """Average distances of frames (T, S) to distances of windows (n, m), empty where none fits.

    Means run along diagonals. Sums of 1, 2, 4 .. frames are built from halves: as fast as cumulative sums, and without
    their loss of precision in differences of large numbers.
    """
    rows, columns = (max(size - length + 1, 0) for size in distances.shape)
    total = np.zeros((rows, columns), np.float32)
    power, size, done = distances, 1, 0
    while size <= length and total.size:
        if length & size:
            total += power[done : done + rows, done : done + columns]
            done += size
        if 2 * size <= length:
            power = power[:-size, :-size] + power[size:, size:]
        size *= 2
    means: np.ndarray = total[::stride, ::stride] / np.float32(length)
    return means


def _published_views(offsets: np.ndarray, rest: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give what the public code compares: aligned faces, their velocities, centred mouths; (T, P, 2) each."""
    face = (offsets + rest)[..., :2]
    mouth, face = face[:, MOUTH], face[:, MOVED]
    face = face - face.min(1, keepdims=True)
    share = 100 / face[..., 0].max(1)[:, None, None]
    return face * share, np.diff(face, axis=0) * share[1:], mouth - mouth.mean(1, keepdims=True)


def _mean(distances: Sequence[StyleDistances]) -> StyleDistances:
    return StyleDistances(
        *(float(np.mean([getattr(one, name) for one in distances])) for name in ("SLD", "SLV", "SMD"))
    )


def _check(style: np.ndarray, made: Sequence[np.ndarray], window: int, stride: int) -> None:
    if window < 2 or stride < 1:
        raise ValueError(
            f"window {window}, stride {stride}: choose a window of 2 frames or more and a stride of 1 or more"
        )
    longest = max((len(each) for each in made), default=0)
    for what, frames in (("the style clip", len(style)), ("the longest result", longest)):
        if frames < window:
            raise ValueError(
                f"a window of {window} frames does not fit into {what}, which has {frames}; choose a shorter one"
            )
