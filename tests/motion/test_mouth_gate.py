"""The mouth between words."""

import numpy as np

from rhapsode.audio.mel import MOTION_RATE
from rhapsode.motion.mouth_gate import FADE, HOLD, MouthGate


def _shares(voice: np.ndarray) -> np.ndarray:
    gate = MouthGate()
    return np.array([gate.next(float(one)) for one in voice])


def test_a_mouth_rests_until_a_voice_sounds() -> None:
    voice = np.concatenate([np.zeros(30), np.linspace(0, 1, 8), np.ones(10)])
    np.testing.assert_array_equal(_shares(voice), voice)


def test_a_short_pause_does_not_stop_the_mouth() -> None:
    pause = round(HOLD * MOTION_RATE) - 1
    voice = np.concatenate([np.ones(20), np.zeros(pause), np.ones(20)])
    assert _shares(voice).min() == 1


def test_a_mouth_comes_to_rest_smoothly_in_silence() -> None:
    silence = round((HOLD + FADE) * MOTION_RATE) + 1
    shares = _shares(np.concatenate([np.ones(20), np.zeros(silence)]))
    assert shares[-1] == 0
    assert 0 < -np.diff(shares).min() < 2 / (FADE * MOTION_RATE)
