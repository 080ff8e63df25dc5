"""Linear algebra takes one thread while frames are made, and as many as before afterwards."""

import gc

import numpy as np
from threadpoolctl import threadpool_info, threadpool_limits

from rhapsode.animator import Animator
from rhapsode.blas import SingleThreadedBlas
from rhapsode.media.waveform import Waveform


def blas_threads() -> set[int]:
    return {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}


def test_it_is_one_thread_until_the_last_has_left() -> None:
    with threadpool_limits(2, "blas"):
        before = blas_threads()
        with SingleThreadedBlas():
            with SingleThreadedBlas():
                assert blas_threads() == {1}
            assert blas_threads() == {1}
        assert blas_threads() == before


def test_a_session_and_a_video_give_the_threads_back(animator: Animator, astronaut: np.ndarray) -> None:
    picture = astronaut[:256, 96:352]
    with threadpool_limits(2, "blas"):
        before = blas_threads()
        with animator.start_session(picture) as session:
            session.feed(np.zeros(100, np.float32))
            assert blas_threads() == {1}
            session.close()
        assert blas_threads() == before
        frames = iter(animator.animate(picture, Waveform(np.zeros(3000, np.float32), 16000)))
        next(frames)
        assert blas_threads() == {1}
        frames.close()  # type: ignore[attr-defined]
        assert blas_threads() == before


def test_a_session_that_is_forgotten_gives_them_back_too(animator: Animator, astronaut: np.ndarray) -> None:
    with threadpool_limits(2, "blas"):
        before = blas_threads()
        session = animator.start_session(astronaut[:256, 96:352])
        assert blas_threads() == {1}
        del session
        gc.collect()
        assert blas_threads() == before
