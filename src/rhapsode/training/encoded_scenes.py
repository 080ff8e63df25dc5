"""Scenes for the voice gate, drawn and encoded once, and kept in a folder."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors.numpy import load_file, save

from rhapsode.audio.agc import AutomaticGainControl
from rhapsode.audio.mel import MOTION_RATE, motion_frames
from rhapsode.audio.whisper_mel import FEATURE_RATE, whisper_mel
from rhapsode.bundle import sha256_of
from rhapsode.data.speech import Utterance, leave_out, load_speech
from rhapsode.errors import DataError
from rhapsode.files import atomic_write
from rhapsode.motion.windowed_encoder import WindowedEncoder, to_motion_rate
from rhapsode.progress import Progress
from rhapsode.training.gate_scenes import Scene, draw_scene

#: Recordings of a speaker that a scene draws from.
_MOST = 3
#: One scene in so many is encoded in the live setting, the others as files are.
_LIVE = 3
#: With the number of a scene, the seed of all that is drawn for it.
_SEED = 7
#: Goes up whenever scenes are drawn otherwise, so that none that was kept is taken for a new one.
_EDITION = 3


class EncodedScene(NamedTuple):
    """What the gate hears of a scene, and what it should tell.

    Attributes:
        features: (T, F) float16, 60 a second.
        voice: (T,) bool, whether a voice sounds.
    """

    features: np.ndarray
    voice: np.ndarray


def hear(encoder: WindowedEncoder, samples: np.ndarray) -> np.ndarray:
    """Compute the features of a whole sound as a stream does, gain control included, with silence after it.

    Args:
        encoder: the audio encoder, in the setting for live sound or in that for files.
        samples: (N,) float32 in [-1, 1] at 16 kHz.

    Returns:
        (T, F) float32, 60 a second, T = `motion_frames(N)`.
    """
    features = encoder.encode(whisper_mel(AutomaticGainControl().push(samples)))
    return to_motion_rate(features, motion_frames(len(samples)))


def encoded_scenes(
    encoder: Path, spoken: Sequence[Utterance], numbers: range, seconds: float, store: Path, progress: Progress
) -> list[EncodedScene]:
    """Draw and encode the scenes that are not there yet, and read all.

    Args:
        encoder: file of the audio encoder.
        spoken: recordings to draw from.
        numbers: of the scenes; each number is another scene.
        seconds: length of a scene.
        store: folder of the results, made where missing.
        progress: watches the stage `scenes`.
    """
    people: dict[str, list[Path]] = defaultdict(list)
    for one in sorted(spoken, key=lambda one: (one.speaker, one.name)):
        people[one.speaker].append(one.path)
    drawn_from = f"{_EDITION} {sha256_of(encoder)} {seconds} {sorted((one.speaker, one.name) for one in spoken)}"
    key = hashlib.sha256(drawn_from.encode()).hexdigest()[:12]
    files = {number: store / f"{key}-{number}.safetensors" for number in numbers}
    missing = [number for number, path in files.items() if not path.is_file()]
    if missing:
        live, voices = WindowedEncoder.load(encoder), [partial(_recordings, paths) for paths in people.values()]
        for done, number in enumerate(missing, start=1):
            scene = draw_scene(voices, seconds, np.random.default_rng((_SEED, number)))
            features, voice = encode(live.wide if number % _LIVE else live, scene)
            atomic_write(files[number], save({"features": features, "voice": voice}))
            progress("scenes", done, len(missing))
    loaded = [load_file(path) for path in files.values()]
    return [EncodedScene(each["features"], each["voice"]) for each in loaded]


def encode(encoder: WindowedEncoder, scene: Scene) -> EncodedScene:
    """Hear a scene, and bring where its voice is to the rate of the features."""
    features = hear(encoder, scene.samples)
    moments = np.arange(len(features)) * FEATURE_RATE // MOTION_RATE
    return EncodedScene(features.astype(np.float16), scene.voice[moments.clip(0, len(scene.voice) - 1)])


def _recordings(paths: Sequence[Path], rng: np.random.Generator) -> list[np.ndarray]:
    """Read as many of a person's recordings as a scene may hold, in random order, without any that is of no use."""
    found: list[np.ndarray] = []
    for n in rng.permutation(len(paths)):
        if len(found) == _MOST:
            break
        try:
            found.append(load_speech(paths[n]).samples)
        except DataError as error:
            leave_out(str(error))
    return found
