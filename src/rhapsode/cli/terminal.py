"""What a user sees on stderr while the program works: stages, warnings, errors, one line each."""

import contextlib
import logging
import signal
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import rich.progress
    from rich.console import Console


class ProgressDisplay:
    """Shows how far the work is, on stderr: bars on a terminal, elsewhere a line now and then."""

    def __init__(self, shown: bool) -> None:
        self._shown = shown
        self._bars: rich.progress.Progress | None = None
        self._held: list[str] = []
        self._reported: dict[str, Callable[[int, int], None]] = {}
        self._open = contextlib.ExitStack()
        if shown and sys.stderr.isatty():
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeElapsedColumn,
                TimeRemainingColumn,
            )

            self._bars = Progress(
                TextColumn("{task.description:<20}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TimeRemainingColumn(),
                console=_console(),
            )

    def __enter__(self) -> "ProgressDisplay":
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()
        if self._bars is not None:
            self._bars.stop()

    @contextlib.contextmanager
    def stage(self, name: str, total: int = 1) -> Iterator[Callable[[int, int], None]]:
        """Show a stage while its block runs; gives a function to call with (done, total)."""
        bars = self._bars
        if bars is not None:
            task = bars.add_task(name, total=total)
            yield lambda done, total: bars.update(task, completed=done, total=total)
            bars.update(task, completed=total)
        else:
            began = time.perf_counter()
            yield self._line_writer(name, total)
            if total == 1:
                self._held.append(f"rhapsode: {name}: {time.perf_counter() - began:.1f} s")

    def report(self, stage: str, done: int, total: int) -> None:
        """Show how far a stage is; the one before it has ended when another comes."""
        if stage not in self._reported:
            self._reported[stage] = self._open.enter_context(self.stage(stage, total))
        self._reported[stage](done, total)

    def _line_writer(self, name: str, total: int) -> Callable[[int, int], None]:
        """Writes a line for each quarter; the short stages before are told only now, so that an error stands alone."""
        quarter = 0

        def write(done: int, total: int) -> None:
            nonlocal quarter
            if self._shown and total and 4 * done // total > quarter:
                quarter = 4 * done // total
                print_status(f"rhapsode: {name}: {done} of {total}")

        if self._shown and total > 1:
            for line in self._held:
                print_status(line)
            self._held.clear()
        return write


@contextlib.contextmanager
def ending_like_interrupts() -> Iterator[None]:
    """Let a polite kill end the program as Ctrl-C does, so that nothing half-written stays."""

    def interrupt(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    try:
        before = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # not the main thread: whoever called decides
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


class _OneLine(logging.Handler):
    """Shows what the package logs as one line each on stderr, above any progress bar."""

    def emit(self, record: logging.LogRecord) -> None:
        print_status(f"rhapsode: {record.levelname.lower()}: {record.getMessage()}")


@contextlib.contextmanager
def logging_to_stderr(debug: bool) -> Iterator[None]:
    """Show warnings of the package, and with `debug` all that it logs, while the block runs."""
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


def _console() -> "Console":
    global _stderr
    if _stderr is None or _stderr.file is not sys.stderr:
        from rich.console import Console

        _stderr = Console(stderr=True)
    return _stderr


_stderr: "Console | None" = None


def print_status(message: str) -> None:
    """Print one line on stderr, whatever line breaks the message holds."""
    line = " ".join(message.split())
    if sys.stderr.isatty():
        # Through rich, which lifts the line above a running progress bar.
        _console().print(line, markup=False, highlight=False, soft_wrap=True)
    else:
        print(line, file=sys.stderr, flush=True)
