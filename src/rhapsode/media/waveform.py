"""A mono sound in memory."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from rhapsode.errors import AudioError

SAMPLE_RATE = 16_000
"""Samples per second of everything that the models read."""

#: From here on samples are not a loud sound, but whole numbers that were stored as floats.
_FAR_BEYOND = 64.0


@dataclass(frozen=True)
class Waveform:
    """Hold a mono sound.

    Attributes:
        samples: (N,) float32 in [-1, 1].
        rate: samples per second.

    Raises:
        AudioError: `samples` is not one-dimensional, not of floats, not finite or far beyond [-1, 1], or `rate` is not
            positive.
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
        check_scale(self.samples, "waveform")

    @property
    def seconds(self) -> float:
        """Return the length in seconds."""
        return len(self.samples) / self.rate


def check_scale(samples: np.ndarray, name: str) -> None:
    """Refuse samples that are no sound, of any shape.

    Args:
        samples: floats, nominally in [-1, 1].
        name: of what holds them, for the message.

    Raises:
        AudioError: they are not finite, or so far beyond [-1, 1] that they mean something else.
    """
    if not np.isfinite(samples).all():
        raise AudioError(f"{name}: samples are not finite (NaN or Inf)", "make the sound anew", "bad-samples")
    if samples.size and (peak := float(np.abs(samples).max())) >= _FAR_BEYOND:
        raise AudioError(f"{name}: samples reach {peak:.0f} times full scale", "scale them to [-1, 1]", "bad-samples")


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
