"""Train the windowed audio encoder on speech, and on the motion of lips.

It starts from the first layers of Whisper base. From augmented sound within its window it learns to predict, at each
moment, a middle layer of two unrestricted teachers that take in the clean sentence whole (`training.whisper`). It also
learns to predict the openings of the lips: of clips with a face, and of speech without video, for which teachers of
motion predict them (`training.lip_teachers`). Every step is in the live setting or in the wide one, so that one set of
weights serves both.
"""

from dataclasses import dataclass, field
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from rhapsode.data.speech import read_speech
from rhapsode.data.store import ClipStore, PreparedClip, open_store
from rhapsode.models.windowed_encoder import WindowedEncoder
from rhapsode.models.windowed_restore import restore
from rhapsode.motion.dims import WindowedDims
from rhapsode.progress import Progress, no_progress
from rhapsode.training.lip_windows import LipWindows
from rhapsode.training.loop import Loop, fit
from rhapsode.training.run import Run, describe_clips
from rhapsode.training.whisper import whisper_weights
from rhapsode.training.whisper_speech import TEACHERS, TaughtSpeech, prepare_speech

#: Features before and after a moment from which the lips are predicted: those that the live generator sees, so that
#: a feature holds by then what the encoder's look-ahead tells of the sound to come.
LIP_BACK, LIP_AHEAD = 13, 3
#: One speaker in so many is held out for the checks.
_HELD_OUT = 20


@dataclass(frozen=True)
class WindowedEncoderRecipe:
    """Settings of a training of the windowed encoder."""

    speech: tuple[Path, ...]
    """Folders of speech: LibriSpeech, Common Voice, or one with a speech.csv."""
    data: Path
    """Folder of clips, or a prepared store of them."""
    out: Path
    """Model folder; made where missing."""
    store: Path = Path("stores/clips")
    """Folder of prepared clips, filled on the first run; not used where `data` is a store."""
    speech_store: Path = Path("stores/whisper")
    """Folder of prepared speech, filled on the first run."""
    dims: WindowedDims = field(default_factory=WindowedDims)
    """Sizes of the encoder."""
    lips_of_speech: Path | None = None
    """Folder with the lips that teachers of motion predict for prepared speech (`lip_teachers.predict`); without one,
    lips are learnt from clips alone."""
    whisper: str = "base"
    """Model of Whisper's whose first layers the encoder starts from; empty for none."""
    start: Path | None = None
    """Weights of a windowed encoder to start from instead, as trained or as they ship (`.onnx`)."""
    batch: int = 16
    """Windows of speech a step."""
    lip_batch: int = 8
    """Windows of clips a step."""
    frames: int = 200
    """Length of a window, in features of 1/50 s."""
    lips: float = 0.1
    """Weight of the lips beside the teachers."""
    wide_share: float = 0.35
    """Share of the steps in the wide setting."""
    loop: Loop = field(default_factory=lambda: Loop(steps=1500, learning_rate=4e-4, precision="bf16-mixed"))
    """How the training runs."""


class StudentBatch(NamedTuple):
    """Windows of speech, and after them windows of clips."""

    mel: Tensor
    """(B, 2T, 80) Whisper's log-mel."""
    tiny: Tensor
    """(S, T, 384) features of the first teacher, of the S windows of speech."""
    base: Tensor
    """(S, T, 512) features of the second teacher."""
    lips: Tensor
    """(B, T, 4) openings and width of the lips."""
    real: Tensor
    """(B, T), 1 for frames that count."""
    position: Tensor
    """(B,) where in the table of positions each window begins."""


class Student(nn.Module):
    """An encoder with the heads by which it learns."""

    def __init__(self, dims: WindowedDims) -> None:
        super().__init__()
        self.encoder = WindowedEncoder(dims)
        self.distill_heads: Any = nn.ModuleDict(
            {name: nn.Linear(dims.width, width) for name, (_, width) in TEACHERS.items()}
        )
        self.lip_head = nn.Conv1d(dims.width, 4, LIP_BACK + 1 + LIP_AHEAD)
        self.dropout = nn.Dropout(0.3)

    def forward(self, mel: Tensor, wide: bool, position: Tensor | int) -> tuple[dict[str, Tensor], Tensor]:
        """Predict each teacher's features (B, T, F) and the lips (B, T, 4) from log-mel (B, 2T, 80)."""
        features = self.encoder(mel, wide, position)
        distilled = {name: head(features) for name, head in self.distill_heads.items()}
        context = pad(self.dropout(features).mT, (LIP_BACK, LIP_AHEAD))
        return distilled, self.lip_head(context).mT


def student_loss(student: nn.Module, batch: StudentBatch, lips: float, wide: float) -> dict[str, Tensor]:
    """Compute the loss: mean squared error of each teacher's features, and `lips`, 1 - correlation over a window.

    Args:
        student: a `Student`.
        batch: windows of speech and of clips.
        lips: weight of the lips.
        wide: share of the steps in the wide setting.
    """
    distilled, moved = student(batch.mel, bool(torch.rand(()) < wide), batch.position)
    spoken = len(batch.tiny)
    there = batch.real[:spoken, :, None]
    terms = {
        name: ((distilled[name][:spoken].float() - taught).square() * there).sum() / there.sum() / taught.shape[2]
        for name, taught in (("tiny", batch.tiny), ("base", batch.base))
    }
    if lips:
        # Windows whose lips do not move, or are not known, do not count.
        known = (batch.lips.square().sum(1) > 1e-4).float()
        missed = (1 - correlation(moved.float(), batch.lips, batch.real[..., None])) * known
        terms["lips"] = lips * missed.sum() / known.sum().clamp(min=1)
    return terms


def correlation(made: Tensor, real: Tensor, there: Tensor) -> Tensor:
    """Compute Pearson's correlation over time: (B, T, K), (B, T, K), which frames count (B, T, 1) -> (B, K)."""
    count = there.sum(1, keepdim=True).clamp(min=1)
    made = (made - (made * there).sum(1, keepdim=True) / count) * there
    real = (real - (real * there).sum(1, keepdim=True) / count) * there
    return (made * real).sum(1) / (made.square().sum(1) * real.square().sum(1) + 1e-8).sqrt()


def train(recipe: WindowedEncoderRecipe, progress: Progress = no_progress) -> Path:
    """Run the recipe.

    Returns:
        The weights, a file of the model.

    Raises:
        DataError: there is nothing to learn from, or the model folder holds a training with other settings.
        InstallationError: a model of Whisper's is needed and not installed.
    """
    whisper = whisper_weights(recipe.whisper) if recipe.whisper and not recipe.start else None
    spoken = [utterance for folder in recipe.speech for utterance in read_speech(folder)]
    store = open_store(recipe.data, recipe.store, progress)
    run = Run.open(recipe, "windowed_encoder")
    speakers = sorted({utterance.speaker for utterance in spoken})
    held_out = set(speakers[::_HELD_OUT]) if len(speakers) > 1 else set()
    files = prepare_speech(spoken, recipe.speech_store, progress)
    learnt = TaughtSpeech([f for u, f in files if u.speaker not in held_out], recipe.frames, recipe.lips_of_speech)
    judged = TaughtSpeech([f for u, f in files if u.speaker in held_out] or [f for _, f in files], recipe.frames)
    judged.mean, judged.std = learnt.mean, learnt.std
    lips = LipWindows(_clips(store, "train"), recipe.frames)
    val = LipWindows(_clips(store, "val"), recipe.frames, (Fraction(1),)).clips if _clips(store, "val") else []

    torch.manual_seed(recipe.loop.seed)
    student = Student(recipe.dims)
    if whisper:
        student.encoder.start_from(whisper)
    if recipe.start:
        read = restore if recipe.start.suffix == ".onnx" else WindowedEncoder.load
        student.encoder.load_state_dict(read(recipe.start).state_dict())
    _settle(student, learnt)
    fixed = judged.batch(24, torch.Generator().manual_seed(0), augmented=False)
    check_on = StudentBatch(*fixed, position=torch.arange(24) * 61)

    def draw(rng: torch.Generator) -> StudentBatch:
        speech, clips = learnt.batch(recipe.batch, rng), lips.batch(recipe.lip_batch, rng)
        joined = [torch.cat([getattr(speech, name), getattr(clips, name)]) for name in ("mel", "lips", "real")]
        position = torch.randint(recipe.dims.period, (recipe.batch + recipe.lip_batch,), generator=rng)
        return StudentBatch(joined[0], speech.tiny, speech.base, joined[1], joined[2], position)

    @torch.inference_mode()
    def check(module: Student) -> dict[str, float]:
        device = next(module.parameters()).device
        batch = StudentBatch(*(each.to(device) for each in check_on))
        scores: dict[str, float] = {}
        for name, wide in (("live", False), ("wide", True)):
            terms = student_loss(module, batch, 0.0, float(wide))
            scores |= {f"val_{teacher}_{name}": float(error) for teacher, error in terms.items()}
            followed = []
            for mel, shape in val:
                made = module(torch.from_numpy(mel)[None].to(device), wide, 0)[1][0, :, 1].cpu().numpy()
                followed.append(float(np.corrcoef(made, shape[:, 1])[0, 1]))
            scores[f"val_lips_{name}"] = float(np.mean(followed)) if followed else 0.0
        return {"val_score": -scores["val_tiny_live"] - scores["val_base_live"] + scores["val_lips_live"]} | scores

    loss = partial(student_loss, lips=recipe.lips, wide=recipe.wide_share)
    trained = fit(run.name, student, draw, loss, check, recipe.loop, run.folder, progress)
    trained.encoder.save(run.path("windowed_encoder.safetensors"))
    filmed = [entry for entry in store.entries if entry.split == "train"]
    licenses = [entry.license for entry in filmed] + [utterance.license for utterance in spoken]
    if whisper:
        licenses.append("MIT (OpenAI, Whisper)")
    data = f"{len(spoken)} recordings of speech by {len(speakers)} people; {describe_clips(filmed)}"
    return run.finish(["windowed_encoder.safetensors"], licenses, data)


@torch.inference_mode()
def _settle(student: Student, speech: TaughtSpeech) -> None:
    """Bring the features to unit spread, and fit the teachers' heads to them by ridge regression."""
    batch = speech.batch(64, torch.Generator().manual_seed(1), augmented=False)
    features = student.encoder(batch.mel)[batch.real > 0]
    student.encoder.mean.copy_(features.mean(0))
    student.encoder.std.copy_(features.std(0) + 1e-3)
    features = (features - student.encoder.mean) / student.encoder.std
    gram = features.T @ features / len(features) + 0.02 * torch.eye(features.shape[1])
    for name, taught in (("tiny", batch.tiny), ("base", batch.base)):
        target = features.T @ taught[batch.real > 0] / len(features)
        student.distill_heads[name].weight.copy_(torch.linalg.solve(gram, target).T)
        student.distill_heads[name].bias.zero_()


def _clips(store: ClipStore, split: str) -> list[PreparedClip]:
    return [store.load(entry) for entry in store.entries if entry.split == split]
