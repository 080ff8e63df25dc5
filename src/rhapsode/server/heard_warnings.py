"""Warnings of the library, as part of an answer."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from rhapsode.server.faults import without_paths


@contextmanager
def heard_warnings(words: Mapping[Path, str]) -> Iterator[list[dict[str, str]]]:
    """Collect what the library warns of while the block runs.

    Args:
        words: what files of the server are called instead.

    Yields:
        A list that fills: code and message of each.
    """
    heard: list[dict[str, str]] = []

    class Listener(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            code = str(getattr(record, "code", "warning"))
            heard.append({"code": code, "message": without_paths(record.getMessage(), words)})

    listener, log = Listener(logging.WARNING), logging.getLogger("rhapsode")
    log.addHandler(listener)
    try:
        yield heard
    finally:
        log.removeHandler(listener)
