"""Linear algebra that leaves the rest of the process alone."""

import os
import subprocess
import sys

import numpy as np
import pytest

from rhapsode.animator import Animator
from rhapsode.compute import SingleThreadedMatrix, peak_rss_mb, single_threaded_matmul
from rhapsode.media.waveform import Waveform

threadpoolctl = pytest.importorskip("threadpoolctl")


def blas_threads() -> set[int]:
    return {one["num_threads"] for one in threadpoolctl.threadpool_info() if one["user_api"] == "blas"}


@pytest.mark.parametrize("shape", [(1152, 384), (576, 192), (384, 160), (192, 960), (32, 192), (204, 32), (7, 3)])
def test_a_product_with_a_vector_is_numpys_own_to_the_bit(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    matrix, vector = rng.standard_normal(shape).astype(np.float32), rng.standard_normal(shape[1]).astype(np.float32)
    with threadpoolctl.threadpool_limits(1, "blas"):
        whole = matrix @ vector
    assert np.array_equal(SingleThreadedMatrix(matrix) @ vector, whole)


@pytest.mark.parametrize("rows", [1, 1900, 2000, 5001])
def test_so_is_a_product_of_two_matrices(rows: int) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((rows, 68)).astype(np.float32), rng.standard_normal((68, 2)).astype(np.float32)
    with threadpoolctl.threadpool_limits(1, "blas"):
        whole = a @ b
    assert np.array_equal(single_threaded_matmul(a, b), whole)


_ALONE = """
import time
import numpy as np
from rhapsode.compute import SingleThreadedMatrix, single_threaded_matmul
ones = np.ones((2000, 384), np.float32)
matrix, wide, vector, pair = SingleThreadedMatrix(ones), ones[:, :68], ones[0].copy(), np.ones((68, 2), np.float32)
time.sleep(1)  # threads of OpenBLAS spin for a while when they start, whatever is asked of them
process, thread = time.process_time(), time.thread_time()
for _ in range(2000):
    matrix @ vector
    single_threaded_matmul(wide, pair)
thread = time.thread_time() - thread
print((time.process_time() - process - thread) / thread)
"""


def test_no_other_thread_takes_part() -> None:
    surroundings = os.environ | dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"), "2")
    ran = subprocess.run([sys.executable, "-c", _ALONE], capture_output=True, text=True, check=True, env=surroundings)
    assert float(ran.stdout) < 0.1


def test_sessions_and_videos_leave_the_threads_of_the_process_as_they_are(
    animator: Animator, astronaut: np.ndarray
) -> None:
    portrait = animator.load_portrait(astronaut[:256, 96:352])
    sound = np.zeros(8000, np.float32)
    with threadpoolctl.threadpool_limits(2, "blas"):
        before = blas_threads()
        with animator.start_session(portrait) as session:
            next(session.feed(sound))
            assert blas_threads() == before
        frames = iter(animator.animate(portrait, Waveform(sound, 16000)))
        next(frames)
        assert blas_threads() == before


def test_memory_is_told_where_the_system_tells_it_and_is_no_reason_to_fail_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert 10 < peak_rss_mb() < 100_000
    monkeypatch.setitem(sys.modules, "resource", None)
    assert np.isnan(peak_rss_mb())
