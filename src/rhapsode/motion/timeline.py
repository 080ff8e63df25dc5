"""What a portrait does at each frame of a video, told as soon as its sound has arrived."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from rhapsode.audio.mel import MOTION_RATE
from rhapsode.media.waveform import SAMPLE_RATE
from rhapsode.motion.motion import Motion, joined
from rhapsode.motion.stream import MotionStream

#: Samples that are taken at once of a sound that is there as a whole, a second: motion is so many short calls that, in
#: smaller pieces, it holds up the threads that draw.
_PIECE = SAMPLE_RATE


class FrameMotion(NamedTuple):
    """What is shown by a frame.

    Attributes:
        time: seconds of the sound that it belongs to.
        motion: of that moment, T = 1.
    """

    time: Fraction
    motion: Motion


class FrameTimeline:
    """Frame n of a video shows the moment n / fps seconds; between two frames of motion it is a blend of both."""

    def __init__(self, stream: MotionStream, fps: Fraction) -> None:
        self._stream, self._fps = stream, fps
        self._known: list[Motion] = []  # motion frames from number `_first` on that frames to come need
        self._first = self._frame = 0

    def push(self, samples: np.ndarray) -> list[FrameMotion]:
        """Take the samples that follow, (N,) float32 in [-1, 1] at 16 kHz; the moments that they complete."""
        self._known += self._stream.push(samples)
        return self._complete(None)

    def end(self) -> list[FrameMotion]:
        """The moments that are left once the sound is over."""
        self._known += self._stream.end()
        return self._complete(frame_count(self._stream.seconds, self._fps))

    def of(self, blocks: Iterable[np.ndarray]) -> Iterator[FrameMotion]:
        """Give what each frame shows of a sound that comes in blocks, (N,) float32 in [-1, 1] at 16 kHz each."""
        for piece in _regrouped(blocks, _PIECE):
            yield from self.push(piece)
        yield from self.end()

    def interrupt(self) -> None:
        """As `MotionStream.interrupt`."""
        self._stream.interrupt()

    def _complete(self, count: int | None) -> list[FrameMotion]:
        """The moments whose motion is known; all up to `count` where the sound is over."""
        moments: list[FrameMotion] = []
        while count is None or self._frame < count:
            time = self._frame / self._fps
            place = time * MOTION_RATE - self._first
            left = int(place)
            if count is None and left + (place > left) >= len(self._known):
                break
            # At the end the last one is held still.
            left = min(left, len(self._known) - 1)
            near = joined(self._known[left:][:2])
            moments.append(FrameMotion(time, near.at((place - left) / MOTION_RATE)))
            self._frame += 1
        spent = min(int(self._frame / self._fps * MOTION_RATE) - self._first, len(self._known) - 1)
        if spent > 0:
            del self._known[:spent]
            self._first += spent
        return moments


def frame_count(seconds: float | Fraction, fps: Fraction) -> int:
    """Count the frames that show a sound of this length."""
    return max(1, round(Fraction(seconds) * fps))


def _regrouped(blocks: Iterable[np.ndarray], length: int) -> Iterator[np.ndarray]:
    """Cut and join blocks into pieces of one length; the last may be shorter."""
    held: list[np.ndarray] = []
    count = 0
    for block in blocks:
        held.append(block)
        count += len(block)
        while count >= length:
            joined_blocks = np.concatenate(held)
            yield joined_blocks[:length]
            held, count = [joined_blocks[length:]], count - length
    if count:
        yield np.concatenate(held)
