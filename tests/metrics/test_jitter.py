import numpy as np
import pytest

from rhapsode.metrics.jitter import jitter, jitter_ratio

RATE = 60


def _mouth(frequency: float, size: float) -> np.ndarray:
    """(T, 20, 3) landmarks that rise and fall."""
    motion = np.zeros((240, 20, 3))
    motion[..., 1] = size * np.sin(2 * np.pi * frequency * np.arange(240) / RATE)[:, None]
    return motion


def _noise(size: float) -> np.ndarray:
    return size * np.random.default_rng(0).standard_normal((240, 20, 3))


def test_speech_is_no_jitter_and_its_tremble_is() -> None:
    speech = _mouth(4.0, 0.1)
    assert jitter(speech, RATE) < 0.01 * 0.1
    assert jitter(speech + _noise(0.005), RATE) > 0.005


def test_livelier_speech_does_not_jitter_more() -> None:
    calm, lively = _mouth(3.0, 0.05) + _noise(0.002), _mouth(5.0, 0.15) + _noise(0.002)
    assert jitter(lively, RATE) == pytest.approx(jitter(calm, RATE), rel=0.1)


def test_twice_the_tremble_is_twice_the_jitter() -> None:
    assert jitter_ratio(_noise(0.02), _noise(0.01), RATE) == pytest.approx(2)


def test_a_still_face_has_none() -> None:
    assert jitter(np.ones((60, 68, 3)), RATE) == pytest.approx(0, abs=1e-9)


def test_the_rate_of_the_film_does_not_matter() -> None:
    slow = _mouth(10.0, 0.1)
    assert jitter(slow[::2], RATE / 2) == pytest.approx(jitter(slow, RATE), rel=0.15)
