"""Sounds with and without a voice to follow, of speech and made-up music and noise, and where the voice is.

Where a voice sounds is told by Silero VAD on the clean, loud recording, before anything is done to it; its edges are
those of the sound's energy.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy.ndimage import binary_closing
from scipy.signal import butter, sosfilt

from rhapsode.audio.mel import MOTION_RATE
from rhapsode.audio.voice_activity import voice_activity
from rhapsode.audio.whisper_mel import FEATURE_RATE, HOP, feature_frames
from rhapsode.data.loudness import normalise_loudness
from rhapsode.media.waveform import SAMPLE_RATE, Waveform
from rhapsode.training.made_up_music import make_music
from rhapsode.training.made_up_noise import CHANNELS, NOISES, babble, make_noise
from rhapsode.training.revoice import sung, whispered

#: Pauses of a voice shorter than this (seconds) belong to it.
PAUSE = 0.25
#: In what is learnt from, pauses as short as this (seconds) are told, and this share of them is made longer.
_SHORT, _LONGER = 0.1, 0.4
#: How far below the loud parts of a voice (dB) its edges lie.
_EDGE_DB = 30.0


@dataclass(frozen=True)
class Scene:
    """A sound, and where a listener hears a voice in it.

    Attributes:
        samples: (N,) float32 in [-1, 1] at 16 kHz.
        voice: (T,) bool, 50 a second, T = `feature_frames(N)`.
        kind: what it is made of, such as `speech + music`.
        snr: of the voice over the rest, dB; NaN for no voice or no rest.
    """

    samples: np.ndarray
    voice: np.ndarray
    kind: str
    snr: float = float("nan")


def where_spoken(samples: np.ndarray, pause: float = PAUSE) -> np.ndarray:
    """Tell where a voice sounds in a clean recording: (N,) float32 at 16 kHz -> (T,) bool, 50 a second.

    Args:
        samples: the recording.
        pause: seconds; shorter ones belong to the voice.
    """
    count = feature_frames(len(samples))
    padded = np.pad(samples, (SAMPLE_RATE // 2, SAMPLE_RATE // 2))
    # Normalised as a whole: gain control overdrives a loud beginning, which Silero then hears late.
    envelope = voice_activity(normalise_loudness(Waveform(padded, SAMPLE_RATE)).samples)
    moments = (np.arange(count) / FEATURE_RATE + 0.5) * MOTION_RATE
    near = np.interp(moments, np.arange(len(envelope)), envelope) > 0
    heard = sosfilt(butter(2, 150, "high", fs=SAMPLE_RATE, output="sos"), samples.astype(np.float64))
    power = np.pad(heard**2, (HOP, 3 * HOP))
    loudness = 10 * np.log10(power[: count * 2 * HOP].reshape(count, -1).mean(1) + 1e-10)
    if not near.any():
        return near
    loud, floor = np.percentile(loudness[near], 90), np.percentile(loudness, 5)
    sounds = near & (loudness > max(loud - _EDGE_DB, min(floor + 8, loud - 12)))
    bridge = np.ones(2 * round(pause * FEATURE_RATE / 2) + 1, bool)
    closed: np.ndarray = binary_closing(np.pad(sounds, len(bridge)), bridge)[len(bridge) : -len(bridge)]
    return closed & near


def speak(
    recordings: Sequence[np.ndarray],
    seconds: float,
    manner: str,
    rng: np.random.Generator,
    pause: float = PAUSE,
    pausing: float = 0.0,
) -> Scene:
    """Let a voice come and go.

    Args:
        recordings: of one person, (N,) float32 at 16 kHz each; as many of them as fit are taken.
        seconds: length of the scene.
        manner: `speech`, `whisper` or `song`.
        rng: draws pauses, and what the manner needs.
        pause: seconds; shorter pauses belong to the voice.
        pausing: share of the pauses within a recording that become longer.
    """
    count = round(seconds * SAMPLE_RATE)
    samples, voice = np.zeros(count, np.float32), np.zeros(feature_frames(count), bool)
    step = SAMPLE_RATE // FEATURE_RATE
    place = round(rng.uniform(0, 1.5) * FEATURE_RATE)
    for recording in recordings:
        room = count - place * step
        if room < SAMPLE_RATE:
            break
        said = recording[:room]
        spoken = where_spoken(said, pause)
        said, spoken = _paused(said, spoken, pausing, rng)
        said, spoken = said[:room], spoken[: feature_frames(room)]
        loud = said[np.repeat(spoken, step)[: len(said)]]
        said = said * np.float32(0.1 / max(float(np.sqrt(np.mean(loud**2))) if len(loud) else 1.0, 1e-4))
        if manner == "whisper":
            said = whispered(said, rng)
        elif manner == "song":
            stretch = rng.uniform(1, 2.5)
            said = sung(said, stretch, rng)[:room]
            spoken = spoken[(np.arange(feature_frames(len(said))) / stretch).astype(int).clip(0, len(spoken) - 1)]
            # Sung room noise would be a voice.
            said = said * np.convolve(np.repeat(spoken, step)[: len(said)], np.full(640, 1 / 640), "same")
        fade = np.minimum(np.arange(len(said)), np.arange(len(said))[::-1]) / 800
        said = said * np.minimum(fade, 1).astype(np.float32)
        samples[place * step : place * step + len(said)] += said
        voice[place : place + len(spoken)] |= spoken[: len(voice) - place]
        place += len(spoken) + round(rng.uniform(0.4, 3) * FEATURE_RATE)
    # No digital silence between the recordings.
    floor = make_noise("pink", seconds, rng)
    return Scene(samples + floor * np.float32(10 ** (rng.uniform(-70, -30) / 20)), voice, manner)


def _paused(
    said: np.ndarray, spoken: np.ndarray, share: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Lengthen a share of the pauses of a recording, in their middle, by 0.2 to 2.5 s."""
    step, silent = SAMPLE_RATE // FEATURE_RATE, np.flatnonzero(~spoken)
    pauses = [run for run in np.split(silent, np.flatnonzero(np.diff(silent) > 1) + 1) if len(run)]
    within = [run for run in pauses if run[0] > 0 and run[-1] < len(spoken) - 1]
    cuts = [int(run[len(run) // 2]) for run in within if rng.random() < share]
    sounds, voices = [], []
    for first, last in pairwise([0, *cuts, len(spoken)]):
        piece = said[first * step : last * step if last < len(spoken) else len(said)]
        fade = np.minimum(np.arange(len(piece)), np.arange(len(piece))[::-1]) / 160
        longer = round(rng.uniform(0.2, 2.5) * FEATURE_RATE) if last < len(spoken) else 0
        sounds += [piece * np.minimum(fade, 1).astype(np.float32), np.zeros(longer * step, np.float32)]
        voices += [spoken[first:last], np.zeros(longer, bool)]
    return np.concatenate(sounds), np.concatenate(voices)


def place(recording: np.ndarray, seconds: float, kind: str, rng: np.random.Generator) -> Scene:
    """Put one recording of a voice, (N,) float32 at 16 kHz, somewhere into a scene, unchanged but for its level."""
    spoken, step = where_spoken(recording), SAMPLE_RATE // FEATURE_RATE
    said = recording[: round(seconds * SAMPLE_RATE)]
    loud = said[np.repeat(spoken, step)[: len(said)]]
    said = said * np.float32(0.1 / max(float(np.sqrt(np.mean(loud**2))) if len(loud) else 1.0, 1e-4))
    start = int(rng.integers(0, max(round(seconds * FEATURE_RATE) - len(spoken), 0) + 1))
    samples = make_noise("pink", seconds, rng) * np.float32(1e-3)
    samples[start * step : start * step + len(said)] += said[: len(samples) - start * step]
    voice = np.zeros(feature_frames(len(samples)), bool)
    voice[start : start + len(spoken)] = spoken[: len(voice) - start]
    return Scene(samples, voice, kind)


def mix(scene: Scene, rest: np.ndarray, kind: str, snr: float) -> Scene:
    """Add a background: the level of the voice where it sounds is `snr` dB over the background's."""
    step = SAMPLE_RATE // FEATURE_RATE
    speaking = scene.samples[np.repeat(scene.voice, step)[: len(scene.samples)]]
    loud = float(np.sqrt(np.mean(speaking**2))) if len(speaking) else 0.1
    gain = loud / max(float(np.sqrt(np.mean(rest**2))), 1e-6) * 10 ** (-snr / 20)
    samples = scene.samples + np.float32(gain) * rest[: len(scene.samples)]
    return Scene(samples / max(1.0, float(np.abs(samples).max())), scene.voice, f"{scene.kind} + {kind}", snr)


def through(scene: Scene, channel: str, rng: np.random.Generator) -> Scene:
    """Send a scene through one of `CHANNELS`."""
    samples = CHANNELS[channel](scene.samples, rng)
    samples = (samples / max(1.0, float(np.abs(samples).max()))).astype(np.float32)
    return Scene(samples, scene.voice, f"{scene.kind}, {channel}", scene.snr)


def draw_scene(
    people: Sequence[Callable[[np.random.Generator], list[np.ndarray]]], seconds: float, rng: np.random.Generator
) -> Scene:
    """Draw a scene to learn from: mostly a voice, mostly over something else.

    Args:
        people: each gives the recordings of one person, in random order.
        seconds: length of the scene.
        rng: draws everything.
    """
    somebody = people[int(rng.integers(len(people)))]
    manner = str(rng.choice(["speech", "whisper", "song", "nobody"], p=[0.4, 0.14, 0.14, 0.32]))
    scene = Scene(np.zeros(round(seconds * SAMPLE_RATE), np.float32), np.zeros(round(seconds * FEATURE_RATE), bool), "")
    if manner != "nobody":
        scene = speak(somebody(rng), seconds, manner, rng, _SHORT, _LONGER)
    if rng.random() < 0.25:
        scene = through(scene, "room", rng)
    rest = str(rng.choice(["none", "music", "noise", "babble", "both"], p=[0.14, 0.56, 0.12, 0.1, 0.08]))
    if rest in ("music", "both"):
        scene = mix(scene, _now_and_then(make_music(seconds, rng), rng), "music", rng.uniform(-10, 18))
    if rest in ("noise", "both"):
        colour = str(rng.choice(NOISES))
        scene = mix(scene, _now_and_then(make_noise(colour, seconds, rng), rng), colour, rng.uniform(-5, 25))
    if rest == "babble":
        some = rng.choice(len(people), min(int(rng.integers(6, 12)), len(people)), False)
        crowd = [recordings[0] for recordings in (people[int(n)](rng) for n in some) if recordings]
        scene = mix(scene, _now_and_then(babble(crowd, seconds, rng), rng), "babble", rng.uniform(6, 25))
    if rng.random() < 0.25:
        scene = through(scene, str(rng.choice(["telephone", "clipped", "quiet"])), rng)
    return scene


def _now_and_then(rest: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Let a background begin late or end early, in a third of all cases."""
    rest = rest.copy()
    cut = int(rng.uniform(0.1, 0.6) * len(rest))
    which = rng.random()
    if which < 1 / 6:
        rest[:cut] = 0
    elif which < 1 / 3:
        rest[-cut:] = 0
    return rest
