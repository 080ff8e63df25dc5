"""What a user sees on stderr beside progress: warnings and errors, one line each; and how a run is interrupted."""

import contextlib
import io
import logging
import os
import signal
import sys
import warnings
from collections.abc import Iterator
from types import FrameType
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from rich.console import Console


def prepare_streams() -> None:
    """Give the process all three standard streams, and let those that are written to take any character.

    Where one is closed, a video could be opened under its number, and what a library prints would go into it. Where
    one has an encoding that lacks a character, as in a Windows pipe, the character is written as an escape.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        stream = getattr(sys, name)
        if stream is None:
            # The system gives the lowest number that is free, which is that of the stream.
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115, PTH123
        elif isinstance(stream, io.TextIOWrapper) and mode == "w" and stream.errors == "strict":
            stream.reconfigure(errors="backslashreplace")


def print_status(message: str) -> None:
    """Print one line on stderr, whatever line breaks the message holds."""
    line = " ".join(message.split())
    try:
        if sys.stderr.isatty():
            # Through rich, which lifts the line above a running progress bar.
            stderr_console().print(line, markup=False, highlight=False, soft_wrap=True)
        else:
            print(line, file=sys.stderr, flush=True)
    except OSError:  # nobody reads it any more, or there is no room for it
        drop_output(sys.stderr)


def stderr_console() -> "Console":
    """Give the console of stderr that progress bars and lines share."""
    global _console
    if _console is None or _console.file is not sys.stderr:
        from rich.console import Console

        _console = Console(stderr=True)
    return _console


_console: "Console | None" = None


@contextlib.contextmanager
def interrupts_from_signals() -> Iterator[None]:
    """Treat SIGTERM and SIGHUP like Ctrl-C while the block runs, so that nothing half-written stays."""

    def interrupt(_signal: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {}
    for name in ("SIGTERM", "SIGHUP", "SIGBREAK"):  # Windows knows the first and the last
        kind = getattr(signal, name, None)
        # What is ignored stays so: nohup lets a program outlive its terminal by ignoring SIGHUP.
        if kind is not None and signal.getsignal(kind) not in (signal.SIG_IGN, None):
            try:
                before[kind] = signal.signal(kind, interrupt)
            except ValueError:  # not the main thread: the caller decides
                break
    try:
        yield
    finally:
        for kind, handler in before.items():
            signal.signal(kind, handler)


def drop_output(stream: TextIO) -> None:
    """Write nothing more to a stream that takes nothing; Python would complain when it flushes at exit."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


class _OneLine(logging.Handler):
    """Prints each record as one line on stderr, with the option that helps where the record's code has one."""

    _HINTS = {  # noqa: RUF012
        "several-faces": ", with --face",
        "high-level": ", with --size or --fps",
        "upside-down": " with --landmarks",
        "voice-found": " with --track and --channel",
    }

    def emit(self, record: logging.LogRecord) -> None:
        hint = self._HINTS.get(getattr(record, "code", ""), "")
        print_status(f"rhapsode: {record.levelname.lower()}: {record.getMessage()}{hint}")


@contextlib.contextmanager
def log_to_stderr(debug: bool) -> Iterator[None]:
    """Print warnings of the package, and with `debug` all that it logs, while the block runs."""
    handler = _OneLine(logging.DEBUG if debug else logging.WARNING)
    logger = logging.getLogger("rhapsode")
    logger.addHandler(handler)
    try:
        with warnings.catch_warnings():
            if not debug:
                # Deprecations inside other packages mean nothing to a user.
                warnings.simplefilter("ignore")
            yield
    finally:
        logger.removeHandler(handler)
