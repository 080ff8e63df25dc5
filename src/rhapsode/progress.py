"""How far a long piece of work has come, and how to stop it."""

from typing import Protocol


class Progress(Protocol):
    """Watch a piece of work. It is called often, in the thread that works, and must return quickly."""

    def __call__(self, stage: str, done: int, total: int, /) -> None:
        """Take note of how far a stage has come.

        Args:
            stage: what is being done, such as `frames`; stages come one after another.
            done: units of this stage that are done.
            total: units in all, an estimate where the end is not known; 0 where nothing is known.

        Raises:
            Cancelled: to stop the work; what it holds is freed, and nothing half-written stays.
        """


def no_progress(stage: str, done: int, total: int) -> None:
    """Watch nothing."""
