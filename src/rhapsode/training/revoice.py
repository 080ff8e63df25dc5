"""Other ways to say the same: speech turned into a whisper, and into song.

The envelope of the short-time spectrum, which the mouth makes, is kept; what the throat gives is replaced: noise for a
whisper, a held note with vibrato for song, stretched in time as singers do.
"""

import numpy as np
from scipy.signal import ShortTimeFFT, butter, sosfilt
from scipy.signal.windows import hann

from rhapsode.media.waveform import SAMPLE_RATE

_FRAME, _HOP = 512, 128
#: Cepstral coefficients that make the envelope; more would show the pitch of high voices.
_KEPT = 36


def _transform() -> ShortTimeFFT:
    return ShortTimeFFT(hann(_FRAME, sym=False), _HOP, SAMPLE_RATE)


def envelopes(samples: np.ndarray) -> np.ndarray:
    """Smooth the short-time spectrum over frequency, by its cepstrum: (N,) -> (257, T), linear amplitude."""
    magnitude = np.log(np.abs(_transform().stft(samples.astype(np.float64))) + 1e-7)
    cepstrum = np.fft.irfft(magnitude, axis=0)
    cepstrum[_KEPT : len(cepstrum) - _KEPT + 1] = 0
    return np.asarray(np.exp(np.fft.rfft(cepstrum, axis=0).real))


def whispered(samples: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Whisper what is spoken.

    Vowels lose their fundamental and most of what lies near it, and become softer than consonants.

    Args:
        samples: (N,) float32 speech at 16 kHz.
        rng: makes the noise.

    Returns:
        (N,) float32, of the same root mean square.
    """
    shape = envelopes(samples)
    frequency = np.linspace(0, SAMPLE_RATE / 2, len(shape))[:, None]
    tilt = np.maximum(frequency, 60) / 1000
    shape = shape * np.minimum(tilt, 2.5) ** rng.uniform(0.5, 2.0)
    sound = _excited(rng.standard_normal(len(samples)), shape, len(samples))
    sound = sosfilt(butter(2, rng.uniform(200, 900), "high", fs=SAMPLE_RATE, output="sos"), sound)
    return _as_loud(sound, samples)


def sung(samples: np.ndarray, stretch: float, rng: np.random.Generator) -> np.ndarray:
    """Sing what is spoken, on notes of a made-up melody; consonants without voice stay noise.

    Args:
        samples: (N,) float32 speech at 16 kHz.
        stretch: by how much longer it becomes.
        rng: makes melody and noise.

    Returns:
        (round(N stretch),) float32, of the same root mean square.
    """
    count = round(len(samples) * stretch)
    shape = envelopes(samples)
    frames = -(-count // _HOP) + 8
    place = np.minimum(np.arange(frames) / stretch, shape.shape[1] - 1.001)
    left, share = place.astype(int), place % 1
    shape = shape[:, left] * (1 - share) + shape[:, left + 1] * share
    low, high = (shape[3:48] ** 2).sum(0), (shape[96:] ** 2).sum(0)  # 100 to 1500 Hz, and above 3000
    voiced = np.clip(np.log10((low + 1e-12) / (high + 1e-12)) + 0.5, 0, 1)
    throat = _excited(_notes(count, rng), shape * voiced, count)
    hiss = _excited(rng.standard_normal(count), shape * (1 - voiced), count)
    return _as_loud(throat + hiss, samples)


def _notes(count: int, rng: np.random.Generator) -> np.ndarray:
    """Make pulses at the pitches of a melody: flat spectrum, power 1."""
    pitch, place, note = np.empty(count), 0, rng.uniform(45, 69)  # MIDI: 110 to 440 Hz
    middle = note
    while place < count:
        length = round(rng.uniform(0.2, 1.5) * SAMPLE_RATE)
        pitch[place : place + length] = note
        place, note = place + length, middle + rng.choice([-5, -4, -2, 0, 2, 3, 5, 7])
    time = np.arange(count) / SAMPLE_RATE
    pitch = np.convolve(np.pad(pitch, 400, "edge"), np.full(801, 1 / 801), "valid")
    pitch = pitch + rng.uniform(0.1, 0.6) * np.sin(2 * np.pi * rng.uniform(4.8, 6.5) * time)
    frequency = 440 * 2 ** ((pitch - 69) / 12)
    phase = np.cumsum(frequency / SAMPLE_RATE)
    pulses = np.zeros(count)
    places = np.flatnonzero(np.diff(np.floor(phase), prepend=0))
    pulses[places] = np.sqrt(SAMPLE_RATE / frequency[places])
    return pulses


def _excited(excitation: np.ndarray, shape: np.ndarray, count: int) -> np.ndarray:
    """Give a flat sound the envelopes of another."""
    transform = _transform()
    spectrum = transform.stft(excitation)
    frames = min(spectrum.shape[1], shape.shape[1])
    spectrum[:, :frames] *= shape[:, :frames] / np.sqrt((hann(_FRAME, sym=False) ** 2).sum())
    spectrum[:, frames:] = 0
    return np.asarray(transform.istft(spectrum, k1=count))


def _as_loud(sound: np.ndarray, as_this: np.ndarray) -> np.ndarray:
    power = float(np.mean(sound**2)) + 1e-12
    return (sound * np.sqrt(float(np.mean(as_this.astype(np.float64) ** 2)) / power)).astype(np.float32)
