"""Sounds in memory."""

import numpy as np
import pytest
from tests.media.test_sound import CLICK_AT, click_time, click_track

from rhapsode.errors import AudioError
from rhapsode.media.waveform import Waveform, resample


def test_resampling_keeps_the_click_in_place() -> None:
    sound = Waveform(click_track(22050, 1)[0], 22050)
    result = resample(sound, 16000)
    assert result.rate == 16000
    assert result.seconds == pytest.approx(sound.seconds, abs=1e-4)
    assert click_time(result) == pytest.approx(CLICK_AT, abs=0.0005)


def test_a_waveform_has_one_channel() -> None:
    with pytest.raises(AudioError, match="one channel"):
        Waveform(np.zeros((2, 10), np.float32), 16000)


def test_samples_that_are_not_finite_floats_are_refused() -> None:
    with pytest.raises(AudioError, match="int16"):
        Waveform(np.zeros(10, np.int16), 16000)
    with pytest.raises(AudioError, match="NaN"):
        Waveform(np.full(10, np.nan, np.float32), 16000)
