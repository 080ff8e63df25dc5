"""Motion that ends where it began, so that a video can be played again and again."""

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from itertools import takewhile
from typing import Final

import numpy as np

from rhapsode.motion.motion import Motion
from rhapsode.motion.timeline import FrameMotion

#: Seconds in which head, gaze and shoulders return, and the face; at most half of the video.
_RETURN, _FACE = 2.0, 0.4
#: What returns with the head, where eyes that turn back by what the head turns go on doing so, and with the face.
_WITH_HEAD: Final = ("rotation", "translation", "gaze", "shoulders")
_WITH_FACE: Final = ("expression", "units")


def looped(frames: Iterable[FrameMotion], fps: Fraction) -> Iterator[FrameMotion]:
    """Lead motion back to its beginning.

    Before its last two seconds it stays as it is. A blink that would not be over at the end does not begin.

    Args:
        frames: what each frame of a video shows.
        fps: frames a second.
    """
    held: deque[FrameMotion] = deque()
    first, count = None, 0
    for frame in frames:
        first = first or frame.motion
        count += 1
        held.append(frame)
        if len(held) > _RETURN * fps:
            yield held.popleft()
    back = min(len(held), count // 2)
    while len(held) > back:
        yield held.popleft()
    shut = len(list(takewhile(lambda one: one.motion.lids.any(), reversed(held))))
    for n, frame in enumerate(held):
        if first is not None:
            left = back - n  # frames until the first one comes again
            motion = _towards(first, frame.motion, left, back + 1, min(float(_FACE * fps), back) + 1)
            yield frame._replace(motion=replace(motion, lids=first.lids) if left <= shut else motion)


def _towards(first: Motion, motion: Motion, left: float, head: float, face: float) -> Motion:
    """Blend motion with the first one, `left` frames before that comes again; `head` and `face` return over so many."""
    lefts = dict.fromkeys(_WITH_HEAD, left / head) | dict.fromkeys(_WITH_FACE, left / face)
    blended = {name: _blend(getattr(motion, name), getattr(first, name), share) for name, share in lefts.items()}
    return replace(motion, **blended)


def _blend(values: np.ndarray, first: np.ndarray, left: float) -> np.ndarray:
    share = min(max(1 - left, 0.0), 1.0)
    blended: np.ndarray = values + np.float32(share * share * (3 - 2 * share)) * (first - values)
    return blended
