"""Music made up by a random number generator: no recording, no sample, nothing that anybody owns.

A piece has a tempo, a key, and a few parts: chords, a bass, arpeggios, a lead with vibrato and glides, drums; each part
has its own room, filter and distortion, and the whole is compressed, as recorded music is. What a voice does and an
instrument does not (formants that move) is left out on purpose: a gate has to tell the two apart.
"""

import numpy as np
from scipy.ndimage import uniform_filter1d
from scipy.signal import butter, fftconvolve, sosfilt

from rhapsode.media.waveform import SAMPLE_RATE
from rhapsode.training.instruments import INSTRUMENTS, UNHEARD, Instrument, draw_synthesiser

_SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9), (0, 3, 5, 7, 10))
#: Share of the parts that a synthesiser plays, not an imitated instrument.
_SYNTHETIC = 0.55


def make_music(seconds: float, rng: np.random.Generator, unheard: bool = False) -> np.ndarray:
    """Play a new piece.

    Args:
        seconds: its length.
        rng: draws everything.
        unheard: whether its parts are played by the `UNHEARD` instruments, which no training hears.

    Returns:
        (N,) float32 at 16 kHz, root mean square 0.1.
    """
    count = round(seconds * SAMPLE_RATE)
    beat = round(60 / rng.uniform(55, 170) * SAMPLE_RATE)
    scale, root = _SCALES[rng.integers(len(_SCALES))], rng.uniform(40, 52)  # the key, a MIDI number
    roots = rng.integers(0, 7, 8)

    def tone(degree: int, octave: int) -> float:
        step = scale[degree % len(scale)] + 12 * (degree // len(scale) + octave)
        return float(440 * 2 ** ((root + step - 69) / 12))

    def instrument() -> Instrument:
        if not unheard and rng.random() < _SYNTHETIC:
            return draw_synthesiser(rng)
        known = list((UNHEARD if unheard else INSTRUMENTS).values())
        return known[rng.integers(len(known))]

    def play(part: np.ndarray, played: Instrument, start: int, frequencies: np.ndarray) -> None:
        if start < count:
            note = played(frequencies, rng)[: count - start]
            part[start : start + len(note)] += note * rng.uniform(0.6, 1)

    def chords(part: np.ndarray, played: Instrument) -> None:
        per_bar = int(rng.choice([1, 2, 4]))
        short = rng.uniform(0.3, 1)
        for start in range(0, count, 4 * beat // per_bar):
            degree = int(roots[start // (4 * beat) % len(roots)])
            for third in (0, 2, 4):
                play(part, played, start, np.full(int(short * 4 * beat / per_bar), tone(degree + third, 1)))

    def bass(part: np.ndarray, played: Instrument) -> None:
        for start in range(0, count, beat // int(rng.choice([1, 2]))):
            if rng.random() < 0.8:
                play(part, played, start, np.full(beat // 2, tone(int(roots[start // (4 * beat) % 8]), 0)))

    def arpeggio(part: np.ndarray, played: Instrument) -> None:
        step = beat // int(rng.choice([2, 3, 4]))
        for number, start in enumerate(range(0, count, step)):
            third = (0, 2, 4, 7)[number % 4]
            play(part, played, start, np.full(step, tone(int(roots[start // (4 * beat) % 8]) + third, 1)))

    def lead(part: np.ndarray, played: Instrument) -> None:
        place, degree = 0, int(rng.integers(3, 9))
        while place < count:
            length = int(beat * rng.choice([0.25, 0.5, 1, 1, 2, 3]))
            before, degree = degree, int(np.clip(degree + rng.integers(-3, 4), 0, 14))
            if rng.random() < 0.85:
                play(part, played, place, _sung_pitch(tone(before, 1), tone(degree, 1), length, rng))
            place += length

    def drums(part: np.ndarray, unused: Instrument) -> None:
        for _ in range(int(rng.integers(2, 6))):
            struck = _draw_drum(rng)
            pattern = rng.random(8) < rng.uniform(0.15, 0.8)
            for number, start in enumerate(range(0, count, max(beat // 2, 1))):
                if pattern[number % 8]:
                    part[start : start + len(struck)] += struck[: count - start] * rng.uniform(0.5, 1)

    kinds = [chords, bass, arpeggio, lead, drums]
    alone = rng.random() < 0.15
    chosen = [kinds[rng.integers(4)]] if alone else [kind for kind in [*kinds, lead, arpeggio] if rng.random() < 0.6]
    total = np.zeros(count)
    for kind in chosen or [chords]:
        part = np.zeros(count)
        kind(part, instrument())
        part = _produced(part, rng)
        total += part * 10 ** rng.uniform(-0.6, 0) / max(float(np.sqrt(np.mean(part**2))), 1e-9)
    total = _mastered(total, rng)
    return (0.1 * total / max(float(np.sqrt(np.mean(total**2))), 1e-9)).astype(np.float32)


def _sung_pitch(before: float, after: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """Glide from one note to the next, then vibrate."""
    time = np.arange(count) / SAMPLE_RATE
    glide = np.exp(-time / rng.uniform(0.005, 0.08))
    vibrato = rng.uniform(0, 0.6) * np.minimum(time / 0.3, 1) * np.sin(2 * np.pi * rng.uniform(4.5, 7) * time)
    pitch: np.ndarray = after * (before / after) ** glide * 2 ** (vibrato / 12)
    return pitch


def _draw_drum(rng: np.random.Generator) -> np.ndarray:
    """Draw a drum: noise of some band and a falling tone, both dying away."""
    time = np.arange(int(0.5 * SAMPLE_RATE)) / SAMPLE_RATE
    low = 2 ** rng.uniform(7, 12)
    noise = sosfilt(
        butter(1, (low, min(low * rng.uniform(1.5, 8), 7800)), "band", fs=SAMPLE_RATE, output="sos"),
        rng.standard_normal(len(time)),
    )
    pitch = 2 ** rng.uniform(5.5, 9) * (1 + rng.uniform(0, 4) * np.exp(-time / 0.03))
    tone = np.sin(2 * np.pi * np.cumsum(pitch) / SAMPLE_RATE)
    mixed = rng.random()
    die = (np.exp(-time / 10 ** rng.uniform(-2, -0.7)) for _ in range(2))
    return np.asarray(3 * mixed * noise * next(die) + (1 - mixed) * tone * next(die))


def _produced(part: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Distort, colour and place a part in a room, each only now and then."""
    part = part / max(float(np.abs(part).max()), 1e-9)
    if rng.random() < 0.3:
        part = np.tanh(rng.uniform(1, 12) * part)
    for _ in range(int(rng.integers(0, 4))):
        centre = 2 ** rng.uniform(7, 12.3)
        band = butter(1, (centre * 0.8, centre * 1.25), "band", fs=SAMPLE_RATE, output="sos")
        part = part + rng.uniform(-0.9, 3) * sosfilt(band, part)
    if rng.random() < 0.4:
        time = np.arange(round(0.5 * SAMPLE_RATE)) / SAMPLE_RATE
        tail = rng.standard_normal(len(time)) * np.exp(-time / rng.uniform(0.03, 0.25))
        part = part + rng.uniform(0.2, 1) * fftconvolve(part, tail / np.sqrt(np.sum(tail**2)))[: len(part)]
    return np.asarray(part)


def _mastered(total: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Compress the whole, and tilt its spectrum."""
    power = uniform_filter1d(total**2, round(rng.uniform(0.02, 0.4) * SAMPLE_RATE))
    loud = np.sqrt(np.maximum(power, 0)) + 0.05 * total.std() + 1e-9
    total = total / loud ** rng.uniform(0, 0.8)
    total = total / max(float(np.abs(total).max()), 1e-9)
    total = np.tanh(rng.uniform(0.5, 3) * total)
    edge = 2 ** rng.uniform(9, 12)
    dark = sosfilt(butter(1, edge, fs=SAMPLE_RATE, output="sos"), total)
    return np.asarray(dark + rng.uniform(0.2, 2) * (total - dark))
