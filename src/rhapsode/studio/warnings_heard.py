"""What the library logs while it works for one request, so that the page can show it beside the thing concerned."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Heard:
    """A warning.

    Attributes:
        message: in words.
        code: its kind; empty where it has none.
    """

    message: str
    code: str


class _Ear(logging.Handler):
    """Take down what one thread logs."""

    def __init__(self, heard: list[Heard]) -> None:
        super().__init__(logging.WARNING)
        self._heard, self._thread = heard, threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self._heard.append(Heard(record.getMessage(), getattr(record, "code", "")))


@contextmanager
def heard_warnings() -> Iterator[list[Heard]]:
    """Collect the warnings that this thread logs in the block, instead of showing them where the program logs."""
    heard: list[Heard] = []
    ear, log, thread = _Ear(heard), logging.getLogger("rhapsode"), threading.get_ident()
    others = list(log.handlers)

    def of_others(record: logging.LogRecord) -> bool:
        return record.thread != thread

    for handler in others:
        handler.addFilter(of_others)
    log.addHandler(ear)
    try:
        yield heard
    finally:
        log.removeHandler(ear)
        for handler in others:
            handler.removeFilter(of_others)
