"""What the page has opened and may name in later requests."""

import secrets
import threading
from typing import Generic, TypeVar

from rhapsode.errors import OptionsError

Thing = TypeVar("Thing")
#: Things of a kind that stay open; the oldest is closed first.
_MOST = 24


class Opened(Generic[Thing]):
    """Hold things of one kind, each under a name that cannot be guessed."""

    def __init__(self, kind: str) -> None:
        """Begin with none; `kind` is what messages call one."""
        self._kind, self._lock = kind, threading.Lock()
        self._things: dict[str, Thing] = {}

    def add(self, thing: Thing) -> str:
        """Keep a thing open; give its name."""
        name = secrets.token_hex(6)
        with self._lock:
            self._things[name] = thing
            if len(self._things) > _MOST:
                del self._things[next(iter(self._things))]
        return name

    def replace(self, name: str, thing: Thing) -> None:
        """Keep another thing under a name."""
        with self._lock:
            self._things[name] = thing

    def __getitem__(self, name: object) -> Thing:
        """Find a thing.

        Raises:
            OptionsError: none is open under that name.
        """
        with self._lock:
            if not isinstance(name, str) or name not in self._things:
                raise OptionsError(f"the {self._kind}: is not open", "choose it first", f"no-{self._kind}")
            return self._things[name]
