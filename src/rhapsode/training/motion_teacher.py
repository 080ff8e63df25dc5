"""A teacher of motion: what the lips of a thousand speakers who were never filmed would do.

Clips with a face are few, speech is plentiful. So a generator that need not ship, and that may hear the whole sentence
through Whisper's encoder (`training.teacher`), is trained on the clips; the motion it gives to speech without pictures
is what the Motion Generator learns from besides the clips.
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file
from torch import Tensor, nn

from rhapsode.audio.mel import LOG_FLOOR, MEL_BANDS
from rhapsode.data.augment import add_pauses, augment
from rhapsode.data.motion_windows import WindowSampler, align_clip
from rhapsode.data.store import ClipStore, PreparedClip
from rhapsode.metrics.mouth import opening_correlation, opening_spread_ratio
from rhapsode.models.motion_generator import to_landmarks
from rhapsode.models.motion_loss import expression_basis, motion_loss
from rhapsode.training.loop import Loop, Progress, fit
from rhapsode.training.teacher import WIDTH, Teacher

#: By no more than this is a teacher's motion enlarged.
GAIN_LIMIT = 1.5


class TaughtGenerator(nn.Module):
    """The teacher's features -> expression, forwards and backwards in time."""

    basis: Tensor
    mean: Tensor
    std: Tensor
    gain: Tensor

    def __init__(self, hidden: int, components: int) -> None:
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(WIDTH, hidden), nn.GELU(), nn.Dropout(0.3))
        self.recurrent = nn.GRU(hidden, hidden, batch_first=True, bidirectional=True)
        self.readout = nn.Sequential(nn.Dropout(0.5), nn.Linear(3 * hidden, components))
        self.register_buffer("basis", torch.zeros(components, 204))
        self.register_buffer("gain", torch.ones(()))
        self.register_buffer("mean", torch.zeros(WIDTH))
        self.register_buffer("std", torch.ones(WIDTH))

    def weights(self, features: Tensor) -> Tensor:
        """(B, T, 384) -> how much of each expression of the basis, (B, T, K)."""
        x = self.embed((features - self.mean) / self.std)
        return self.readout(torch.cat([x, self.recurrent(x)[0]], -1))

    def forward(self, features: Tensor) -> Tensor:
        """(B, T, 384) -> expression offsets (B, T, 68, 3)."""
        return to_landmarks(self.weights(features), self.basis)


def train_teacher(
    store: ClipStore,
    judged_by: Sequence[PreparedClip],
    components: int,
    loop: Loop,
    out: Path,
    progress: Progress | None = None,
) -> TaughtGenerator:
    """Train on the `train` clips of a store; the weights that do best on the clips `judged_by`."""
    hear = Teacher().features
    sampler = WindowSampler(store, 120, hear)
    judges = [align_clip(clip, extract=hear) for clip in judged_by]
    torch.manual_seed(loop.seed)
    generator = TaughtGenerator(128, components)
    heard, expressions = sampler.sample()
    generator.mean.copy_(torch.from_numpy(heard.mean(0)))
    generator.std.copy_(torch.from_numpy(heard.std(0)))
    generator.basis.copy_(torch.from_numpy(expression_basis(expressions, components)))

    def loss(module: nn.Module, batch: tuple[Tensor, Tensor, Tensor]) -> dict[str, Tensor]:
        features, expression, real = batch
        return {"l_mg": motion_loss(module(features), expression, real)}

    @torch.inference_mode()
    def check(module: TaughtGenerator) -> dict[str, float]:
        scores = []
        for clip in judges:
            made = module(torch.from_numpy(clip.features)[None])[0].numpy() + clip.rest
            real = clip.expression + clip.rest
            scores.append((opening_correlation(made, real), opening_spread_ratio(made, real)))
        corr, spread = np.mean(scores, 0) if scores else (0.0, 0.0)
        return {"val_mouth_opening_corr": float(corr), "val_opening_std_ratio": float(spread)}

    generator = fit("teacher", generator, partial(sampler.batch, 32), loss, check, loop, out, progress)
    # Whoever learns from an average moves less than it, so the teacher moves larger than it learnt to: by the half (in
    # the logarithm) of what it lacks. With all of it, GRID's mumblers came out 1.17 times as large as they are.
    spread = check(generator)["val_opening_std_ratio"]
    if spread > 0:
        generator.gain.fill_(min(spread**-0.5, GAIN_LIMIT))
    return generator


class TaughtSpeech:
    """Windows of prepared speech with the motion that a teacher gives it."""

    def __init__(self, files: Sequence[Path], teacher: TaughtGenerator, frames: int) -> None:
        self.frames = frames
        self._basis = teacher.basis
        self._sound: list[tuple[np.ndarray, np.ndarray]] = []
        for path in files:
            arrays = load_file(path)
            with torch.inference_mode():
                weights = teacher.weights(torch.from_numpy(arrays["teacher"].astype(np.float32))[None])[0]
            self._sound.append((arrays["mel"], (teacher.gain * weights).numpy().astype(np.float16)))
        self._lengths = torch.tensor([float(len(weights)) for _, weights in self._sound])

    def batch(self, size: int, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """A batch of windows, as `WindowSampler.batch` gives them."""
        mel = torch.full((size, 2 * self.frames, MEL_BANDS), LOG_FLOOR)
        weights = torch.zeros(size, self.frames, len(self._basis))
        real = torch.zeros(size, self.frames)
        picks = torch.multinomial(self._lengths, size, replacement=True, generator=rng)
        for row, pick in enumerate(picks.tolist()):
            sound, motion = self._sound[pick]
            start = int(torch.randint(max(len(motion) - self.frames, 0) + 1, (1,), generator=rng))
            count = min(self.frames, len(motion))
            mel[row, : 2 * count] = torch.from_numpy(sound[2 * start : 2 * (start + count)].astype(np.float32))
            weights[row, :count] = torch.from_numpy(motion[start : start + count].astype(np.float32))
            real[row, :count] = 1
        expression = to_landmarks(weights, self._basis)
        add_pauses(mel, expression, real, rng)
        return augment(mel, rng), expression, real
