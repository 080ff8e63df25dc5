"""A mono sound in memory."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from rhapsode.errors import AudioError

SAMPLE_RATE = 16_000
"""Samples per second of everything that the models read."""


@dataclass(frozen=True)
class Waveform:
    """Hold a mono sound.

    Attributes:
        samples: (N,) float32 in [-1, 1].
        rate: samples per second.

    Raises:
        AudioError: `samples` is not one-dimensional, not of floats, or not finite, or `rate` is not positive.
    """

    samples: np.ndarray
    rate: int

    def __post_init__(self) -> None:
        if self.samples.ndim != 1 or self.rate <= 0:
            raise AudioError(
                f"waveform: samples of shape {self.samples.shape} at {self.rate} Hz, where (N,) and a positive rate "
                "are needed",
                "pass one channel",
                "bad-samples",
            )
        if self.samples.dtype.kind != "f":
            raise AudioError(
                f"waveform: samples are {self.samples.dtype}, not float", "scale them to [-1, 1]", "bad-samples"
            )
        if not np.isfinite(self.samples).all():
            raise AudioError("waveform: samples are not finite (NaN or Inf)", "make the sound anew", "bad-samples")

    @property
    def seconds(self) -> float:
        """Return the length in seconds."""
        return len(self.samples) / self.rate


def resample(waveform: Waveform, rate: int) -> Waveform:
    """Change the rate of a sound; sample 0 stays at time 0.

    Args:
        waveform: the sound.
        rate: samples per second of the result.

    Returns:
        The sound at `rate`, ceil(N * rate / waveform.rate) samples long, clipped to [-1, 1].
    """
    if rate == waveform.rate:
        return waveform
    from scipy.signal import resample_poly

    ratio = Fraction(rate, waveform.rate)
    samples = resample_poly(waveform.samples, ratio.numerator, ratio.denominator)
    return Waveform(samples.astype(np.float32).clip(-1, 1), rate)
