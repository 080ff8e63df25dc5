"""A portrait that speaks while the sound is still arriving."""

import contextlib
import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType

import numpy as np

from rhapsode.blas import SingleThreadedBlas
from rhapsode.errors import AudioError
from rhapsode.motion.timeline import FrameMotion, FrameTimeline
from rhapsode.render.renderer import Renderer


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
    """Sound goes in piece by piece, frames come out, those that a file of the same sound would have.

    Until it is closed, NumPy's linear algebra takes one thread in the whole process (`blas`).
    """

    def __init__(self, renderer: Renderer, moments: FrameTimeline) -> None:
        """Begin; `Animator.start_session` makes one."""
        self._renderer, self._moments = renderer, moments
        self._over = False
        self._opened = contextlib.ExitStack()
        self._opened.enter_context(SingleThreadedBlas())
        # One that is forgotten is closed when it is collected.
        weakref.finalize(self, self._opened.close).atexit = False

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
        return self._drawn(self._moments.push(samples))

    def finish(self) -> Iterator[Frame]:
        """The frames that are left once the sound is over; then nothing more can be fed."""
        self._check_open()
        self._over = True
        return self._drawn(self._moments.end())

    def interrupt(self) -> None:
        """Speak no more of what was fed so far: the mouth comes to rest within half a second, the head goes on."""
        self._check_open()
        self._moments.interrupt()

    def close(self) -> None:
        """Be done; what was fed and not shown is dropped."""
        self._over = True
        self._opened.close()

    def __enter__(self) -> "Session":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _drawn(self, moments: Sequence[FrameMotion]) -> Iterator[Frame]:
        for moment in moments:
            yield Frame(self._renderer.render(*moment.motion.first()), moment.time)

    def _check_open(self) -> None:
        if self._over:
            raise AudioError("the session is over: open another")
