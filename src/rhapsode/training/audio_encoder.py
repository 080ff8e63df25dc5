"""Train the audio encoder on speech alone.

    rhapsode train audio-encoder --speech SPEECH --data CLIPS --out MODEL

Autoregressive predictive coding: from its last hidden state the encoder predicts the spectrum some frames ahead. With
a teacher it also predicts what a middle layer of Whisper gives for a moment `EncoderDims.delay` frames ago; the teacher
hears the clean sound whole, the encoder an augmented one, up to now.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from safetensors.numpy import load_file
from torch import Tensor, nn

from rhapsode.audio.mel import LOG_FLOOR, MEL_BANDS
from rhapsode.data.augment import augment
from rhapsode.data.corpora import read_source
from rhapsode.data.speech import Utterance, read_speech
from rhapsode.errors import DataError
from rhapsode.models.audio_encoder import AudioEncoder
from rhapsode.motion.dims import EncoderDims
from rhapsode.progress import Progress, no_progress
from rhapsode.training.loop import Loop, fit
from rhapsode.training.run import Run
from rhapsode.training.speech_store import prepare_speech
from rhapsode.training.teacher import WIDTH, teacher_file

#: One speaker in so many is held out for the checks.
_HELD_OUT = 20


@dataclass(frozen=True)
class AudioEncoderRecipe:
    """Settings of a training of the audio encoder."""

    out: Path
    """Model folder; made where missing."""
    speech: tuple[Path, ...] = ()
    """Folders of speech: LibriSpeech, Common Voice, or one with a speech.csv."""
    data: Path | None = None
    """Folder of clips whose sound (split train) is learnt from too."""
    store: Path = Path("stores/speech")
    """Folder of prepared sound, filled on the first run."""
    dims: EncoderDims = field(default_factory=EncoderDims)
    """Sizes of the encoder."""
    ahead: int = 3
    """Motion frames (1/60 s) by which the spectrum is predicted ahead."""
    teacher: bool = True
    """Distil Whisper too; needs the extra `teacher`."""
    batch: int = 32
    """Windows a step."""
    frames: int = 240
    """Length of a window, in frames of 1/60 s."""
    loop: Loop = field(default_factory=lambda: Loop(steps=1600, learning_rate=1.5e-3, check_every=50))
    """How the training runs."""


class SpeechBatch(NamedTuple):
    """Windows of speech."""

    mel: Tensor
    """(B, 2F, 80) log-mel."""
    teacher: Tensor
    """(B, F, 384) features of the teacher, each with zero mean and unit spread; zero without a teacher."""
    real: Tensor
    """(B, F), 1 for frames that count and 0 for padding."""


class Student(nn.Module):
    """An encoder with the heads by which it learns."""

    def __init__(self, dims: EncoderDims, teacher: bool) -> None:
        super().__init__()
        self.encoder = AudioEncoder(dims)
        self.apc_head = nn.Linear(dims.hidden, 2 * MEL_BANDS)
        self.distill_head = nn.Linear(dims.hidden, WIDTH) if teacher else None

    def forward(self, mel: Tensor) -> tuple[Tensor, Tensor | None, Tensor]:
        """Predict: (B, 2T, 80) -> spectrum ahead (B, T, 160), teacher's features (B, T, 384), spectrum (B, T, 160)."""
        features, _ = self.encoder(mel)
        spectrum, _ = self.encoder.voice(mel)
        teacher = self.distill_head(features) if self.distill_head is not None else None
        return self.apc_head(features), teacher, spectrum.reshape(len(mel), -1, 2 * MEL_BANDS)


def student_loss(student: nn.Module, batch: SpeechBatch, ahead: int, delay: int) -> dict[str, Tensor]:
    """Compute the loss: `apc`, mean absolute error of the spectrum; `teacher`, mean squared error of its features.

    Args:
        student: a `Student`.
        batch: windows of speech.
        ahead: frames by which the spectrum is predicted ahead.
        delay: frames by which the teacher's features are late.
    """
    predicted, distilled, spectrum = student(batch.mel)
    there = batch.real[:, ahead:, None]
    apc = ((predicted[:, :-ahead] - spectrum[:, ahead:]).abs() * there).sum() / there.sum() / spectrum.shape[2]
    if distilled is None:
        return {"apc": apc}
    there = batch.real[:, : batch.real.shape[1] - delay, None]
    error = (distilled[:, delay:] - batch.teacher[:, : batch.teacher.shape[1] - delay]).square()
    return {"apc": apc, "teacher": (error * there).sum() / there.sum().clamp(min=1) / WIDTH}


class SpeechWindows:
    """Draw windows of prepared speech."""

    def __init__(self, files: Sequence[Path], frames: int) -> None:
        """Read prepared speech (`speech_store`); windows are `frames` long."""
        self.frames = frames
        self._sound = [load_file(path) for path in files]
        self._weights = torch.tensor([float(len(sound["mel"])) for sound in self._sound])
        taught = [sound["teacher"][:: 1 + len(sound["teacher"]) // 50] for sound in self._sound if "teacher" in sound]
        features = np.concatenate(taught).astype(np.float32) if taught else np.zeros((2, WIDTH), np.float32)
        self._mean, self._std = features.mean(0), features.std(0) + 1e-3

    def mels(self) -> Tensor:
        """Give a tenth of the log-mel frames, (M, 80)."""
        return torch.from_numpy(np.concatenate([sound["mel"][::10] for sound in self._sound]).astype(np.float32))

    def batch(self, size: int, rng: torch.Generator, augmented: bool = True) -> SpeechBatch:
        """Draw `size` windows, every recording in proportion to its length."""
        mel = torch.full((size, 2 * self.frames, MEL_BANDS), LOG_FLOOR)
        teacher = torch.zeros(size, self.frames, WIDTH)
        real = torch.zeros(size, self.frames)
        picks = torch.multinomial(self._weights, size, replacement=True, generator=rng)
        for row, pick in enumerate(picks.tolist()):
            sound = self._sound[pick]
            length = len(sound["mel"]) // 2
            start = int(torch.randint(max(length - self.frames, 0) + 1, (1,), generator=rng))
            count = min(self.frames, length)
            mel[row, : 2 * count] = torch.from_numpy(sound["mel"][2 * start : 2 * (start + count)].astype(np.float32))
            real[row, :count] = 1
            if "teacher" in sound:
                features = sound["teacher"][start : start + count].astype(np.float32)
                teacher[row, :count] = torch.from_numpy((features - self._mean) / self._std)
        return SpeechBatch(augment(mel, rng) if augmented else mel, teacher, real)


def train(recipe: AudioEncoderRecipe, progress: Progress = no_progress) -> Path:
    """Run the recipe.

    Returns:
        The weights, a file of the model.

    Raises:
        DataError: there is nothing to learn from, or the model folder holds a training with other settings.
        WeightsError: a teacher is wanted and not installed.
    """
    if not recipe.speech and recipe.data is None:
        raise DataError("the recipe names nothing to learn from", "name a folder of speech, or of clips", "no-data")
    if recipe.teacher:
        teacher_file()  # fails here rather than in another process
    spoken = [utterance for folder in recipe.speech for utterance in read_speech(folder)]
    spoken += [
        Utterance(clip.path, clip.name, clip.speaker, "", clip.license)
        for clip in (read_source(recipe.data) if recipe.data else [])
        if clip.split == "train"
    ]
    run = Run.open(recipe, "audio_encoder")
    speakers = sorted({utterance.speaker for utterance in spoken})
    held_out = set(speakers[:: max(_HELD_OUT, 2)]) if len(speakers) > 1 else set()
    files = prepare_speech(spoken, recipe.store, recipe.teacher, progress)
    learnt = SpeechWindows([f for u, f in files if u.speaker not in held_out], recipe.frames)
    scored = SpeechWindows([f for u, f in files if u.speaker in held_out] or [f for _, f in files], recipe.frames)

    torch.manual_seed(recipe.loop.seed)
    student = Student(recipe.dims, recipe.teacher)
    student.encoder.voice.fit(learnt.mels())
    fixed = scored.batch(min(4 * recipe.batch, 64), torch.Generator().manual_seed(0), augmented=False)
    loss = partial(student_loss, ahead=recipe.ahead, delay=recipe.dims.delay)

    @torch.inference_mode()
    def check(module: Student) -> dict[str, float]:
        device = next(module.parameters()).device
        terms = loss(module, SpeechBatch(*(each.to(device) for each in fixed)))
        total = {"val_score": -float(sum(terms.values()))}
        return total | {f"val_{name}": float(value) for name, value in terms.items()}

    draw = partial(learnt.batch, recipe.batch)
    trained = fit(run.name, student, draw, loss, check, recipe.loop, run.folder, progress)
    trained.encoder.save(run.path("audio_encoder.safetensors"))
    licenses = [utterance.license for utterance in spoken]
    data = f"{len(spoken)} recordings of speech by {len(speakers)} people"
    return run.finish(["audio_encoder.safetensors"], licenses, data)
