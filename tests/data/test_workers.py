"""Work spread over processes; kept apart so that they import nothing heavy."""

import os
import signal

import pytest

from rhapsode.data.workers import ProcessDied, map_in_processes


def dies_of_three(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number**2


def fails_of_three(number: int) -> float:
    return 1 / (number - 3)


def finds_nothing(number: int) -> None:
    return None


def test_an_item_that_kills_its_process_does_not_stop_the_others() -> None:
    results = dict(map_in_processes(dies_of_three, range(6), workers=2))
    assert isinstance(results.pop(3), ProcessDied)
    assert results == {0: 0, 1: 1, 2: 4, 4: 16, 5: 25}


def test_a_result_of_none_is_not_taken_for_a_death() -> None:
    assert dict(map_in_processes(finds_nothing, range(3), workers=2)) == {0: None, 1: None, 2: None}


def test_an_error_of_the_work_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        list(map_in_processes(fails_of_three, range(6), workers=2))


def test_items_are_asked_for_as_processes_become_free() -> None:
    waiting = iter(range(4, 1_000_000))
    results = map_in_processes(fails_of_three, waiting, workers=2)
    assert next(iter(results))[0] in (4, 5)
    assert next(waiting) == 6
