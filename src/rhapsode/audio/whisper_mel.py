"""Whisper's log-mel spectrum, 100 frames a second, of a sound that may still be arriving.

Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision" (2022), sect. 2.2. Whisper's floor is 80 dB
under the loudest band of its 30 seconds, which is not known while they arrive; here the floor is fixed, 80 dB under the
loudest band of speech at `agc.TARGET_LUFS`. Two frames belong to each feature of the encoder.
"""

from functools import lru_cache

import numpy as np

from rhapsode.audio.mel import hertz_to_mel, mel_to_hertz
from rhapsode.media.waveform import SAMPLE_RATE

BANDS = 80
HOP = 160
"""Samples between two frames."""
WINDOW = 400
"""Length of the window and of the transform, samples; frame k is centred on sample `HOP` k."""
FEATURE_RATE = 50
"""Features of the encoder a second, two frames each."""
CEILING = 1.1
"""Decimal logarithm of the power of the loudest band of speech at the target loudness (median over clips)."""
SILENCE = (CEILING - 8.0 + 4.0) / 4.0
"""Value of the spectrum in silence."""

_HALF = WINDOW // 2
_BLOCK = 4096  # frames a transform


def feature_frames(n_samples: int) -> int:
    """Count the features (1/50 s) that cover a sound of `n_samples` at 16 kHz: at least 1."""
    return max(1, -(-n_samples * FEATURE_RATE // SAMPLE_RATE))


def whisper_mel(samples: np.ndarray) -> np.ndarray:
    """Compute the log-mel spectrum of a whole sound, with silence beyond its ends.

    Args:
        samples: (N,) float32 in [-1, 1] at 16 kHz, at the target loudness.

    Returns:
        (2T, 80) float32, T = `feature_frames(N)`; no value below `SILENCE`.
    """
    stream = WhisperMelStream()
    return np.concatenate([stream.push(samples), stream.end()])


class WhisperMelStream:
    """Compute the spectrum of a sound that arrives piece by piece, as `whisper_mel` does of a whole one."""

    def __init__(self) -> None:
        self._stretch = np.zeros(_HALF, np.float32)  # from the first sample of the next frame on
        self._arrived = 0
        self._frame = 0

    def push(self, samples: np.ndarray) -> np.ndarray:
        """Take samples, (N,) float32 at 16 kHz; give the frames that they complete, (M, 80)."""
        self._stretch = np.concatenate([self._stretch, samples.astype(np.float32, copy=False)])
        self._arrived += len(samples)
        return self._next(max(len(self._stretch) - WINDOW, -HOP) // HOP + 1)

    def end(self) -> np.ndarray:
        """Give the frames that are left once the sound is over, (M, 80)."""
        left = 2 * feature_frames(self._arrived) - self._frame
        missing = (left - 1) * HOP + WINDOW - len(self._stretch)
        self._stretch = np.concatenate([self._stretch, np.zeros(max(missing, 0), np.float32)])
        return self._next(left)

    def _next(self, count: int) -> np.ndarray:
        mel = np.empty((count, BANDS), np.float32)
        for first in range(0, count, _BLOCK):
            last = min(first + _BLOCK, count)
            mel[first:last] = _frames(self._stretch[first * HOP : (last - 1) * HOP + WINDOW])
        self._stretch = self._stretch[count * HOP :]
        self._frame += count
        return mel


def _frames(stretch: np.ndarray) -> np.ndarray:
    """Compute the frames of a stretch of sound that begins with the first window and ends with the last."""
    from scipy.fft import rfft

    count, step = (len(stretch) - WINDOW) // HOP + 1, stretch.itemsize
    # A view, made at once: `sliding_window_view` takes longer than the transform of one frame.
    windows = np.ndarray((count, WINDOW), stretch.dtype, stretch, 0, (HOP * step, step)) * _window()
    spectrum = rfft(windows, axis=1, overwrite_x=True)
    power = spectrum.real**2 + spectrum.imag**2
    log_power = np.log10(np.maximum(power @ whisper_filter_bank().T, 1e-10))
    mel: np.ndarray = (np.maximum(log_power, CEILING - 8.0) + 4.0) / 4.0
    return mel


@lru_cache(maxsize=1)
def whisper_filter_bank() -> np.ndarray:
    """Make the triangular filters from 0 to 8000 Hz, Slaney's scale and normalisation, (80, 201) float32, read-only."""
    edges = mel_to_hertz(np.linspace(0.0, hertz_to_mel(SAMPLE_RATE / 2), BANDS + 2))
    bins = np.linspace(0, SAMPLE_RATE / 2, WINDOW // 2 + 1)
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    triangles = np.maximum(0, np.minimum((bins - low) / (middle - low), (high - bins) / (high - middle)))
    bank: np.ndarray = (triangles * (2 / (high - low))).astype(np.float32)
    bank.flags.writeable = False
    return bank


@lru_cache(maxsize=1)
def _window() -> np.ndarray:
    """Periodic Hann window, (400,) float32, read-only."""
    window = np.hanning(WINDOW + 1)[:-1].astype(np.float32)
    window.flags.writeable = False
    return window
