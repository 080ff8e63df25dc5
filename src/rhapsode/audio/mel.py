"""Log-mel frames, two for every motion frame, without drift over any length.

The published method (arXiv 2303.09799) reads an 80-band log-mel spectrum of a 512-point transform with a window of
1/60 s and a hop of 1/120 s. At 16 kHz that hop is 133 1/3 samples, so frames are placed one by one instead of by a
fixed hop: frame k is centred on the sample nearest to k/120 s. Mel frames 2m and 2m + 1 belong to motion frame m.
"""

from functools import lru_cache

import numpy as np

from rhapsode.media.waveform import SAMPLE_RATE

MEL_BANDS = 80
MEL_RATE = 120
"""Mel frames a second."""
MOTION_RATE = 60
"""Motion frames a second."""
FFT_SIZE = 512
WINDOW = 267
"""Window length in samples: 1/60 s to the nearest odd number, so that a sample stands at its middle."""
F_MIN = 50.0
F_MAX = 8000.0
POWER_FLOOR = 1e-6
"""Power under which all is silence: about 80 dB under a full-scale tone, above 16-bit rounding."""
LOG_FLOOR = float(np.log(POWER_FLOOR))
"""Value of `log_mel` in silence."""

_HALF = WINDOW // 2
_BLOCK = 4096  # frames a transform: 8 MB of windows, whatever the length of the sound


def motion_frames(n_samples: int) -> int:
    """Count the motion frames that cover a sound.

    Args:
        n_samples: number of samples at 16 kHz.

    Returns:
        ceil(60 n / 16000), at least 1.
    """
    return max(1, -(-n_samples * MOTION_RATE // SAMPLE_RATE))


def mel_frame_span(k: int) -> tuple[int, int]:
    """Give the samples that mel frame k is made of.

    The span is centred on sample round(400 k / 3). Frame k can be made once the sound has arrived up to 133
    samples (8.3 ms) after its centre; samples before 0 and after the end count as 0.

    Args:
        k: index of the frame, at 120 frames a second.

    Returns:
        First and last sample at 16 kHz, both included; the first is negative for frame 0.
    """
    centre = (400 * k + 1) // 3  # exact in integers; 400 k / 3 never lies half-way between samples
    return centre - _HALF, centre + _HALF


def log_mel(samples: np.ndarray) -> np.ndarray:
    """Compute the log-mel spectrum of a sound.

    Power spectrum of a Hann window, through triangular filters on Slaney's mel scale with Slaney's
    normalisation (as in librosa), natural logarithm with a floor.

    Args:
        samples: (N,) float32 in [-1, 1] at 16 kHz.

    Returns:
        (2T, 80) float32, T = `motion_frames(N)`; no value below `LOG_FLOOR`.

    Raises:
        ValueError: `samples` is not one-dimensional.
    """
    if samples.ndim != 1:
        raise ValueError(f"log_mel needs samples of shape (N,), not {samples.shape}")
    count = 2 * motion_frames(len(samples))
    mel = np.empty((count, MEL_BANDS), np.float32)
    for first in range(0, count, _BLOCK):
        last = min(first + _BLOCK, count)
        begin, end = mel_frame_span(first)[0], mel_frame_span(last - 1)[1] + 1
        # Only this block's stretch of sound is copied, with zeros where it reaches beyond the ends.
        stretch = np.zeros(end - begin, np.float32)
        inside = samples[max(begin, 0) : max(end, 0)]
        stretch[max(-begin, 0) : max(-begin, 0) + len(inside)] = inside
        mel[first:last] = _frames(stretch, begin, first, last)
    return mel


class MelStream:
    """Compute the log-mel spectrum of a sound that arrives piece by piece, as `log_mel` does of a whole one."""

    def __init__(self) -> None:
        self._stretch = np.zeros(_HALF, np.float32)  # what frames to come are made of
        self._begin = -_HALF  # number of its first sample
        self._arrived = 0
        self._frame = 0

    def push(self, samples: np.ndarray) -> np.ndarray:
        """Take samples, (N,) float32 at 16 kHz; give the frames that they complete, (2M, 80), in pairs."""
        self._stretch = np.concatenate([self._stretch, samples])
        self._arrived += len(samples)
        last = self._frame
        while mel_frame_span(last + 1)[1] < self._arrived:
            last += 2
        return self._until(last)

    def end(self) -> np.ndarray:
        """Give the frames that are left once the sound is over, (2M, 80)."""
        last = 2 * motion_frames(self._arrived)
        missing = mel_frame_span(last - 1)[1] + 1 - self._arrived
        self._stretch = np.concatenate([self._stretch, np.zeros(max(missing, 0), np.float32)])
        return self._until(last)

    def _until(self, last: int) -> np.ndarray:
        first, self._frame = self._frame, last
        if first == last:
            return np.empty((0, MEL_BANDS), np.float32)
        mel = _frames(self._stretch, self._begin, first, last)
        begin = mel_frame_span(last)[0]
        self._stretch, self._begin = self._stretch[begin - self._begin :], begin
        return mel


def _frames(stretch: np.ndarray, begin: int, first: int, last: int) -> np.ndarray:
    """Compute frames first to last - 1 of a stretch of sound whose first sample has the number `begin`."""
    from scipy.fft import rfft

    starts = (400 * np.arange(first, last) + 1) // 3 - _HALF - begin
    windows = stretch[starts[:, None] + np.arange(WINDOW)] * _window()
    spectrum = rfft(windows, FFT_SIZE, axis=1, overwrite_x=True)
    power = spectrum.real**2 + spectrum.imag**2
    return np.log(np.maximum(power @ mel_filter_bank().T, POWER_FLOOR)).astype(np.float32)


@lru_cache(maxsize=1)
def mel_filter_bank() -> np.ndarray:
    """Make the triangular filters between `F_MIN` and `F_MAX`.

    Slaney's scale (Auditory Toolbox, 1998): linear up to 1 kHz, logarithmic above; every filter is divided by
    half its width in hertz, so that all pass the same energy of white noise.

    Returns:
        (80, 257) float32, read-only: weights of the bins of a 512-point transform at 16 kHz.
    """
    edges = mel_to_hertz(np.linspace(hertz_to_mel(F_MIN), hertz_to_mel(F_MAX), MEL_BANDS + 2))
    bins = np.linspace(0, SAMPLE_RATE / 2, FFT_SIZE // 2 + 1)
    low, middle, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    rising = (bins - low) / (middle - low)
    falling = (high - bins) / (high - middle)
    triangles = np.maximum(0, np.minimum(rising, falling))
    bank: np.ndarray = (triangles * (2 / (high - low))).astype(np.float32)
    bank.flags.writeable = False
    return bank


@lru_cache(maxsize=1)
def _window() -> np.ndarray:
    """Symmetric Hann window, (267,) float32, read-only; its middle sample is 1."""
    window = np.hanning(WINDOW).astype(np.float32)
    window.flags.writeable = False
    return window


_LINEAR_STEP = 200 / 3  # hertz a mel, below the break
_BREAK_HERTZ = 1000.0
_BREAK_MEL = _BREAK_HERTZ / _LINEAR_STEP
_LOG_STEP = float(np.log(6.4)) / 27  # above it 27 mels span a factor of 6.4


def hertz_to_mel(hertz: float) -> float:
    """Convert a frequency to Slaney's mel scale."""
    if hertz < _BREAK_HERTZ:
        return hertz / _LINEAR_STEP
    return _BREAK_MEL + float(np.log(hertz / _BREAK_HERTZ)) / _LOG_STEP


def mel_to_hertz(mel: np.ndarray) -> np.ndarray:
    """Convert values on Slaney's mel scale, of any shape, to hertz."""
    above = _BREAK_HERTZ * np.exp(_LOG_STEP * (np.maximum(mel, _BREAK_MEL) - _BREAK_MEL))
    hertz: np.ndarray = np.where(mel < _BREAK_MEL, mel * _LINEAR_STEP, above)
    return hertz
