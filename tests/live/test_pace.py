"""A session that is fed faster than it can be watched is held back to real time, after a lead."""

import pytest
from tests.live.clock import Clock

from rhapsode.live.pace import Pace


def test_a_session_in_real_time_never_waits() -> None:
    clock = Clock()
    pace = Pace(5.0, clock)
    for frame in range(250):
        clock.now = 100 + frame / 25
        assert pace.wait(frame / 25) == 0


def test_one_that_has_its_sound_at_once_waits_after_the_lead() -> None:
    pace = Pace(5.0, Clock())
    assert [pace.wait(at) for at in (0, 4, 5)] == [0, 0, 0]
    assert pace.wait(7.0) == pytest.approx(2.0)


def test_a_pause_gives_no_more_lead_than_the_beginning() -> None:
    clock = Clock()
    pace = Pace(5.0, clock)
    assert pace.wait(5.0) == 0
    clock.now += 60  # no sound came
    assert pace.wait(5.1) == 0
    assert pace.wait(11.1) == pytest.approx(1.0)


def test_after_an_interruption_it_goes_on_from_there() -> None:
    clock = Clock()
    pace = Pace(5.0, clock)
    assert pace.wait(5.0) == 0
    clock.now += 1
    assert pace.wait(1.0) == 0
