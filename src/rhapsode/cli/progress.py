"""How far the work is, on stderr: bars on a terminal, elsewhere a line now and then."""

import contextlib
import sys
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rhapsode.cli.terminal import print_status, stderr_console

if TYPE_CHECKING:
    import rich.progress


class ProgressDisplay:
    """Show how far stages are; it is itself a `rhapsode.progress.Progress`, to be handed on to long functions.

    A stage that ends early, by an error or an interrupt, stays as far as it came.
    """

    def __init__(self, shown: bool) -> None:
        """Prepare a display; nothing appears unless `shown`."""
        self._shown = shown
        self._bars: rich.progress.Progress | None = None
        self._tasks: dict[str, rich.progress.TaskID] = {}
        self._began: dict[str, float] = {}
        self._quarters: dict[str, int] = {}
        self._held: list[str] = []
        if shown and sys.stderr.isatty():
            from rich.progress import (
                BarColumn,
                MofNCompleteColumn,
                Progress,
                TextColumn,
                TimeElapsedColumn,
                TimeRemainingColumn,
            )

            columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
            self._bars = Progress(TextColumn("{task.description:<20}"), *columns, console=stderr_console())

    def __enter__(self) -> "ProgressDisplay":
        if self._bars is not None:
            self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars is not None:
            self._bars.stop()

    def __call__(self, stage: str, done: int, total: int, /) -> None:
        """Show how far a stage is; arguments as in `rhapsode.progress.Progress`."""
        if not self._shown:
            return
        if self._bars is None:
            self._print(stage, done, total)
        elif stage not in self._tasks:
            self._tasks[stage] = self._bars.add_task(stage, completed=done, total=total or None)
        else:
            self._bars.update(self._tasks[stage], completed=done, total=total or None)

    @contextlib.contextmanager
    def step(self, stage: str) -> Iterator[None]:
        """Show a stage that cannot be divided while its block runs."""
        self(stage, 0, 1)
        yield
        self(stage, 1, 1)

    def _print(self, stage: str, done: int, total: int) -> None:
        """Print a line for each quarter of a stage. Undivided ones are held back, so that an error stands alone."""
        began = self._began.setdefault(stage, time.perf_counter())
        if total == 1 and done:
            self._held.append(f"rhapsode: {stage}: {time.perf_counter() - began:.1f} s")
        if total > 1:
            for line in self._held:
                print_status(line)
            self._held.clear()
            quarter = 4 * done // total
            if quarter > self._quarters.get(stage, 0):
                print_status(f"rhapsode: {stage}: {done} of {total}")
            self._quarters[stage] = quarter
