"""Log-mel frames: librosa's values, 120 exact frames a second, little memory."""

import tracemalloc

import numpy as np
import pytest
from librosa.feature import melspectrogram
from librosa.filters import mel as librosa_mel

from rhapsode.audio.mel import (
    F_MAX,
    F_MIN,
    FFT_SIZE,
    LOG_FLOOR,
    MEL_BANDS,
    POWER_FLOOR,
    WINDOW,
    MelStream,
    log_mel,
    mel_filter_bank,
    mel_frame_span,
    motion_frames,
)


def noise(n: int, seed: int = 0) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(n)).astype(np.float32)


def test_the_filter_bank_is_librosas() -> None:
    expected = librosa_mel(sr=16000, n_fft=FFT_SIZE, n_mels=MEL_BANDS, fmin=F_MIN, fmax=F_MAX)
    np.testing.assert_allclose(mel_filter_bank(), expected, atol=1e-7)


def test_no_filter_is_empty() -> None:
    assert (mel_filter_bank() > 0).any(axis=1).all()


def test_every_third_frame_is_librosas_frame_at_a_hop_of_400() -> None:
    samples = noise(16000)
    window = np.zeros(FFT_SIZE)
    window[FFT_SIZE // 2 - WINDOW // 2 : FFT_SIZE // 2 + WINDOW // 2 + 1] = np.hanning(WINDOW)
    power = melspectrogram(
        y=samples, sr=16000, n_fft=FFT_SIZE, hop_length=400, window=window, n_mels=MEL_BANDS,
        fmin=F_MIN, fmax=F_MAX, pad_mode="constant",
    )  # fmt: skip
    expected = np.log(np.maximum(power.T, POWER_FLOOR))
    np.testing.assert_allclose(log_mel(samples)[::3], expected[:40], atol=1e-3)


def test_frames_between_are_centred_on_the_nearest_sample() -> None:
    samples = noise(4000)
    # Frame 3 is centred on sample 400, frames 4 and 5 on 533 and 667.
    for shift, frame in [(133, 4), (267, 5)]:
        np.testing.assert_allclose(log_mel(samples[shift:])[3], log_mel(samples)[frame], atol=1e-5)
    for k in range(1000):
        first, last = mel_frame_span(k)
        assert last - first + 1 == WINDOW
        assert (first + last) // 2 == round(k * 400 / 3)


@pytest.mark.parametrize(
    ("n", "frames"), [(0, 1), (1, 1), (266, 1), (267, 2), (800, 3), (801, 4), (16000, 60), (9_600_000, 36000)]
)
def test_motion_frames_cover_the_sound(n: int, frames: int) -> None:
    assert motion_frames(n) == frames
    if n < 100_000:
        assert log_mel(np.zeros(n, np.float32)).shape == (2 * frames, 80)


def test_a_click_after_ten_minutes_falls_on_its_frame_with_little_memory() -> None:
    seconds = [0, 1, 299, 599]
    samples = np.zeros(600 * 16000, np.float32)
    samples[[16000 * s for s in seconds]] = 1
    tracemalloc.start()
    mel = log_mel(samples)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert mel.shape == (72000, 80)
    assert mel.dtype == np.float32
    assert peak - mel.nbytes < 100e6
    energy = mel.mean(axis=1)
    for s in seconds:
        window = slice(max(0, 120 * s - 5), 120 * s + 6)
        assert window.start + int(np.argmax(energy[window])) == 120 * s


def test_blocks_join_without_a_seam() -> None:
    samples = noise(16000 * 40)
    whole = log_mel(samples)
    tail = log_mel(samples[400 * 1350 :])  # frame 4050 of the whole is frame 0 of the tail
    np.testing.assert_allclose(whole[4052:4800], tail[2:], atol=1e-5)


def test_silence_is_the_floor() -> None:
    np.testing.assert_allclose(log_mel(np.zeros(1000, np.float32)), LOG_FLOOR)


def test_two_channels_are_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(N,\)"):
        log_mel(np.zeros((2, 100), np.float32))


@pytest.mark.parametrize("piece", [1, 160, 640, 1601])
def test_a_stream_gives_the_frames_of_the_whole_in_pairs_and_as_soon_as_it_can(piece: int) -> None:
    samples = np.random.default_rng(0).normal(size=4321).astype(np.float32) * 0.1
    stream, parts = MelStream(), []
    for first in range(0, len(samples), piece):
        parts.append(stream.push(samples[first : first + piece]))
        arrived = min(first + piece, len(samples))
        made = sum(map(len, parts))
        assert made % 2 == 0 and mel_frame_span(made + 1)[1] >= arrived
    whole = log_mel(samples)
    parts.append(stream.end())
    assert sum(map(len, parts)) == len(whole)
    assert np.abs(np.concatenate(parts) - whole).max() < 1e-4


def test_a_stream_that_never_got_a_sample_ends_in_a_silent_frame() -> None:
    assert np.array_equal(MelStream().end(), log_mel(np.zeros(0, np.float32)))
