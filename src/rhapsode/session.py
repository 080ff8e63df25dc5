"""A portrait that speaks while the sound is still arriving."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType

import numpy as np

from rhapsode.audio.mel import MOTION_RATE
from rhapsode.errors import AudioError
from rhapsode.image.renderer import Renderer
from rhapsode.motion.motion import Motion
from rhapsode.motion.stream import MotionStream, joined


@dataclass(frozen=True)
class Frame:
    """One frame of a live portrait.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        time: seconds of the sound that it belongs to.
    """

    image: np.ndarray
    time: Fraction


class Session:
    """Sound goes in piece by piece, frames come out, those that a file of the same sound would have."""

    def __init__(self, renderer: Renderer, motion: MotionStream, fps: Fraction) -> None:
        """Begin; `Animator.open` makes one."""
        self._renderer, self._motion, self._fps = renderer, motion, fps
        self._known: list[Motion] = []  # motion frames from number `_first` on that frames to come need
        self._first = self._frame = 0
        self._over = False

    def feed(self, samples: np.ndarray) -> Iterator[Frame]:
        """Hear the sound that follows.

        Args:
            samples: (N,) float32 in [-1, 1], mono at 16 kHz, of any length.

        Returns:
            The frames that it completes, drawn as they are asked for: who is slow is never overrun.

        Raises:
            AudioError: if the session is closed, or the samples are no such sound.
        """
        self._check_open()
        if not isinstance(samples, np.ndarray) or samples.ndim != 1 or samples.dtype != np.float32:
            told = f"{samples.shape} {samples.dtype}" if isinstance(samples, np.ndarray) else type(samples).__name__
            raise AudioError(f"a session needs samples of shape (N,) float32 at 16 kHz, not {told}: convert them first")
        if not np.isfinite(samples).all():
            raise AudioError("a session needs finite samples, not NaN or Inf: look at what records them")
        self._known += self._motion.push(samples)
        return self._drawn(self._ready())

    def finish(self) -> Iterator[Frame]:
        """The frames that are left once the sound is over; then nothing more can be fed."""
        self._check_open()
        self._over = True
        self._known += self._motion.end()
        return self._drawn(self._ready(max(1, round(Fraction(self._motion.seconds) * self._fps))))

    def interrupt(self) -> None:
        """Speak no more of what was fed so far: the mouth comes to rest within half a second, the head goes on."""
        self._check_open()
        self._motion.interrupt()

    def close(self) -> None:
        """Be done; what was fed and not shown is dropped."""
        self._over = True
        self._known.clear()

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _ready(self, count: int | None = None) -> Sequence[tuple[Fraction, Motion]]:
        """The moments of the frames whose motion is known; of all up to `count` where the sound is over."""
        moments: list[tuple[Fraction, Motion]] = []
        while count is None or self._frame < count:
            time = self._frame / self._fps
            place = time * MOTION_RATE - self._first
            left = int(place)
            if count is None and left + (place > left) >= len(self._known):
                break
            near = joined(self._known[min(left, len(self._known) - 1) :][:2])
            moments.append((time, near.at((place - min(left, len(self._known) - 1)) / MOTION_RATE)))
            self._frame += 1
        # One stays: at the end the last one is held still.
        spent = min(int(self._frame / self._fps * MOTION_RATE) - self._first, len(self._known) - 1)
        if spent > 0:
            del self._known[:spent]
            self._first += spent
        return moments

    def _drawn(self, moments: Sequence[tuple[Fraction, Motion]]) -> Iterator[Frame]:
        for time, moment in moments:
            one = moment.expression[0], moment.lids[0], moment.rotation[0], moment.translation[0]
            yield Frame(self._renderer.render(*one), time)

    def _check_open(self) -> None:
        if self._over:
            raise AudioError("the session is over: open another")
