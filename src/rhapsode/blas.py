"""NumPy's linear algebra held to one thread while frames are made.

OpenBLAS wakes a thread for each processor even for a product that takes five microseconds, and lets them spin for
milliseconds after it, on the very cores that draw: 72 frames a second become 62 on two cores.
"""

import threading
from types import TracebackType
from typing import Any

from threadpoolctl import ThreadpoolController


class SingleThreadedBlas:
    """Within it, in all threads of the process, linear algebra takes one thread; any number may be entered at once."""

    # Re-entrant, since sessions may be collected, and leave, at any moment.
    _lock = threading.RLock()
    _inside = 0
    _limits: Any = None

    def __enter__(self) -> "SingleThreadedBlas":
        cls = SingleThreadedBlas
        with cls._lock:
            cls._inside += 1
            if cls._inside == 1:
                cls._limits = ThreadpoolController().limit(limits=1, user_api="blas")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        cls = SingleThreadedBlas
        with cls._lock:
            cls._inside -= 1
            if not cls._inside:
                cls._limits.restore_original_limits()
