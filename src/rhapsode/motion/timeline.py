"""What each frame of a video shows, known as soon as its sound has arrived."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from typing import NamedTuple

import numpy as np

from rhapsode.audio.mel import MOTION_RATE
from rhapsode.media.waveform import SAMPLE_RATE
from rhapsode.motion.motion import Motion, joined
from rhapsode.motion.stream import MotionStream

#: Samples of a file that become motion at once, a quarter of a second: motion is many short calls, and in small pieces
#: it would hold up the threads that render; in large ones these would wait for it.
_PIECE = SAMPLE_RATE // 4
#: Envelope of the voice from which on the portrait speaks.
_SPEAKING = 0.5


class FrameMotion(NamedTuple):
    """Say what a frame shows.

    Attributes:
        time: seconds from the beginning of the sound.
        motion: at that time, T = 1.
    """

    time: Fraction
    motion: Motion

    @property
    def speaks(self) -> bool:
        """Tell whether the portrait speaks."""
        return bool(self.motion.voice[0] >= _SPEAKING)


class FrameTimeline:
    """Give the motion at time n / fps for frame n of a video; between two motion frames it is a blend of both."""

    def __init__(self, stream: MotionStream, fps: Fraction) -> None:
        """Start before the first frame."""
        self._stream, self._fps = stream, fps
        self._known: list[Motion] = []  # motion frames from number `_first` on, as far as frames to come need them
        self._first = self._frame = 0

    def push(self, samples: np.ndarray) -> list[FrameMotion]:
        """Take the samples that follow, (N,) float32 in [-1, 1] at 16 kHz; give the frames that they complete."""
        self._known += self._stream.push(samples)
        return self._complete(None)

    def end(self) -> list[FrameMotion]:
        """Give the frames that are left once the sound is over."""
        self._known += self._stream.end()
        return self._complete(frame_count(self._stream.seconds, self._fps))

    def of(self, blocks: Iterable[np.ndarray]) -> Iterator[FrameMotion]:
        """Give what each frame shows of a sound that comes in blocks, (N,) float32 in [-1, 1] at 16 kHz each."""
        for piece in regrouped(blocks):
            yield from self.push(piece)
        yield from self.end()

    def interrupt(self, shown: FrameMotion | None) -> Fraction:
        """Drop the sound so far, and go on with the frame after the one that was shown last.

        Args:
            shown: the frame that was shown last, None for none yet.

        Returns:
            The time of the next frame, which is that of the first sample pushed from now on.

        Raises:
            ValueError: the frame lies further back than the history of the motion stream.
        """
        self._frame = 0 if shown is None else round(shown.time * self._fps) + 1
        begins = self._frame / self._fps
        self._first = self._stream.interrupt(shown and shown.motion, shown.time if shown else begins, begins)
        self._known = []
        return begins

    def _complete(self, count: int | None) -> list[FrameMotion]:
        """Give the frames whose motion is known; all up to `count` where the sound is over."""
        frames: list[FrameMotion] = []
        while count is None or self._frame < count:
            time = self._frame / self._fps
            place = time * MOTION_RATE - self._first
            left = int(place)
            if count is None and left + (place > left) >= len(self._known):
                break
            # At the end the last motion frame is held.
            left = min(left, len(self._known) - 1)
            near = joined(self._known[left:][:2])
            frames.append(FrameMotion(time, near.at((place - left) / MOTION_RATE)))
            self._frame += 1
        spent = min(int(self._frame / self._fps * MOTION_RATE) - self._first, len(self._known) - 1)
        if spent > 0:
            del self._known[:spent]
            self._first += spent
        return frames


def frame_count(seconds: float | Fraction, fps: Fraction) -> int:
    """Count the frames that show a sound of this length."""
    return max(1, round(Fraction(seconds) * fps))


def regrouped(blocks: Iterable[np.ndarray], length: int = _PIECE) -> Iterator[np.ndarray]:
    """Cut and join blocks into pieces of one length; the last may be shorter."""
    held: list[np.ndarray] = []
    count = 0
    for block in blocks:
        held.append(block)
        count += len(block)
        while count >= length:
            whole = np.concatenate(held)
            yield whole[:length]
            held, count = [whole[length:]], count - length
    if count:
        yield np.concatenate(held)
