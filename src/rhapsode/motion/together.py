"""Several faces that move together, each to its own sound, until the longest sound ends."""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from itertools import zip_longest

import numpy as np

from rhapsode.motion.timeline import FrameMotion, FrameTimeline, regrouped

_NOTHING = np.zeros(0, np.float32)


def together(
    timelines: Sequence[FrameTimeline], sounds: Sequence[Iterable[np.ndarray]]
) -> Iterator[tuple[FrameMotion, ...]]:
    """Give what each frame shows of every face.

    Args:
        timelines: of each face, at their beginning.
        sounds: of each face, in blocks, (N,) float32 in [-1, 1] at 16 kHz; silence follows where one ends before
            others, and one without any block is silent.
    """
    frames: list[deque[FrameMotion]] = [deque() for _ in timelines]

    def known() -> Iterator[tuple[FrameMotion, ...]]:
        while all(frames):
            yield tuple(one.popleft() for one in frames)

    for pieces in zip_longest(*map(regrouped, sounds), fillvalue=_NOTHING):
        length = max(len(piece) for piece in pieces)
        for timeline, piece, waiting in zip(timelines, pieces, frames, strict=True):
            waiting += timeline.push(np.pad(piece, (0, length - len(piece))))
        yield from known()
    for timeline, waiting in zip(timelines, frames, strict=True):
        waiting += timeline.end()
    yield from known()
