"""When the sound of a session arrived."""

import threading
import time
from collections import deque
from collections.abc import Callable
from fractions import Fraction

#: Pieces of sound that are remembered: a minute of pieces of 20 ms.
_REMEMBERED = 3000


class Arrivals:
    """Note when sound arrives, and tell it by the session's time.

    The session's time stands still from an interruption until sound comes again; the stream's time, by which a viewer's
    player shows frames, goes on.
    """

    def __init__(self, rate: int, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin before the first sample.

        Args:
            rate: samples a second.
            clock: gives seconds.
        """
        self._rate, self._clock, self._lock = rate, clock, threading.Lock()
        self._end = Fraction(0)  # the session's time at the end of all that has come
        self._pieces: deque[tuple[Fraction, float]] = deque(maxlen=_REMEMBERED)  # its time at the end, when it came
        self._first: float | None = None  # when the first piece of all came
        self._rounds: list[tuple[Fraction, float]] = []  # of each: the session's time where it begins, the stream's

    def heard(self, samples: int) -> None:
        """Note that so many samples have arrived."""
        now, seconds = self._clock(), Fraction(samples, self._rate)
        with self._lock:
            if self._first is None:
                self._first = now
            if not self._pieces:
                self._rounds.append((self._end, now - self._first))
            self._end += seconds
            self._pieces.append((self._end, now))

    def interrupted(self, begins: Fraction) -> None:
        """Note that the sound that follows belongs to a time of the session."""
        with self._lock:
            self._end = begins
            self._pieces.clear()
            self._rounds = self._rounds[-1:]

    def moment(self, at: Fraction) -> float:
        """Tell when the sound of a time of the session arrived; now where that is not known. Times go forward."""
        with self._lock:
            while self._pieces and self._pieces[0][0] <= at and len(self._pieces) > 1:
                self._pieces.popleft()
            return self._pieces[0][1] if self._pieces and self._pieces[0][0] > at else self._clock()

    def stream_time(self, at: Fraction) -> float:
        """Give the stream's time of a time of the session, seconds."""
        with self._lock:
            begins, streamed = next((one for one in reversed(self._rounds) if one[0] <= at), (Fraction(0), 0.0))
        return streamed + float(at - begins)
