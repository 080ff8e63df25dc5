"""Frames made side by side come in order, bounded, with their errors, and leave no thread behind."""

import threading
import time

import numpy as np
import pytest

from rhapsode.animator import Animator
from rhapsode.errors import OptionsError
from rhapsode.frames import in_order
from rhapsode.media.waveform import Waveform


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_results_come_in_the_order_of_the_items(threads: int) -> None:
    def work(number: int) -> int:
        time.sleep(0.002 * (number % 3))
        return number * number

    assert list(in_order(work, range(20), threads)) == [n * n for n in range(20)]


def test_nothing_is_made_far_ahead() -> None:
    begun: list[int] = []
    results = in_order(begun.append, range(100), 2)
    next(results)
    time.sleep(0.05)
    assert len(begun) <= 7


def test_an_error_comes_where_its_result_would_and_ends_the_threads() -> None:
    def work(number: int) -> float:
        return 1 / (number - 3)

    before = threading.active_count()
    results = in_order(work, range(9), 2)
    assert [next(results) for _ in range(3)] == [-1 / 3, -1 / 2, -1]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert threading.active_count() == before


def test_who_asks_for_no_more_leaves_no_thread() -> None:
    before = threading.active_count()
    results = in_order(str, range(9), 2)
    next(results)
    assert threading.active_count() > before
    results.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before


def test_frames_are_equal_by_any_number_of_threads(
    animator: Animator, astronaut: np.ndarray, sentence: Waveform
) -> None:
    sound = Waveform(sentence.samples[: sentence.rate], sentence.rate)
    picture = np.ascontiguousarray(astronaut[:256, 96:352])
    alone, by_three = (
        list(Animator(animator.speech, animator.head, animator.picture, threads).animate(picture, sound))
        for threads in (1, 3)
    )
    assert len(alone) == len(by_three) == 25
    assert all(np.array_equal(a, b) for a, b in zip(alone, by_three, strict=True))


def test_no_threads_at_all_are_refused() -> None:
    with pytest.raises(OptionsError, match="threads=0"):
        Animator.from_pretrained(threads=0)
