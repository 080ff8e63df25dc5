"""Backgrounds other than music, and what happens to a sound on its way, for `gate_scenes`."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from scipy.signal import butter, fftconvolve, sosfilt

from rhapsode.media.waveform import SAMPLE_RATE


def make_noise(colour: str, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Make noise, (N,) float32: `white`, `pink`, `brown`, `hum`, `breath` (bursts) or `clicks`."""
    count = round(seconds * SAMPLE_RATE)
    white = rng.standard_normal(count)
    time = np.arange(count) / SAMPLE_RATE
    if colour in ("pink", "brown"):
        spectrum = np.fft.rfft(white)
        power = 0.5 if colour == "pink" else 1.0
        spectrum /= np.maximum(np.arange(len(spectrum)), 20 * seconds) ** power
        white = np.fft.irfft(spectrum, count)
    elif colour == "hum":
        mains = rng.choice([50.0, 60.0])
        white = 0.02 * white + sum(
            rng.random() / n * np.sin(2 * np.pi * n * mains * time + n) for n in range(1, 12)
        )  # fmt: skip
    elif colour == "breath":
        low = rng.uniform(200, 1200)
        band = butter(1, (low, low * rng.uniform(2, 5)), "band", fs=SAMPLE_RATE, output="sos")
        rate = rng.uniform(0.2, 0.6)
        white = sosfilt(band, white) * np.maximum(np.sin(2 * np.pi * rate * time + rng.uniform(0, 6)), 0) ** 2
    elif colour == "clicks":
        struck = np.where(rng.random(count) < rng.uniform(1, 8) / SAMPLE_RATE, rng.uniform(-1, 1, count), 0)
        ring = np.exp(-time[:1600] / rng.uniform(0.002, 0.02)) * rng.standard_normal(1600)
        white = 0.003 * white + 5 * fftconvolve(struck, ring)[:count]
    return (0.1 * white / max(float(np.sqrt(np.mean(white**2))), 1e-9)).astype(np.float32)


NOISES = ("white", "pink", "brown", "hum", "breath", "clicks")


def babble(recordings: Sequence[np.ndarray], seconds: float, rng: np.random.Generator) -> np.ndarray:
    """Let many people talk at once, so that none can be followed: (N,) float32, root mean square 0.1."""
    count = round(seconds * SAMPLE_RATE)
    total = np.zeros(count)
    for recording in recordings:
        loud = max(float(np.sqrt(np.mean(recording**2))), 1e-5)
        total += np.roll(np.resize(recording, count), rng.integers(count)) / loud * 10 ** rng.uniform(-0.15, 0.15)
    return (0.1 * total / max(float(np.sqrt(np.mean(total**2))), 1e-9)).astype(np.float32)


def _telephone(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    band = butter(4, (rng.uniform(200, 400), rng.uniform(3000, 3800)), "band", fs=SAMPLE_RATE, output="sos")
    return np.asarray(sosfilt(band, samples))


def _clipped(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    limit = np.quantile(np.abs(samples), rng.uniform(0.9, 0.99)) + 1e-4
    return np.clip(samples, -limit, limit)


def _quiet(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Turn it down as far as a poor microphone does, and add that microphone's noise, 16 bits."""
    samples = samples * 10 ** (rng.uniform(-45, -15) / 20) + rng.standard_normal(len(samples)) * 1e-4
    return np.round(samples * 32768) / 32768


def _room(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    time = np.arange(round(0.6 * SAMPLE_RATE)) / SAMPLE_RATE
    tail = rng.standard_normal(len(time)) * np.exp(-6.9 * time / rng.uniform(0.2, 0.7))
    tail *= rng.uniform(0.2, 0.8) / np.sqrt(np.sum(tail**2))
    tail[0] = 1
    return np.asarray(fftconvolve(samples, tail)[: len(samples)])


CHANNELS: Mapping[str, Callable[[np.ndarray, np.random.Generator], np.ndarray]] = {
    "telephone": _telephone, "clipped": _clipped, "quiet": _quiet, "room": _room,
}  # fmt: skip
"""What may happen to a sound on its way."""
