"""Cores, threads and memory of this process, and linear algebra that stays on the thread that asks for it.

OpenBLAS hands a product of more than a few thousand numbers to a thread for each core, even one that takes 5
microseconds, and lets these threads spin for milliseconds on the cores that render frames: 72 frames a second become 62
on two cores. How many threads it takes can only be set for the whole process, which belongs to others too. Products
that are cut into blocks of rows below its limits stay on the calling thread, and give the same numbers to the bit.
"""

import os
import platform
import sys
from pathlib import Path

import numpy as np

#: OpenBLAS computes smaller products on the calling thread: matrix by vector, multiplications (interface/gemv.c: 2304
#: GEMM_MULTITHREAD_THRESHOLD), and matrix by matrix (interface/gemm.c: SMP_THRESHOLD_MIN GEMM_MULTITHREAD_THRESHOLD).
_SMALL_GEMV, _SMALL_GEMM = 9216, 262144
#: Its kernels take rows by so many together; blocks of a multiple of these add up in the same order as the whole.
_GEMV_ROWS, _GEMM_ROWS = 4, 16
#: More frame threads than this wait for one another: part of the drawing is Python's own work.
_MOST_FRAME_THREADS = 4


def cpu_count() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def default_threads() -> int:
    """Count the threads that render frames fastest here: one a core, at most 4."""
    return min(cpu_count(), _MOST_FRAME_THREADS)


def cpu_name() -> str:
    """Give the model name of the processor."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def peak_rss_mb() -> float:
    """Give the most memory that this process has held so far, in MB (10^6 bytes); NaN on Windows."""
    try:
        import resource
    except ImportError:  # Windows
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


class SingleThreadedMatrix:
    """A matrix whose products with vectors are computed on the calling thread."""

    def __init__(self, matrix: np.ndarray) -> None:
        """Cut a matrix into blocks of rows; one in C order is not copied.

        Args:
            matrix: (M, N) float32.
        """
        rows, columns = matrix.shape
        sizes = [n for n in range(1, min(rows, (_SMALL_GEMV - 1) // columns) + 1) if rows % n == 0]
        best = max([n for n in sizes if n % _GEMV_ROWS == 0] or sizes or [1])
        self._rows = rows
        self._blocks = np.ascontiguousarray(matrix).reshape(-1, best, columns)

    def __matmul__(self, vector: np.ndarray) -> np.ndarray:
        """Multiply by a vector: (N,) float32 -> (M,) float32."""
        product: np.ndarray = np.matmul(self._blocks, vector).reshape(self._rows)
        return product


def single_threaded_matmul(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Multiply two matrices on the calling thread: (M, K) by (K, N) -> (M, N), N at least 2."""
    rows = max(_GEMM_ROWS, _SMALL_GEMM // (a.shape[1] * b.shape[1]) // _GEMM_ROWS * _GEMM_ROWS)
    if len(a) <= rows:
        return a @ b
    return np.concatenate([a[first : first + rows] @ b for first in range(0, len(a), rows)])
