"""Train a teacher of motion, which gives lips to speech without video.

Clips with a face are few, speech is plentiful. So a generator that need not ship, and whose input is the whole sentence
in features of Whisper's encoder (`training.teacher`), is trained on the clips; the Motion Generator then also learns
from the motion that it gives to speech without video.
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
from rhapsode.data.motion_windows import WindowBatch, WindowSampler, align_clip
from rhapsode.data.store import ClipStore, PreparedClip
from rhapsode.metrics.mouth import opening_correlation, opening_spread_ratio
from rhapsode.models.motion_generator import to_landmarks
from rhapsode.models.motion_loss import expression_basis, motion_loss
from rhapsode.progress import Progress, no_progress
from rhapsode.training.loop import Loop, fit
from rhapsode.training.teacher import WIDTH, Teacher

#: Greatest factor by which a teacher's motion is enlarged.
GAIN_LIMIT = 1.5


class TaughtGenerator(nn.Module):
    """Map features of Whisper to expression by a bidirectional GRU."""

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
        """Predict weights of the basis: (B, T, 384) -> (B, T, K)."""
        x = self.embed((features - self.mean) / self.std)
        return self.readout(torch.cat([x, self.recurrent(x)[0]], -1))

    def forward(self, features: Tensor) -> Tensor:
        """Predict expression offsets: (B, T, 384) -> (B, T, 68, 3)."""
        return to_landmarks(self.weights(features), self.basis)


def train_teacher(
    store: ClipStore,
    val: Sequence[PreparedClip],
    components: int,
    loop: Loop,
    out: Path,
    progress: Progress = no_progress,
) -> TaughtGenerator:
    """Train on the `train` clips of a store, and keep the weights that score best on the clips `val`."""
    extract = Teacher().features
    sampler = WindowSampler(store, 120, extract)
    aligned = [align_clip(clip, extract=extract) for clip in val]
    torch.manual_seed(loop.seed)
    generator = TaughtGenerator(128, components)
    features, expressions = sampler.sample()
    generator.mean.copy_(torch.from_numpy(features.mean(0)))
    generator.std.copy_(torch.from_numpy(features.std(0)))
    generator.basis.copy_(torch.from_numpy(expression_basis(expressions, components)))

    def loss(module: nn.Module, batch: WindowBatch) -> dict[str, Tensor]:
        return {"l_mg": motion_loss(module(batch.features), batch.expression, batch.real)}

    @torch.inference_mode()
    def check(module: TaughtGenerator) -> dict[str, float]:
        scores = []
        for clip in aligned:
            made = module(torch.from_numpy(clip.features)[None])[0].numpy() + clip.rest
            real = clip.expression + clip.rest
            scores.append((opening_correlation(made, real), opening_spread_ratio(made, real)))
        corr, spread = np.mean(scores, 0) if scores else (0.0, 0.0)
        return {"val_mouth_opening_corr": float(corr), "val_opening_std_ratio": float(spread)}

    generator = fit("teacher", generator, partial(sampler.batch, 32), loss, check, loop, out, progress)
    # Regression to the mean makes motion too small, so it is enlarged by half (in the logarithm) of what it lacks. With
    # all of it, GRID's mumblers came out 1.17 times as large as they are.
    spread = check(generator)["val_opening_std_ratio"]
    if spread > 0:
        generator.gain.fill_(min(spread**-0.5, GAIN_LIMIT))
    return generator


class TaughtSpeech:
    """Draw windows of prepared speech with the motion that a teacher gives it."""

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

    def batch(self, size: int, rng: torch.Generator) -> WindowBatch:
        """Draw a batch of windows, as `WindowSampler.batch` does."""
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
        return WindowBatch(augment(mel, rng), expression, real)
