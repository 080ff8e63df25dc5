import numpy as np
import pytest

from rhapsode.face.geometry import mean_face
from rhapsode.metrics.landmarks import lmd
from rhapsode.metrics.mouth import opening_correlation, opening_spread_ratio, sound_lag


def _speaking(opened: np.ndarray) -> np.ndarray:
    face = np.broadcast_to(mean_face(), (len(opened), 68, 3)).copy()
    face[:, 66, 1] += opened
    return face


@pytest.fixture
def opened() -> np.ndarray:
    curve = np.convolve(np.random.default_rng(0).random(400), np.hanning(12), mode="same")
    return curve / curve.max() * 0.2


def test_a_mouth_compared_with_itself_is_perfect(opened: np.ndarray) -> None:
    face = _speaking(opened)
    assert opening_correlation(face, face) == pytest.approx(1)
    assert opening_spread_ratio(face, face) == pytest.approx(1)
    assert lmd(face, face) == 0


def test_half_the_motion_has_half_the_spread_and_the_same_correlation(opened: np.ndarray) -> None:
    real, half = _speaking(opened), _speaking(opened / 2)
    assert opening_correlation(half, real) == pytest.approx(1, abs=1e-3)
    assert opening_spread_ratio(half, real) == pytest.approx(0.5, abs=0.01)
    assert lmd(half, real) == pytest.approx(opened.mean() / 2 / 20, rel=1e-3)


@pytest.mark.parametrize("late", [-9, 0, 6])
def test_late_sound_is_found(opened: np.ndarray, late: int) -> None:
    real = _speaking(opened)
    generated = _speaking(np.roll(opened, late))
    lag, sync_confidence = sound_lag(generated[30:-30], real[30:-30], fps=60)
    assert lag == pytest.approx(late / 60)
    assert sync_confidence > 0.99


def test_a_mouth_that_does_not_move_follows_nothing(opened: np.ndarray) -> None:
    real, still = _speaking(opened), _speaking(0 * opened)
    assert np.isnan(opening_correlation(still, real))
    assert np.isnan(sound_lag(still, real, fps=60)).all()
    assert opening_spread_ratio(still, real) == pytest.approx(0)
