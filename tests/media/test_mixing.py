"""Several sounds at once are their sum, as long as the longest, at a rate and with channels that hold them all."""

import wave
from pathlib import Path

import numpy as np
import pytest

from rhapsode.media.formats import H264
from rhapsode.media.mixing import open_mixture
from rhapsode.media.waveform import Waveform


def tone(hertz: float, seconds: float, level: float, rate: int = 16_000) -> Waveform:
    times = np.arange(round(seconds * rate)) / rate
    return Waveform((level * np.sin(2 * np.pi * hertz * times)).astype(np.float32), rate)


def mixed(*sounds: Path | Waveform) -> tuple[int, np.ndarray]:
    opened = open_mixture([(one, 0) for one in sounds], H264.rates)
    return opened.rate, np.concatenate(list(opened.blocks), axis=1)


def test_a_mixture_is_the_sum_and_goes_on_until_the_longest_ends() -> None:
    high, low = tone(500, 0.5, 0.3), tone(200, 0.8, 0.2)
    rate, samples = mixed(high, low)
    assert rate == 16_000 and samples.shape == (1, 12_800)
    np.testing.assert_allclose(samples[0, :8000], high.samples + low.samples[:8000], atol=1e-6)
    np.testing.assert_allclose(samples[0, 8000:], low.samples[8000:], atol=1e-6)


def test_a_single_sound_is_left_as_it_is() -> None:
    loud = tone(200, 0.2, 1.0)
    np.testing.assert_array_equal(mixed(loud)[1][0], loud.samples)


def test_a_loud_mixture_is_bent_and_never_clipped() -> None:
    _, (samples,) = mixed(tone(200, 0.2, 0.9), tone(200, 0.2, 0.9))
    assert 0.95 < np.abs(samples).max() <= 1
    assert (np.abs(samples) > 0.999).mean() < 0.6
    quiet = np.abs(tone(200, 0.2, 1.8).samples) < 0.9
    np.testing.assert_allclose(samples[quiet], tone(200, 0.2, 1.8).samples[quiet], atol=1e-5)


@pytest.mark.parametrize("rate", [8000, 48_000])
def test_sounds_of_other_rates_and_channels_are_brought_together(tmp_path: Path, rate: int) -> None:
    path = tmp_path / "stereo.wav"
    right = tone(300, 0.5, 0.4, rate).samples
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, rate, 0, "NONE", ""))
        file.writeframes(np.rint(32767 * np.stack([0 * right, right], -1)).astype("<i2").tobytes())
    found, samples = mixed(path, tone(100, 0.3, 0.2))
    assert found == max(rate, 16_000)
    assert samples.shape[0] == 2 and samples.shape[1] / found == pytest.approx(0.5, abs=0.01)
    end = samples[:, round(0.35 * found) : round(0.45 * found)]
    assert np.abs(end[0]).max() < 0.01 and np.abs(end[1]).max() == pytest.approx(0.4, abs=0.02)
