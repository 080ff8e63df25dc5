"""Train the Motion Generator on talking-face clips.

    rhapsode train motion-generator --data DATA --out RUN

Three rounds, so that recordings whose sound and lips are out of step do no harm: learn from GRID, which is in
step; hear every other clip with what was learnt and measure by how much its sound is late; learn from all of
them, that lag taken out.
"""

import csv
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from rhapsode.audio.mel import MOTION_RATE
from rhapsode.data.clips import read_clips
from rhapsode.data.speaking import WindowSampler, speaking_clip
from rhapsode.data.store import PreparedClip, prepare
from rhapsode.face.landmarks import EYES, INNER_LIPS, JAW, MOUTH
from rhapsode.metrics.mouth import lmd, opening_correlation, opening_spread_ratio, sound_lag
from rhapsode.motion.generator import GeneratorDims, MotionGenerator

#: The corpus whose sound and lips are in step as recorded.
IN_STEP = "grid"
#: Correlation of generated and real mouth opening from which a measured lag is believed.
SURE = 0.5


@dataclass(frozen=True)
class MotionGeneratorRecipe:
    """Every setting of a training."""

    data: Path
    """Folder with clips.csv and the clips it lists."""
    out: Path
    """Folder for weights, checkpoints and logs; made where missing."""
    store: Path = Path("stores/clips")
    """Folder of prepared clips, filled on the first run."""
    dims: GeneratorDims = field(default_factory=GeneratorDims)
    align_steps: int = 600
    """Steps on the corpus that is in step, before the lags of the others are measured."""
    steps: int = 3000
    """Steps on all clips."""
    batch: int = 32
    """Windows a step."""
    frames: int = 120
    """Length of a window, in frames of 1/60 s."""
    learning_rate: float = 1e-3
    """Peak of Adam's learning rate; it falls to zero along a cosine."""
    velocity: float = 4.0
    """Weight of the velocity term of L_mg."""
    opening: float = 4.0
    """Weight of the mouth-opening term of L_mg."""
    seed: int = 0
    threads: int = 1


def motion_loss(generated: Tensor, real: Tensor, mask: Tensor, velocity: float, opening: float) -> Tensor:
    """L_mg: how far generated motion is from real motion.

    Position, velocity, and the signed opening between the inner lips, as mean squares; the mouth counts most and
    the eyelids not at all.

    Args:
        generated: (B, T, 68, 3), canonical space.
        real: the same of the tracked motion.
        mask: (B, T), 1 where a frame is real.
        velocity: weight of the velocity term.
        opening: weight of the opening term.
    """
    weight = generated.new_ones(68)
    weight[JAW], weight[MOUTH], weight[INNER_LIPS], weight[EYES] = 1.0, 3.0, 5.0, 0.0
    weight = weight / weight.sum()
    error = (generated - real) * mask[..., None, None]
    moved = error.diff(dim=1)
    gap = error[:, :, [65, 66, 67], 1] - error[:, :, [63, 62, 61], 1]
    count = mask.sum()
    position = (error.square().sum(-1) * weight).sum() / count
    speed = (moved.square().sum(-1) * weight).sum() / count
    return 100 * (position + velocity * speed + opening * gap.square().mean(-1).sum() / count / 5)


def expression_basis(expressions: np.ndarray, components: int) -> np.ndarray:
    """The strongest expressions: principal components scaled to unit spread, (K, 204), zero at the eyelids."""
    flat = expressions.copy()
    flat[:, EYES] = 0
    flat[:, MOUTH] *= 2  # so that small lip movements are kept before large slow ones of the cheeks
    flat = flat.reshape(len(flat), -1)
    _, spread, rows = np.linalg.svd(flat - flat.mean(0), full_matrices=False)
    basis = rows[:components] * (spread[:components, None] / len(flat) ** 0.5)
    basis = basis.reshape(components, 68, 3)
    basis[:, MOUTH] /= 2
    return basis.reshape(components, 204).astype(np.float32)


@torch.inference_mode()
def evaluate(
    generator: MotionGenerator, clips: Sequence[PreparedClip], lags: dict[str, float]
) -> dict[str, dict[str, float]]:
    """Score clips one by one: name -> opening correlation, spread ratio, LMD."""
    scores = {}
    for clip in clips:
        heard = speaking_clip(clip, lags.get(clip.clip.name, 0.0))
        generated = generator(torch.from_numpy(heard.mel)[None])[0].numpy()
        scores[clip.clip.name] = _score(generated, heard.expression, clip)
    return scores


def _score(generated: np.ndarray, real: np.ndarray, clip: PreparedClip) -> dict[str, float]:
    from rhapsode.motion.expression import disentangle

    _, rest, _ = disentangle(clip.landmarks)
    a, b = generated + rest, real + rest
    return {
        "mouth_opening_corr": opening_correlation(a, b),
        "opening_std_ratio": opening_spread_ratio(a, b),
        "lmd": lmd(a, b),
    }


@torch.inference_mode()
def measure_lags(generator: MotionGenerator, clips: Sequence[PreparedClip]) -> dict[str, float]:
    """By how many seconds the sound of each clip outside GRID is late, as the generator hears it.

    Where sound and lips agree too little at any lag to be sure (`SURE`), the median of the same folder's sure
    clips is taken.
    """
    measured: dict[str, tuple[float, float]] = {}
    for clip in clips:
        if clip.clip.corpus == IN_STEP:
            continue
        heard = speaking_clip(clip)
        generated = generator(torch.from_numpy(heard.mel)[None])[0].numpy()
        measured[clip.clip.name] = sound_lag(generated, heard.expression, MOTION_RATE)
    lags = {}
    for name, (lag, agreement) in measured.items():
        folder = name.rpartition("/")[0]
        sure = [
            other_lag
            for other, (other_lag, other_agreement) in measured.items()
            if other.rpartition("/")[0] == folder and other_agreement >= SURE
        ]
        lags[name] = lag if agreement >= SURE or not sure else float(np.median(sure))
    return lags


def train(recipe: MotionGeneratorRecipe, progress: Callable[[int, int, float], None] | None = None) -> Path:
    """Run the recipe; returns the path of the weights."""
    torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)
    recipe.out.mkdir(parents=True, exist_ok=True)
    (recipe.out / "recipe.json").write_text(json.dumps(asdict(recipe), default=str, indent=1))
    clips = prepare(read_clips(recipe.data), recipe.store)
    in_step = [clip for clip in clips if clip.clip.split == "train" and clip.clip.corpus == IN_STEP]
    every = [clip for clip in clips if clip.clip.split == "train"]

    first = _fit(recipe, replace(recipe, steps=recipe.align_steps), in_step, {}, "align", progress)
    lags = measure_lags(first, clips)
    (recipe.out / "lags.json").write_text(json.dumps(lags, indent=1))
    generator = _fit(recipe, recipe, every, lags, "train", progress)
    weights = recipe.out / "motion_generator.safetensors"
    generator.save(weights)
    held_out = [clip for clip in clips if clip.clip.split != "train"]
    (recipe.out / "scores.json").write_text(json.dumps(evaluate(generator, held_out, lags), indent=1))
    return weights


def _fit(
    recipe: MotionGeneratorRecipe,
    stage: MotionGeneratorRecipe,
    clips: Sequence[PreparedClip],
    lags: dict[str, float],
    name: str,
    progress: Callable[[int, int, float], None] | None,
) -> MotionGenerator:
    chance = torch.Generator().manual_seed(recipe.seed)
    sampler = WindowSampler(clips, lags, recipe.frames, chance)
    generator = MotionGenerator(recipe.dims)
    generator.basis.copy_(torch.from_numpy(expression_basis(sampler.expressions(), recipe.dims.components)))
    mels = sampler.mels()
    generator.mel_mean.copy_(torch.from_numpy(mels.mean(0)))
    generator.mel_std.copy_(torch.from_numpy(mels.std(0)))
    averaged = torch.optim.swa_utils.AveragedModel(
        generator, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.995)
    )
    optimiser = torch.optim.AdamW(generator.parameters(), lr=recipe.learning_rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.learning_rate, total_steps=stage.steps, pct_start=0.05)
    generator.train()
    with (recipe.out / f"{name}.csv").open("w", newline="") as file:
        log = csv.writer(file)
        log.writerow(["step", "loss", "seconds"])
        began = time.perf_counter()
        for step in range(1, stage.steps + 1):
            mel, expression, mask = sampler.batch(recipe.batch)
            loss = motion_loss(generator(mel), expression, mask, recipe.velocity, recipe.opening)
            optimiser.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(generator.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            averaged.update_parameters(generator)
            if step % 50 == 0:
                log.writerow([step, f"{loss.item():.5f}", f"{time.perf_counter() - began:.1f}"])
                file.flush()
                if progress:
                    progress(step, stage.steps, loss.item())
    best = averaged.module
    assert isinstance(best, MotionGenerator)
    return best.eval()
