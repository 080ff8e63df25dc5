"""How far a session may run ahead of the time that passes."""

import time
from collections.abc import Callable


class Pace:
    """Hold a session back that is fed faster than it can be watched, so that it leaves the processor to others."""

    def __init__(self, lead: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin at the session's beginning.

        Args:
            lead: seconds that frames may be ahead of the time at which they are shown.
            clock: gives seconds.
        """
        self._lead, self._clock = lead, clock
        self._began = float("-inf")  # the clock's time at the session's time 0, for a viewer who never waited

    def wait(self, at: float) -> float:
        """Tell how many seconds to wait before the frame of a time of the session is made; 0 for none."""
        now = self._clock()
        self._began = max(self._began, now - at)  # who waited for sound does not catch up on it
        return max(0.0, self._began + at - self._lead - now)
