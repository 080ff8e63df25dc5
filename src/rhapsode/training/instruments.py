"""Instruments that play made-up music: synthesised, no recording among them."""

from collections.abc import Callable, Mapping

import numpy as np
from scipy.signal import butter, lfilter, sosfilt

from rhapsode.media.waveform import SAMPLE_RATE

#: An instrument plays frequencies (N,), one for each sample of a note, in hertz.
Instrument = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def draw_synthesiser(rng: np.random.Generator) -> Instrument:
    """Draw the settings of a synthesiser: waveform, detuned oscillators, a filter that moves, envelope, drive."""
    wave = str(rng.choice(["saw", "square", "sine", "modulated"]))
    detune = 1 + rng.uniform(0, 0.012) * rng.uniform(-1, 1, rng.integers(1, 4))
    ratio, index = rng.choice([0.5, 1, 1.5, 2, 3, 4, 7.1]), rng.uniform(0.5, 6)
    low, high = np.sort(2 ** rng.uniform(7.5, 12.3, 2))  # 180 to 5000 Hz
    order, sweep = int(rng.integers(1, 3)), rng.uniform(0.03, 1.0)
    kind = str(rng.choice(["lowpass", "bandpass"], p=[0.75, 0.25]))
    attack, decay, held = 10 ** rng.uniform(-3, -0.7), 10 ** rng.uniform(-1.2, 0.5), rng.uniform(0, 1)
    shake, rate, drive, hiss = rng.uniform(0, 0.5), rng.uniform(2, 9), rng.uniform(0, 4), 10 ** rng.uniform(-3, -0.9)

    def filtered(sound: np.ndarray, edge: float) -> np.ndarray:
        edges = min(edge, 7000) if kind == "lowpass" else (edge * 0.7, min(edge * 1.4, 7500))
        return np.asarray(sosfilt(butter(order, edges, kind, fs=SAMPLE_RATE, output="sos"), sound))

    def play(frequencies: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        time = np.arange(len(frequencies)) / SAMPLE_RATE
        sound = hiss * rng.standard_normal(len(time))
        for each in detune:
            phase = _phase(frequencies * each) + rng.uniform(0, 6)
            turn = (phase / (2 * np.pi)) % 1
            if wave == "saw":
                sound += 2 * turn - 1
            elif wave == "square":
                sound += np.sign(turn - 0.5)
            elif wave == "sine":
                sound += np.sin(phase) + 0.2 * np.sin(2 * phase)
            else:
                sound += np.sin(phase + index * np.exp(-time / decay) * np.sin(ratio * phase))
        opens = np.exp(-time / sweep)
        sound = opens * filtered(sound, high) + (1 - opens) * filtered(sound, low)
        level = held + (1 - held) * np.exp(-time / decay)
        sound *= level * (1 - shake * (0.5 + 0.5 * np.sin(2 * np.pi * rate * time)))
        return np.asarray(np.tanh((0.3 + drive) * sound) * _envelope(len(time), attack, 0.03))

    return play


def _phase(frequencies: np.ndarray) -> np.ndarray:
    return np.asarray(np.cumsum(2 * np.pi * frequencies / SAMPLE_RATE))


def _envelope(count: int, attack: float, release: float) -> np.ndarray:
    time = np.arange(count) / SAMPLE_RATE
    return np.asarray(np.minimum(time / attack, 1) * np.minimum(time[::-1] / release, 1))


def _harmonics(frequencies: np.ndarray, amplitudes: np.ndarray) -> np.ndarray:
    """Add overtones; those above 7.5 kHz are left out."""
    phase, sound = _phase(frequencies), np.zeros(len(frequencies))
    for number, amplitude in enumerate(amplitudes, start=1):
        if amplitude and number * frequencies.max() < 7500:
            sound += amplitude * np.sin(number * phase)
    return sound


def _pad(frequencies: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    amplitudes = 1 / np.arange(1, 9) ** rng.uniform(0.8, 2)
    sound = sum(_harmonics(frequencies * detune, amplitudes) for detune in (1, 1 + rng.uniform(0.002, 0.008)))
    return np.asarray(sound * _envelope(len(frequencies), rng.uniform(0.05, 0.4), 0.2))


def _organ(frequencies: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return _harmonics(frequencies, rng.random(8)) * _envelope(len(frequencies), 0.01, 0.03)


def _pluck(frequencies: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Pluck a string (Karplus and Strong, 1983)."""
    period = max(round(SAMPLE_RATE / float(frequencies[-1])), 4)
    loss = rng.uniform(0.98, 0.998) / 2
    burst = np.zeros(len(frequencies))
    burst[:period] = rng.uniform(-1, 1, period)[: len(burst)]
    back = np.zeros(period + 2)
    back[0], back[period], back[period + 1] = 1, -loss, -loss
    return np.asarray(3 * lfilter([1.0], back, burst)) * _envelope(len(frequencies), 0.001, 0.02)


def _piano(frequencies: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    time, base = np.arange(len(frequencies)) / SAMPLE_RATE, float(frequencies[-1])
    sound = np.zeros(len(time))
    for number in range(1, 12):
        overtone = number * base * np.sqrt(1 + 4e-4 * number**2)
        if overtone < 7500:
            decay = np.exp(-time * number**0.7 / rng.uniform(0.5, 0.9))
            sound += decay * np.sin(2 * np.pi * overtone * time) / number**1.2
    return sound * _envelope(len(time), 0.003, 0.03)


def _bowed(frequencies: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    sound = _harmonics(frequencies, 1 / np.arange(1, 20))
    sound = sosfilt(butter(2, rng.uniform(1500, 5000), fs=SAMPLE_RATE, output="sos"), sound)
    return np.asarray(sound * _envelope(len(frequencies), rng.uniform(0.03, 0.15), 0.05))


def _flute(frequencies: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    breath = sosfilt(
        butter(2, (800, 4000), "band", fs=SAMPLE_RATE, output="sos"), rng.standard_normal(len(frequencies))
    )
    sound = _harmonics(frequencies, np.array([1, rng.uniform(0.1, 0.5), 0.1, 0.05])) + rng.uniform(0, 0.3) * breath
    return np.asarray(sound * _envelope(len(frequencies), 0.05, 0.05))


def _brass(frequencies: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    soft = _harmonics(frequencies, 1 / np.arange(1, 6) ** 2)
    bright = _harmonics(frequencies, 1 / np.arange(1, 16) ** 0.7)
    swell = _envelope(len(frequencies), rng.uniform(0.04, 0.25), 0.08)
    return soft * swell + 0.6 * bright * swell**3


def _bell(frequencies: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Frequency modulation (Chowning, 1973)."""
    time = np.arange(len(frequencies)) / SAMPLE_RATE
    decay = np.exp(-time / rng.uniform(0.2, 1.2))
    ratio = rng.choice([1, 1.41, 2, 3.5])
    phase = _phase(frequencies)
    return np.asarray(decay * np.sin(phase + rng.uniform(0.5, 5) * decay * np.sin(ratio * phase)))


def _swept(frequencies: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A sawtooth through a filter that opens and closes: the nearest that an instrument comes to a vowel."""
    sound = _harmonics(frequencies, 1 / np.arange(1, 24))
    dark = sosfilt(butter(2, rng.uniform(300, 900), fs=SAMPLE_RATE, output="sos"), sound)
    time = np.arange(len(sound)) / SAMPLE_RATE
    sweep = 0.5 + 0.5 * np.sin(2 * np.pi * rng.uniform(0.3, 4) * time + rng.uniform(0, 6))
    return np.asarray((dark + sweep * (sound - dark)) * _envelope(len(sound), 0.02, 0.05))


def _reed(frequencies: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    amplitudes = np.where(np.arange(1, 16) % 2, 1.0, rng.uniform(0.05, 0.3)) / np.arange(1, 16) ** 0.9
    breath = 0.05 * rng.standard_normal(len(frequencies))
    return (_harmonics(frequencies, amplitudes) + breath) * _envelope(len(frequencies), 0.03, 0.04)


def _choir_organ(frequencies: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Many detuned voices of a string machine, with fixed resonances."""
    saws = sum(_harmonics(frequencies * detune, 1 / np.arange(1, 20)) for detune in 1 + rng.uniform(-0.01, 0.01, 3))
    sound = sum(
        sosfilt(butter(1, (centre * 0.9, centre * 1.1), "band", fs=SAMPLE_RATE, output="sos"), saws)
        for centre in (rng.uniform(400, 800), rng.uniform(1000, 1800), 2800)
    )
    return np.asarray(2 * sound * _envelope(len(frequencies), 0.1, 0.15))


INSTRUMENTS: Mapping[str, Instrument] = {
    "pad": _pad, "organ": _organ, "pluck": _pluck, "piano": _piano, "bowed": _bowed, "flute": _flute, "brass": _brass,
    "bell": _bell, "swept": _swept,
}  # fmt: skip
"""Instruments of the pieces that are learnt from."""
UNHEARD: Mapping[str, Instrument] = {"reed": _reed, "choir organ": _choir_organ}
"""Instruments that only evaluation plays."""
