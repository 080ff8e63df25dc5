"""Places that are taken one by one, as those of live sessions; nobody waits for one."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from rhapsode.server.faults import RequestError


class Places:
    """Count who takes part, and refuse who would be one too many."""

    def __init__(self, most: int, most_each: int | None = None) -> None:
        """Set the number of places, of all and of one owner."""
        self._most, self._most_each = most, most if most_each is None else most_each
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def taken(self) -> int:
        """Count the places that are taken."""
        with self._lock:
            return self._taken.total()

    @contextmanager
    def place(self, owner: str, what: str) -> Iterator[None]:
        """Take a place while the block runs.

        Args:
            owner: who takes it.
            what: is being done, for the message: "live sessions".

        Raises:
            RequestError: 429: there is none left.
        """
        with self._lock:
            if self._taken[owner] >= self._most_each or self._taken.total() >= self._most:
                mine = self._taken[owner] >= self._most_each
                text = f"{'your' if mine else 'all'} places for {what} are taken"
                raise RequestError(429, "no-place", text, "end one, or try again later", 10)
            self._taken[owner] += 1
        try:
            yield
        finally:
            with self._lock:
                self._taken[owner] -= 1
                self._taken += Counter()  # forgets who has none
