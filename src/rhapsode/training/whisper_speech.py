"""Speech prepared for the windowed encoder: Whisper's log-mel, features of two teachers, and windows of both."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors.numpy import load_file, save
from scipy.ndimage import uniform_filter1d
from scipy.signal import resample_poly
from torch import Tensor

from rhapsode.audio.whisper_mel import BANDS, SILENCE, whisper_mel
from rhapsode.data.augment import augment_whisper_mel
from rhapsode.data.loudness import normalise_loudness
from rhapsode.data.speech import Utterance, leave_out, load_speech
from rhapsode.errors import DataError
from rhapsode.files import atomic_write
from rhapsode.progress import Progress, no_progress
from rhapsode.training.speech_store import prepared_name, usable
from rhapsode.training.whisper import Whisper

#: The teachers: a model of Whisper's, one of its layers, and the width of its features.
TEACHERS = {"tiny": (2, 384), "base": (3, 512)}
#: Every utterance is prepared as it is, and at one of these speeds.
OTHER_SPEEDS = (Fraction(17, 20), Fraction(12, 13), Fraction(13, 12), Fraction(20, 17))
#: Features at the end of a window that do not count, since the sound after them is cut off.
CUT = 10


def prepare_speech(
    spoken: Sequence[Utterance], store: Path, progress: Progress = no_progress
) -> list[tuple[Utterance, Path]]:
    """Prepare recordings that are new or were replaced.

    Args:
        spoken: the recordings.
        store: folder of the results, made where missing.
        progress: watches the stage `speech`.

    Returns:
        Each recording at each of its two speeds, and its safetensors file: `mel` (2T, 80), `tiny` (T, 384) and `base`
        (T, 512), float16. Recordings that `load_speech` refuses are left out.

    Raises:
        DataError: none is left.
        InstallationError: a teacher is needed and not installed.
    """
    wanted = [
        (utterance, speed)
        for number, utterance in enumerate(spoken)
        for speed in (Fraction(1), OTHER_SPEEDS[number % len(OTHER_SPEEDS)])
    ]
    made = [(one, speed, store / prepared_name(one.path, speed, "whisper")) for one, speed in wanted]
    missing = [(one, speed, path) for one, speed, path in made if not path.is_file()]
    teachers = {name: Whisper(name) for name in TEACHERS} if missing else {}
    for done, (utterance, speed, path) in enumerate(missing, start=1):
        try:
            samples = normalise_loudness(load_speech(utterance.path)).samples
        except DataError as error:
            leave_out(str(error))
            continue
        if speed != 1:
            samples = resample_poly(samples, speed.denominator, speed.numerator).astype(np.float32)
        arrays = {name: teacher.layers(samples, [TEACHERS[name][0]])[0] for name, teacher in teachers.items()}
        arrays["mel"] = whisper_mel(samples)
        atomic_write(path, save({name: np.ascontiguousarray(value, np.float16) for name, value in arrays.items()}))
        progress("speech", done, len(missing))
    return usable([(one, path) for one, _, path in made])


class SpeechBatch(NamedTuple):
    """Windows of prepared speech."""

    mel: Tensor
    """(B, 2F, 80) Whisper's log-mel."""
    tiny: Tensor
    """(B, F, 384) features of the first teacher, each in unit spread."""
    base: Tensor
    """(B, F, 512) features of the second teacher, each in unit spread."""
    lips: Tensor
    """(B, F, 4) openings and width of the lips (`lip_windows`), zero where they are not known."""
    real: Tensor
    """(B, F), 1 for frames that count and 0 for padding and the end of a window."""


class TaughtSpeech:
    """Draw windows of prepared speech with the teachers' features, and lips where motion teachers gave some."""

    def __init__(self, files: Sequence[Path], frames: int, lips: Path | None = None) -> None:
        """Read prepared speech; windows are `frames` long.

        Args:
            files: as `prepare_speech` wrote them.
            frames: F, features of 1/50 s.
            lips: folder of files of the same names, with `lips` (T, 4) (`lip_teachers.predict`).
        """
        self.frames = frames
        self._sound = [load_file(path) for path in files]
        for path, sound in zip(files, self._sound, strict=True):
            none = np.zeros((len(sound["base"]), 4), np.float16)
            sound["lips"] = load_file(lips / path.name)["lips"] if lips else none
        self._weights = torch.tensor([float(len(sound["mel"])) ** 0.5 for sound in self._sound])
        # Whisper's features also encode their place in the sound, which a stream cannot know: the mean over all sounds
        # at a place is subtracted.
        self.mean = {name: _mean_by_place([sound[name] for sound in self._sound]) for name in TEACHERS}
        self.std = {name: self._spread(name) for name in TEACHERS}

    def _spread(self, name: str) -> np.ndarray:
        every = [
            self._features(name, sound, 0, len(sound[name]))[:: 1 + len(sound[name]) // 50] for sound in self._sound
        ]
        spread: np.ndarray = np.concatenate(every).std(0) + 1e-3
        return spread

    def _features(self, name: str, sound: dict[str, np.ndarray], start: int, end: int) -> np.ndarray:
        mean = self.mean[name]
        features: np.ndarray = sound[name][start:end].astype(np.float32)
        return features - mean[np.arange(start, start + len(features)).clip(max=len(mean) - 1)]

    def batch(self, size: int, rng: torch.Generator, augmented: bool = True) -> SpeechBatch:
        """Draw windows, every recording in proportion to the square root of its length."""
        mel = torch.full((size, 2 * self.frames, BANDS), SILENCE)
        taught = {name: torch.zeros(size, self.frames, width) for name, (_, width) in TEACHERS.items()}
        real, lips = torch.zeros(size, self.frames), torch.zeros(size, self.frames, 4)
        picks = torch.multinomial(self._weights, size, replacement=True, generator=rng)
        for row, pick in enumerate(picks.tolist()):
            sound = self._sound[pick]
            length = len(sound["mel"]) // 2
            start = int(torch.randint(max(length - self.frames, 0) + 1, (1,), generator=rng))
            count = min(self.frames, length)
            mel[row, : 2 * count] = torch.from_numpy(sound["mel"][2 * start : 2 * (start + count)].astype(np.float32))
            real[row, : count - (CUT if count == self.frames else 0)] = 1
            lips[row, :count] = torch.from_numpy(sound["lips"][start : start + count].astype(np.float32))
            for name, features in taught.items():
                part = self._features(name, sound, start, start + count)
                features[row, :count] = torch.from_numpy(part / self.std[name])
        mel = augment_whisper_mel(mel, rng) if augmented else mel
        return SpeechBatch(mel, taught["tiny"], taught["base"], lips, real)


def _mean_by_place(sounds: Sequence[np.ndarray]) -> np.ndarray:
    """Average sounds (T, F) place by place, smoothed over five, as far as there are enough of them: (T, F)."""
    longest = min(max(len(sound) for sound in sounds), 800)
    total = np.zeros((longest, sounds[0].shape[1]))
    count = np.zeros((longest, 1))
    for sound in sounds:
        total[: len(sound)] += sound[:longest]
        count[: len(sound)] += 1
    enough = int((count[:, 0] >= min(30, len(sounds))).sum())
    mean: np.ndarray = uniform_filter1d(total[:enough], 5, axis=0) / uniform_filter1d(count[:enough], 5, axis=0)
    return mean.astype(np.float32)
