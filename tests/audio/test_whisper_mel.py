import numpy as np
import pytest

from rhapsode.audio.whisper_mel import SILENCE, WhisperMelStream, feature_frames, whisper_filter_bank, whisper_mel


def _noise(count: int) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 0.1, count).astype(np.float32)


@pytest.mark.parametrize("count", [1, 319, 320, 321, 5000])
def test_two_frames_cover_every_feature(count: int) -> None:
    assert whisper_mel(_noise(count)).shape == (2 * feature_frames(count), 80)


def test_the_spectrum_of_pieces_is_that_of_the_whole() -> None:
    samples, stream = _noise(5000), WhisperMelStream()
    pieces = [stream.push(samples[first : first + 37]) for first in range(0, 5000, 37)]
    np.testing.assert_allclose(np.concatenate([*pieces, stream.end()]), whisper_mel(samples), atol=1e-5)


def test_silence_has_the_floor_as_its_value() -> None:
    np.testing.assert_array_equal(whisper_mel(np.zeros(3200, np.float32)), np.float32(SILENCE))


def test_the_filters_are_those_of_librosa() -> None:
    filters = pytest.importorskip("librosa.filters", reason="librosa is not installed")
    np.testing.assert_allclose(whisper_filter_bank(), filters.mel(sr=16000, n_fft=400, n_mels=80), atol=1e-6)
