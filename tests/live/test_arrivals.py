"""When sound arrived is known by the session's time, and the stream's clock goes on where that stands still."""

from fractions import Fraction

from tests.live.clock import Clock

from rhapsode.live.arrivals import Arrivals


def test_a_time_is_found_in_the_piece_that_held_it() -> None:
    clock = Clock()
    arrivals = Arrivals(1000, clock)
    for second in range(3):
        clock.now = 100 + second
        arrivals.heard(500)  # half a second of sound, once a second
    assert [arrivals.moment(Fraction(at, 10)) for at in (0, 4, 5, 9, 14)] == [100, 100, 101, 101, 102]


def test_a_time_of_which_no_sound_came_is_now() -> None:
    clock = Clock()
    assert Arrivals(1000, clock).moment(Fraction(0)) == 100


def test_after_an_interruption_the_stream_goes_on_by_the_time_that_passed() -> None:
    clock = Clock()
    arrivals = Arrivals(1000, clock)
    arrivals.heard(2000)
    assert arrivals.stream_time(Fraction(3, 2)) == 1.5
    arrivals.interrupted(Fraction(2))
    clock.now = 107.0  # nothing was said for a while
    arrivals.heard(1000)
    assert arrivals.stream_time(Fraction(2)) == 7.0 and arrivals.stream_time(Fraction(5, 2)) == 7.5
    assert arrivals.stream_time(Fraction(3, 2)) == 1.5  # a frame that was on its way
    assert arrivals.moment(Fraction(5, 2)) == 107.0
