"""Frames rendered by several threads at once, given in their order, and never far ahead of whoever takes them.

Frames do not depend on each other. What takes the time (OpenCV, NumPy, ONNX Runtime, x264) releases Python's lock, so
that one frame is painted while the next is drawn and the one before is encoded.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import numpy as np

from rhapsode.motion.timeline import FrameMotion
from rhapsode.render.drawn_face import FacePose
from rhapsode.render.renderer import Renderer

#: Results that wait to be taken: items come in pieces, such as a quarter of a second of motion, and what works on them
#: must not wait for the next.
_WAITING = 4

Item = TypeVar("Item")
Result = TypeVar("Result")


def render_in_order(renderer: Renderer, motion: Iterable[Sequence[FrameMotion]], threads: int) -> Iterator[np.ndarray]:
    """Render frames, (H, W, 3 or 4) uint8 RGB or RGBA each; they are the same for any number of threads.

    Args:
        renderer: draws them.
        motion: what each frame shows of each face; it is asked for a few frames ahead.
        threads: number of threads that render.
    """

    def render(frames: Sequence[FrameMotion]) -> np.ndarray:
        return renderer.render_all([FacePose(*frame.motion.first()) for frame in frames])

    return in_order(render, motion, threads)


def in_order(work: Callable[[Item], Result], items: Iterable[Item], threads: int) -> Iterator[Result]:
    """Give what `work` makes of each item, in the items' order; `threads` work at a time, and `_WAITING` results wait.

    What `work` raises is raised where its result would be given. When the generator is closed, work that has begun is
    awaited, nothing else begins, and no thread is left.
    """
    if threads == 1:
        yield from map(work, items)
        return
    pending: deque[Future[Result]] = deque()
    pool = ThreadPoolExecutor(threads, thread_name_prefix="rhapsode-frames")
    try:
        for item in items:
            pending.append(pool.submit(work, item))
            if len(pending) > threads + _WAITING:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
