"""Cores, threads and memory of this process."""

import os
import platform
import sys
from pathlib import Path

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
