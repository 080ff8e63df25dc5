"""Work spread over processes, any of which may die without harm to the rest."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from itertools import islice
from multiprocessing import get_context
from typing import TypeVar

from pebble import ProcessExpired, ProcessPool
from threadpoolctl import threadpool_limits

Item = TypeVar("Item")
Result = TypeVar("Result")


class ProcessDied(Exception):  # noqa: N818 (a result that is told apart from others, never raised)
    """Stand in for the result of an item whose process died: a crash in native code, or killed for its memory."""


def map_in_processes(
    work: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Iterator[tuple[Item, Result | ProcessDied]]:
    """Do `work` on every item, in several processes side by side, each with one thread of linear algebra.

    Args:
        work: a function that another process can import.
        items: what to work on; asked for one at a time, as a process becomes free.
        workers: number of processes.

    Yields:
        Each item with its result as it is done, or with a `ProcessDied`.

    Raises:
        Exception: whatever `work` raises; the other processes are ended.
    """
    waiting = iter(items)
    running: dict[Future[Result], Item] = {}
    # Spawned: a fork would inherit the tracker's native threads in an unusable state.
    pool = ProcessPool(max_workers=workers, context=get_context("spawn"), initializer=_use_one_thread)
    try:
        while True:
            running |= {pool.schedule(work, args=[item]): item for item in islice(waiting, workers - len(running))}
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                item = running.pop(future)
                try:
                    result: Result | ProcessDied = future.result()
                except ProcessExpired as death:
                    result = ProcessDied(str(death))
                yield item, result
    finally:
        pool.stop()
        pool.join()


def _use_one_thread() -> None:
    # As many processes as cores: more threads would only get in each other's way.
    threadpool_limits(1, user_api="blas")
