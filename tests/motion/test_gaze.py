"""Eyes that rest and jump, keep what they look at, and look away in pauses."""

import numpy as np
import pytest

from rhapsode.audio.mel import MOTION_RATE
from rhapsode.motion.gaze import GazeStream

#: Three seconds of voice and two of silence, ten minutes long.
TALK = np.tile(np.repeat([1.0, 0.0], [3 * MOTION_RATE, 2 * MOTION_RATE]), 120)
STILL = np.zeros(3)


def look(stream: GazeStream, voices: np.ndarray) -> np.ndarray:
    """Where the eyes of a still head look, (T, 2), degrees."""
    return np.degrees([stream.next(float(voice), STILL)[0] for voice in voices])


@pytest.fixture(scope="module")
def gaze() -> np.ndarray:
    return look(GazeStream(np.random.default_rng(0)), TALK)


def test_a_speaker_looks_near_the_viewer_and_away_in_some_pauses(gaze: np.ndarray) -> None:
    size = np.linalg.norm(gaze, axis=1).reshape(-1, 5 * MOTION_RATE)
    assert size[:, MOTION_RATE // 2 : 3 * MOTION_RATE].max() < 3.1
    away = size[:, 3 * MOTION_RATE :].max(1) > 3.9
    assert 0.35 < away.mean() < 0.75
    assert size.max() < 9.1


def test_eyes_rest_most_of_the_time_and_jump_between(gaze: np.ndarray) -> None:
    speed = np.linalg.norm(np.diff(gaze, axis=0), axis=1) * MOTION_RATE
    assert 0.02 < (speed > 5).mean() < 0.15
    begins = np.flatnonzero((speed[1:] > 5) & (speed[:-1] <= 5))
    assert 0.5 < np.diff(begins).mean() / MOTION_RATE < 1.5, "seconds between jumps"


def test_who_listens_meets_the_eyes_nearly_always() -> None:
    size = np.linalg.norm(look(GazeStream(np.random.default_rng(1)), np.zeros(300 * MOTION_RATE)), axis=1)
    assert 0.02 < (size > 3.1).mean() < 0.15


def test_gaze_starts_where_the_picture_looks(gaze: np.ndarray) -> None:
    assert not gaze[0].any()


def test_eyes_turn_back_by_what_the_head_turns() -> None:
    head = np.array([0.05, -0.1, 0.02])
    for gain, kept in ((2.0, 1.0), (1.0, 1.0), (0.5, 0.5)):
        turned, still = (GazeStream(np.random.default_rng(0), gain).next(0.0, one)[0] for one in (head, STILL))
        assert np.allclose(turned - still, kept * np.array([-0.1, -0.05]))


def test_gain_zero_turns_the_eyes_with_the_head() -> None:
    stream = GazeStream(np.random.default_rng(0), 0)
    assert not any(stream.next(voice, np.ones(3))[0].any() for voice in TALK[:600])


def test_a_copy_looks_alike() -> None:
    stream = GazeStream(np.random.default_rng(4))
    look(stream, TALK[:100])
    twin = stream.copy()
    assert np.array_equal(look(stream, TALK[100:900]), look(twin, TALK[100:900]))


def test_a_blink_goes_with_some_looks_away() -> None:
    from rhapsode.motion.blinks import BlinkStream

    began = []
    for seed in range(200):
        blinks = BlinkStream(np.random.default_rng(seed))
        blinks.close(1)
        blinks.hasten()
        began.append(blinks.close(6).any())
    assert 0.15 < np.mean(began) < 0.4
    never = BlinkStream(np.random.default_rng(0), rate=0)
    never.hasten()
    assert not never.close(600).any()
