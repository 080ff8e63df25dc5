"""Work spread over processes, any of which may die without harm to the rest."""

import signal
from collections.abc import Callable, Iterable, Iterator
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Generic, TypeVar, cast

Item = TypeVar("Item")
Result = TypeVar("Result")


def map_in_processes(
    work: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Iterator[tuple[Item, Result | None]]:
    """Do `work` on every item, in several processes side by side.

    Args:
        work: a function that another process can import.
        items: what to work on; asked for one at a time, as a process becomes free.
        workers: number of processes.

    Yields:
        Each item with its result as it is done, or with None where its process died of it (a crash in native code,
        or killed for the memory it took).

    Raises:
        Exception: whatever `work` raises; the other processes are ended.
    """
    waiting = iter(items)
    busy: dict[Connection, _Worker[Item, Result]] = {}
    idle = [_Worker(work) for _ in range(workers)]
    try:
        while True:
            for item in waiting:
                worker = idle.pop() if idle else _Worker(work)
                worker.start(item)
                busy[worker.pipe] = worker
                if len(busy) == workers:
                    break
            if not busy:
                return
            for pipe in wait(list(busy)):
                worker = busy.pop(cast(Connection, pipe))
                result = worker.result()
                if result is not None:
                    idle.append(worker)
                yield worker.item, result
    finally:
        for worker in [*busy.values(), *idle]:
            worker.end()


class _Worker(Generic[Item, Result]):
    """A process that does one item after another, and ends when this process does."""

    item: Item

    def __init__(self, work: Callable[[Item], Result]) -> None:
        # Spawned: a fork would inherit the tracker's native threads in an unusable state.
        context = get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self._process: SpawnProcess = context.Process(target=_serve, args=(work, theirs), daemon=True)
        self._process.start()
        # With its other end held by the process alone, the pipe breaks when either side dies.
        theirs.close()

    def start(self, item: Item) -> None:
        self.item = item
        self.pipe.send(item)

    def result(self) -> Result | None:
        """The result of the item that was started, None if the process has died."""
        try:
            result, error = self.pipe.recv()
        except (EOFError, OSError):
            self.end()
            return None
        if error is not None:
            self.end()
            raise error
        return cast(Result, result)

    def end(self) -> None:
        self.pipe.close()
        self._process.terminate()
        self._process.join()


def _serve(work: Callable[[Item], Result], pipe: Connection) -> None:
    # Ctrl-C reaches every process of a terminal; the one that started this one decides.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        try:
            item = pipe.recv()
        except (EOFError, OSError):
            return
        try:
            answer: tuple[Result | None, Exception | None] = (work(item), None)
        except Exception as error:
            answer = (None, error)
        try:
            pipe.send(answer)
        except OSError:
            return
