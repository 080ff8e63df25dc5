"""Recordings are brought to one loudness."""

import numpy as np
import pytest

from rhapsode.data.loudness import normalise_loudness
from rhapsode.media.waveform import Waveform


@pytest.mark.parametrize("level", [0.003, 0.03, 0.3])
@pytest.mark.parametrize("seconds", [0.05, 3.0])
def test_loudness_comes_to_one_level_whatever_the_length(level: float, seconds: float) -> None:
    import pyloudnorm

    noise = np.random.default_rng(1).uniform(-level, level, round(16000 * seconds)).astype(np.float32)
    result = normalise_loudness(Waveform(noise, 16000))
    assert len(result.samples) == len(noise)
    meter = pyloudnorm.Meter(16000)
    measured = meter.integrated_loudness(np.resize(result.samples, 48000).astype(np.float64))
    assert measured == pytest.approx(-23, abs=0.7)


def test_silence_stays_silence() -> None:
    for silence in (np.zeros(16000, np.float32), np.zeros(0, np.float32), np.full(16000, 1e-6, np.float32)):
        np.testing.assert_array_equal(normalise_loudness(Waveform(silence, 16000)).samples, silence)


def test_gain_stops_at_40_db_and_where_the_peak_reaches_full_scale() -> None:
    faint = 4e-4 * np.random.default_rng(2).standard_normal(32000).clip(-3, 3).astype(np.float32)
    lifted = normalise_loudness(Waveform(faint, 16000))
    assert np.abs(lifted.samples).max() / np.abs(faint).max() == pytest.approx(100, rel=1e-3)
    spiky = np.full(32000, 0, np.float32)
    spiky[::4000] = 0.5
    assert np.abs(normalise_loudness(Waveform(spiky, 16000), target_lufs=-5).samples).max() <= 1
