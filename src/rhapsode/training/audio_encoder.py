"""Train the audio encoder on speech alone.

    rhapsode train audio-encoder --speech SPEECH --data CLIPS --out RUN

Autoregressive predictive coding: from its last hidden state the encoder foretells the spectrum some frames ahead. With
a teacher it learns, besides, to say what a middle layer of Whisper says of a moment `EncoderDims.delay` frames ago;
the teacher hears the clean sound whole, the encoder a varied one up to now.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save_file
from scipy.signal import resample_poly
from torch import Tensor, nn

from rhapsode.audio.mel import LOG_FLOOR, MEL_BANDS, log_mel
from rhapsode.data.augment import augment
from rhapsode.data.corpora import read_source
from rhapsode.data.loudness import normalise_loudness
from rhapsode.data.speech import Utterance, read_speech
from rhapsode.media.sound import load_waveform
from rhapsode.media.waveform import SAMPLE_RATE
from rhapsode.models.audio_encoder import AudioEncoder
from rhapsode.motion.dims import EncoderDims
from rhapsode.training.loop import Loop, Progress, fit, open_run
from rhapsode.training.teacher import WIDTH, Teacher, teacher_file

#: Every utterance is also heard played slower and faster: other voices, other tempi.
SPEEDS = (Fraction(17, 20), Fraction(1), Fraction(20, 17))
#: One speaker in so many is kept for the checks.
_HELD_OUT = 20


@dataclass(frozen=True)
class AudioEncoderRecipe:
    """Every setting of a training."""

    speech: tuple[Path, ...]
    """Folders of speech, as `read_speech` knows them."""
    out: Path
    """Folder for weights, checkpoints and logs; made where missing."""
    data: Path | None = None
    """Folder of clips, as `read_source` knows them, whose `train` sound is learnt from too."""
    store: Path = Path("stores/speech")
    """Folder of prepared sound, filled on the first run."""
    dims: EncoderDims = field(default_factory=EncoderDims)
    ahead: int = 3
    """Motion frames (1/60 s) that the encoder foretells."""
    teacher: bool = True
    """Whether Whisper teaches too."""
    batch: int = 32
    """Windows a step."""
    frames: int = 240
    """Length of a window, in frames of 1/60 s."""
    loop: Loop = field(default_factory=Loop)


class Student(nn.Module):
    """An encoder with the heads by which it learns."""

    def __init__(self, dims: EncoderDims, taught: bool) -> None:
        super().__init__()
        self.encoder = AudioEncoder(dims)
        self.apc_head = nn.Linear(dims.hidden, 2 * MEL_BANDS)
        self.distill_head = nn.Linear(dims.hidden, WIDTH) if taught else None

    def forward(self, mel: Tensor) -> tuple[Tensor, Tensor | None, Tensor]:
        """(B, 2T, 80) -> the spectrum ahead (B, T, 160), the teacher's words (B, T, 384), the spectrum heard."""
        features, _ = self.encoder(mel)
        heard, _ = self.encoder.voice(mel)
        teacher_features = self.distill_head(features) if self.distill_head is not None else None
        return self.apc_head(features), teacher_features, heard.reshape(len(mel), -1, 2 * MEL_BANDS)


def student_loss(student: nn.Module, batch: tuple[Tensor, Tensor, Tensor], ahead: int, delay: int) -> dict[str, Tensor]:
    """Terms of the loss: `apc`, mean absolute error of the spectrum ahead; `teacher`, mean squared error of its words.

    Args:
        student: a `Student`.
        batch: mel (B, 2T, 80), the teacher's features (B, T, 384) in unit spread, and where they count (B, T).
        ahead: frames that are foretold.
        delay: frames by which the teacher's words are late.
    """
    mel, teacher_features, real = batch
    foretold, repeated, heard = student(mel)
    there = real[:, ahead:, None]
    apc = ((foretold[:, :-ahead] - heard[:, ahead:]).abs() * there).sum() / there.sum() / heard.shape[2]
    if repeated is None:
        return {"apc": apc}
    there = real[:, : real.shape[1] - delay, None]
    error = (repeated[:, delay:] - teacher_features[:, : teacher_features.shape[1] - delay]).square()
    return {"apc": apc, "teacher": (error * there).sum() / there.sum().clamp(min=1) / WIDTH}


class SpeechWindows:
    """Windows of prepared speech, with what the teacher says of them."""

    def __init__(self, files: Sequence[Path], frames: int) -> None:
        self.frames = frames
        self._sound = [load_file(path) for path in files]
        self._weights = torch.tensor([float(len(sound["mel"])) for sound in self._sound])
        taught = [sound["teacher"][:: 1 + len(sound["teacher"]) // 50] for sound in self._sound if "teacher" in sound]
        teacher_features = np.concatenate(taught).astype(np.float32) if taught else np.zeros((2, WIDTH), np.float32)
        self._mean, self._std = teacher_features.mean(0), teacher_features.std(0) + 1e-3

    def mels(self) -> Tensor:
        """A share of the log-mel frames, (M, 80)."""
        return torch.from_numpy(np.concatenate([sound["mel"][::10] for sound in self._sound]).astype(np.float32))

    def batch(self, size: int, rng: torch.Generator, varied: bool = True) -> tuple[Tensor, Tensor, Tensor]:
        """Mel (B, 2F, 80), the teacher's features (B, F, 384) in unit spread, and which frames are real (B, F)."""
        mel = torch.full((size, 2 * self.frames, MEL_BANDS), LOG_FLOOR)
        teacher_features = torch.zeros(size, self.frames, WIDTH)
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
                heard = sound["teacher"][start : start + count].astype(np.float32)
                teacher_features[row, :count] = torch.from_numpy((heard - self._mean) / self._std)
        return (augment(mel, rng) if varied else mel), teacher_features, real


def train(recipe: AudioEncoderRecipe, progress: Progress | None = None) -> Path:
    """Run the recipe; returns the path of the weights.

    Args:
        recipe: every setting.
        progress: called now and then with (stage, done, in all).

    Raises:
        DataError: if there is nothing to learn from, or `recipe.out` holds a run of other settings.
        WeightsError: if the teacher is wanted and not installed.
    """
    if recipe.teacher:
        teacher_file()  # refused here, not in the process that listens
    spoken = [utterance for folder in recipe.speech for utterance in read_speech(folder)]
    spoken += [
        Utterance(clip.path, clip.name, clip.speaker, "", clip.license)
        for clip in (read_source(recipe.data) if recipe.data else [])
        if clip.split == "train"
    ]
    open_run(recipe, recipe.out)
    speakers = sorted({utterance.speaker for utterance in spoken})
    held_out = set(speakers[:: max(_HELD_OUT, 2)]) if len(speakers) > 1 else set()
    files = prepare_speech(spoken, recipe.store, recipe.teacher, progress and partial(progress, "speech"))
    learnt = SpeechWindows([f for u, f in files if u.speaker not in held_out], recipe.frames)
    judged = SpeechWindows([f for u, f in files if u.speaker in held_out] or [f for _, f in files], recipe.frames)

    torch.manual_seed(recipe.loop.seed)
    student = Student(recipe.dims, recipe.teacher)
    student.encoder.voice.fit(learnt.mels())
    fixed = judged.batch(min(4 * recipe.batch, 64), torch.Generator().manual_seed(0), varied=False)

    loss = partial(student_loss, ahead=recipe.ahead, delay=recipe.dims.delay)

    @torch.inference_mode()
    def check(module: Student) -> dict[str, float]:
        device = next(module.parameters()).device
        mel, teacher_features, real = (each.to(device) for each in fixed)
        terms = loss(module, (mel, teacher_features, real))
        return {
            "val_score": -float(sum(terms.values())),
            **{f"val_{name}": float(value) for name, value in terms.items()},
        }

    draw = partial(learnt.batch, recipe.batch)
    trained = fit("audio_encoder", student, draw, loss, check, recipe.loop, recipe.out, progress)
    weights = recipe.out / "audio_encoder.safetensors"
    trained.encoder.save(weights)
    return weights


def prepare_speech(
    spoken: Sequence[Utterance], store: Path, teacher: bool, progress: Callable[[int, int], None] | None = None
) -> list[tuple[Utterance, Path]]:
    """Log-mel (and the teacher's features) of every utterance at every speed, one safetensors file each, made once."""
    store.mkdir(parents=True, exist_ok=True)
    wanted = [(utterance, speed) for utterance in spoken for speed in SPEEDS]
    kind = "taught" if teacher else "heard"
    made = [(u, store / f"{u.name.replace('/', '__')}__{float(speed):.2f}.{kind}.safetensors") for u, speed in wanted]
    missing = [(u.path, speed, path) for (u, path), (_, speed) in zip(made, wanted, strict=True) if not path.is_file()]
    if not missing:
        return made
    with ProcessPoolExecutor(1, mp_context=get_context("spawn"), initializer=_hire, initargs=(teacher,)) as pool:
        for done, _ in enumerate(pool.map(_prepare_one, missing, chunksize=8), start=1):
            if progress:
                progress(done, len(missing))
    return made


_teacher: Teacher | None = None


def _hire(wanted: bool) -> None:
    global _teacher
    torch.set_num_threads(1)
    _teacher = Teacher() if wanted else None


def _prepare_one(task: tuple[Path, Fraction, Path]) -> None:
    source, speed, path = task
    samples = normalise_loudness(load_waveform(source, SAMPLE_RATE)).samples
    if speed != 1:
        samples = resample_poly(samples, speed.denominator, speed.numerator).astype(np.float32)
    arrays = {"mel": log_mel(samples).astype(np.float16)}
    if _teacher is not None:
        arrays["teacher"] = _teacher.features(samples).astype(np.float16)
    partial_path = path.with_suffix(".partial")
    save_file(arrays, partial_path)
    partial_path.replace(path)
