"""A portrait that is animated while its sound is still arriving."""

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType

import numpy as np

from rhapsode.errors import AudioError, OptionsError
from rhapsode.media.live import LiveSound, Samples
from rhapsode.motion.timeline import FrameMotion, FrameTimeline
from rhapsode.render.renderer import Renderer

#: Seconds that an interruption can go back from the last frame that was handed out.
HISTORY = 60
#: Samples at 16 kHz that become motion at once: no more than the next frame needs.
_PIECE = 160


@dataclass(frozen=True)
class Frame:
    """One frame of a session.

    Attributes:
        image: (H, W, 3) uint8 RGB, or (H, W, 4) RGBA before a transparent background.
        time: seconds from the beginning of the session at which it is shown.
        audio: the samples that play while it is shown, in the form in which they were fed. Below 6 frames a second,
            those that had not arrived when the frame was made come with the next one.
        speaking: whether the portrait speaks; it changes where speech starts and where it ends.
    """

    image: np.ndarray
    time: Fraction
    audio: np.ndarray | bytes
    speaking: bool


class Session:
    """Take sound piece by piece, and give the frames that a file of the same sound would have.

    All methods may be called from any thread. A frame is computed when it is asked for: a viewer who is slow misses
    nothing, and sound that waits is all that is held for it.
    """

    def __init__(self, renderer: Renderer, timeline: FrameTimeline, fps: Fraction, sound: LiveSound) -> None:
        """Begin; `Animator.start_session` makes one.

        Args:
            renderer: draws the portrait.
            timeline: makes its motion; can go back `HISTORY` seconds.
            fps: frames a second.
            sound: takes the sound, before its first sample.
        """
        self._renderer, self._timeline, self._fps = renderer, timeline, fps
        self._sound = sound
        # Guards all that follows.
        self._changed = threading.Condition()
        self._waiting: deque[FrameMotion] = deque()  # frames whose motion is known
        self._shown: deque[FrameMotion] = deque(maxlen=int(HISTORY * fps))  # frames that were handed out
        self._begins = Fraction(0)  # time of the sound's first sample
        self._round = 0  # number of interruptions so far
        self._finished = self._ended = self._closed = False

    def feed(self, samples: Samples) -> Iterator[Frame]:
        """Take the sound that follows.

        Args:
            samples: int16 or float32, (N,) for one channel or (N, channels) for several, or the bytes of little-endian
                int16, channels interleaved; of any length, always of the same form.

        Returns:
            The frames that can be made, one by one as they are asked for, until more sound is needed. It ends when the
            session is interrupted or closed.

        Raises:
            AudioError: the session is over, or the samples have another form.
        """
        with self._changed:
            self._check(over=self._closed or self._finished)
            self._sound.push(samples)
            self._changed.notify_all()
            return self._frames(self._round, wait=False)

    def finish(self) -> Iterator[Frame]:
        """End the sound.

        Returns:
            The frames that are left, as `feed` does.

        Raises:
            AudioError: the session is over.
        """
        with self._changed:
            self._check(over=self._closed or self._finished)
            self._finished = True
            self._sound.finish()
            self._changed.notify_all()
            return self._frames(self._round, wait=False)

    def __iter__(self) -> Iterator[Frame]:
        """Give frames as they come, for a thread of their own: wait for sound where more is needed.

        It ends when the session is interrupted, finished or closed; iterate again to go on after an interruption.
        """
        with self._changed:
            return self._frames(self._round, wait=True)

    def latest(self) -> Iterator[Frame]:
        """Give frames as they come, as iterating does, but only the newest where several are due.

        For a viewer who rather misses frames than falls behind; the sound of a missed frame comes with the next.
        """
        with self._changed:
            return self._frames(self._round, wait=True, newest=True)

    def interrupt(self, at: float | Fraction | None = None) -> Fraction:
        """Stop speaking: go on from the frame that the viewer saw last.

        Sound fed so far is dropped, as are frames after `at`; iterators end. In the frames that follow, the mouth comes
        to rest from the pose that was shown, head and eyelids go on, and sound fed from now on belongs to their times.
        A session that was finished takes sound again.

        Args:
            at: seconds from the beginning of the session that the viewer has seen; all frames that were handed out
                where None.

        Returns:
            The time to which the next sample belongs, seconds.

        Raises:
            AudioError: the session was closed.
            OptionsError: `at` lies more than 60 seconds before the last frame that was handed out.
        """
        with self._changed:
            self._check(over=self._closed)
            seen = [frame for frame in self._shown if at is None or frame.time <= at]
            if self._shown and not seen:
                raise OptionsError(f"at={at}: no frame of that time is known", f"go back {HISTORY} s at most", "bad-at")
            self._shown = deque(seen, self._shown.maxlen)
            self._begins = self._timeline.interrupt(seen[-1] if seen else None)
            self._waiting.clear()
            self._sound.clear()
            self._finished = self._ended = False
            self._round += 1
            self._changed.notify_all()
            return self._begins

    @property
    def closed(self) -> bool:
        """Tell whether the session was ended."""
        return self._closed

    def close(self) -> None:
        """End the session; what was fed and not shown is dropped."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _frames(self, number: int, wait: bool, newest: bool = False) -> Iterator[Frame]:
        """Give frames until the round is over."""
        while True:
            with self._changed:
                while number == self._round and not self._closed and not self._advance():
                    if not wait or self._ended:
                        return
                    self._changed.wait()
                if number != self._round or self._closed:
                    return
                if newest:
                    self._skip()
                motion = self._waiting.popleft()
                last = self._ended and not self._waiting
                audio = self._sound.take(None if last else motion.time + 1 / self._fps - self._begins)
            # Rendered without the lock, so that sound is taken meanwhile.
            image = self._renderer.render(*motion.motion.first())
            with self._changed:
                if number != self._round or self._closed:
                    return
                self._shown.append(motion)
            yield Frame(image, motion.time, audio, motion.speaks)

    def _skip(self) -> None:
        """Make motion of all the sound that has come, and drop the frames before the last."""
        while len(samples := self._sound.read(_PIECE)):
            self._waiting += self._timeline.push(samples)
        while len(self._waiting) > 1:
            self._waiting.popleft()

    def _advance(self) -> bool:
        """Make motion of the sound until the next frame is known; tell whether it is."""
        while not self._waiting and not self._ended:
            samples = self._sound.read(_PIECE)
            if len(samples):
                self._waiting += self._timeline.push(samples)
            elif self._finished:
                self._waiting += self._timeline.end()
                self._ended = True
            else:
                break
        return bool(self._waiting)

    def _check(self, over: bool) -> None:
        if over:
            raise AudioError("the session is over", "start another", "session-over")
