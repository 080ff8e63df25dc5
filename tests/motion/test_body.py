"""Shoulders that rise with the breath, and a weight that shifts."""

import numpy as np
import pytest

from rhapsode.audio.mel import MOTION_RATE
from rhapsode.motion.body import BodyStream


def moved(stream: BodyStream, voices: np.ndarray) -> np.ndarray:
    """Rotation and translation of the head, and the shoulders, (T, 8)."""
    return np.stack([np.concatenate(stream.next(float(voice))) for voice in voices])


def lifts(body: np.ndarray) -> np.ndarray:
    """How far the shoulders are above where they began, (T,)."""
    return -body[:, 7]


@pytest.fixture(scope="module")
def silence() -> np.ndarray:
    return moved(BodyStream(np.random.default_rng(0)), np.zeros(600 * MOTION_RATE))


def test_in_silence_people_breathe_twelve_to_sixteen_times_a_minute(silence: np.ndarray) -> None:
    high = lifts(silence) > 0.007
    assert 12 <= (high[1:] & ~high[:-1]).sum() / 10 <= 16


def test_breath_is_seen_but_small(silence: np.ndarray) -> None:
    assert 0.012 < lifts(silence).max() < 0.016, "canonical units"
    assert np.abs(np.diff(silence, axis=0)).max() < 1e-3, "a frame"


def test_the_weight_shifts_a_few_times_a_minute(silence: np.ndarray) -> None:
    moves = np.abs(np.diff(silence[:, 6])) > 2e-5
    assert 3 < (moves[1:] & ~moves[:-1]).sum() / 10 < 12
    assert 0.008 < silence[:, 6].std() < 0.02


def test_it_begins_as_the_picture_is(silence: np.ndarray) -> None:
    assert not silence[0].any()


def test_a_speaker_breathes_in_fast_where_words_pause() -> None:
    talk = np.tile(np.repeat([1.0, 0.0], [4 * MOTION_RATE, MOTION_RATE]), 20)
    lifted = lifts(moved(BodyStream(np.random.default_rng(1)), talk))
    rises = (np.diff(lifted, prepend=0) * MOTION_RATE).reshape(-1, 5 * MOTION_RATE)
    assert (rises[2:, 4 * MOTION_RATE :].max(1) > 0.015).all(), "units a second, in each pause"
    assert rises[2:, MOTION_RATE // 2 : 4 * MOTION_RATE].max() < 0.003, "while words last"


def test_gain_zero_is_stillness_and_two_breathes_no_deeper() -> None:
    assert not moved(BodyStream(np.random.default_rng(0), 0), np.zeros(600)).any()
    natural, twice = (moved(BodyStream(np.random.default_rng(0), gain), np.zeros(3000)) for gain in (1, 2))
    assert np.array_equal(lifts(natural), lifts(twice))
    assert np.allclose(twice[:, 6], 2 * natural[:, 6])


def test_a_copy_moves_alike() -> None:
    stream = BodyStream(np.random.default_rng(3))
    moved(stream, np.zeros(500))
    twin = stream.copy()
    assert np.array_equal(moved(stream, np.ones(900)), moved(twin, np.ones(900)))
