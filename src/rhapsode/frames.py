"""Frames made side by side: several are drawn and painted at once, given in their order, and never far ahead.

Frames do not depend on each other, and what takes the time (OpenCV, NumPy, ONNX Runtime, x264) lets other threads of
Python run, so that one frame is painted while the next is drawn and the one before is encoded.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from rhapsode.blas import SingleThreadedBlas
from rhapsode.motion.timeline import FrameMotion
from rhapsode.render.renderer import Renderer

Item = TypeVar("Item")
Made = TypeVar("Made")


def render_in_order(renderer: Renderer, motion: Iterable[FrameMotion], threads: int) -> Iterator[np.ndarray]:
    """The frames that show motion, (H, W, 3) uint8 RGB each; they are the same by any number of threads.

    Args:
        renderer: draws them.
        motion: of the portrait, asked for a few frames ahead.
        threads: that make them.
    """
    with SingleThreadedBlas():
        yield from in_order(lambda frame: renderer.render(*frame.motion.first()), motion, threads)


def in_order(work: Callable[[Item], Made], items: Iterable[Item], threads: int) -> Iterator[Made]:
    """What `work` makes of each item, in the items' order; `threads` are at work, and as many results wait at most.

    What is raised by `work` is raised where its result would be given. When the generator is closed, by an error or by
    whoever asks for no more, what has begun is awaited, nothing else begins, and no thread is left.
    """
    if threads == 1:
        yield from map(work, items)
        return
    pending: deque[Future[Made]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="rhapsode-frames")
    try:
        for item in items:
            pending.append(pool.submit(work, item))
            if len(pending) > threads:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
