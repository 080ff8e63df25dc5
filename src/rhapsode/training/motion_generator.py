"""Train the Motion Generator on talking-face clips.

    rhapsode train motion-generator --data DATA --out RUN

Recordings whose sound and lips are out of step do harm, so training goes in rounds: learn from GRID, which is in step;
hear every other clip with what was learnt and measure by how much its sound is late; learn from all that could be
measured, that lag taken out; and once more, since the second ear hears better than the first.
"""

import copy
import csv
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from rhapsode.audio.mel import MOTION_RATE
from rhapsode.data.clips import read_clips
from rhapsode.data.speaking import WindowSampler, speaking_clip
from rhapsode.data.store import PreparedClip, prepare
from rhapsode.face.landmarks import EYES, INNER_LIP_PAIRS, INNER_LIPS, JAW, MOUTH
from rhapsode.metrics.landmarks import lmd
from rhapsode.metrics.mouth import opening_correlation, opening_spread_ratio, sound_lag
from rhapsode.motion.generator import GeneratorDims, MotionGenerator

#: The corpus whose sound and lips are in step as recorded.
IN_STEP = "grid"
#: Correlation of generated and real mouth opening from which a measured lag is believed; below it a clip is not
#: learnt from.
SURE = 0.25

#: An opening of this size (canonical units above rest) or less is a closure, and errors there weigh so much more.
CLOSED, CLOSURE_WEIGHT = 0.02, 4.0


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
    """Steps on the corpus in step, before the lags of the others are measured."""
    steps: int = 1000
    """Steps on all clips in step or mended, in each of the two rounds that follow."""
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
    check_every: int = 100
    """Steps between looks at the val clips; the best weights seen there are kept."""
    seed: int = 0
    """Source of chance."""
    threads: int = 1
    """Cores to compute on."""


def motion_loss(generated: Tensor, real: Tensor, mask: Tensor, velocity: float, opening: float) -> Tensor:
    """L_mg: how far generated motion is from real motion.

    Position, velocity, and the signed opening between the inner lips, as mean squares; the mouth counts most, the
    eyelids not at all, and an opening counts more where the real lips are closed, since eyes forgive a mouth that
    opens too little before one that never shuts.

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
    lower, upper = INNER_LIP_PAIRS[:, 1].tolist(), INNER_LIP_PAIRS[:, 0].tolist()
    gap = error[:, :, lower, 1] - error[:, :, upper, 1]
    closed = (-((real[:, :, lower, 1] - real[:, :, upper, 1]) / CLOSED).square()).exp()
    gap = gap.square() * (1 + CLOSURE_WEIGHT * closed)
    count = mask.sum()
    position = (error.square().sum(-1) * weight).sum() / count
    speed = (moved.square().sum(-1) * weight).sum() / count
    return 100 * (position + velocity * speed + opening * gap.mean(-1).sum() / count / 5)


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
    generator: MotionGenerator, clips: Sequence[PreparedClip], lags: Mapping[str, float]
) -> dict[str, dict[str, float]]:
    """Score clips one by one: name -> opening correlation, spread ratio, LMD (canonical units)."""
    scores = {}
    for clip in clips:
        heard = speaking_clip(clip, lags.get(clip.clip.name, 0.0))
        generated = generator(torch.from_numpy(heard.mel)[None])[0].numpy()
        face = heard.rest
        scores[clip.clip.name] = {
            "mouth_opening_corr": opening_correlation(generated + face, heard.expression + face),
            "opening_std_ratio": opening_spread_ratio(generated + face, heard.expression + face),
            "lmd": lmd(generated, heard.expression),
        }
    return scores


@torch.inference_mode()
def measure_lags(
    generator: MotionGenerator, clips: Sequence[PreparedClip]
) -> tuple[dict[str, float], dict[str, float]]:
    """By how many seconds the sound of each clip outside `IN_STEP` is late, as the generator hears it.

    Returns:
        name -> lag, and name -> correlation of the mouth openings at that lag; `SURE` says from where to believe it.
    """
    lags, agreements = {}, {}
    for clip in clips:
        if clip.clip.corpus == IN_STEP:
            continue
        heard = speaking_clip(clip)
        generated = generator(torch.from_numpy(heard.mel)[None])[0].numpy()
        lags[clip.clip.name], agreements[clip.clip.name] = sound_lag(
            generated + heard.rest, heard.expression + heard.rest, MOTION_RATE
        )
    return lags, agreements


def train(recipe: MotionGeneratorRecipe, progress: Callable[[str, int, int], None] | None = None) -> Path:
    """Run the recipe; returns the path of the weights.

    Args:
        recipe: every setting.
        progress: called now and then with (stage, done, in all).
    """
    torch.set_num_threads(recipe.threads)
    torch.manual_seed(recipe.seed)
    recipe.out.mkdir(parents=True, exist_ok=True)
    _write_json(recipe.out / "recipe.json", asdict(recipe))
    clips = prepare(read_clips(recipe.data), recipe.store, progress and partial(progress, "clips"))
    learnt_from = [clip for clip in clips if clip.clip.split == "train"]
    in_step = [clip for clip in learnt_from if clip.clip.corpus == IN_STEP]
    judged_by = [clip for clip in clips if clip.clip.split == "val"]

    generator = _fit(recipe, recipe.align_steps, in_step, [], {}, "round0", progress)
    for number in (1, 2):
        lags, agreements = measure_lags(generator, clips)
        _write_json(recipe.out / f"lags{number}.json", {name: [lags[name], agreements[name]] for name in lags})
        sure = [clip for clip in learnt_from if agreements.get(clip.clip.name, 1.0) >= SURE]
        generator = _fit(recipe, recipe.steps, sure, judged_by, lags, f"round{number}", progress)
    lags, _ = measure_lags(generator, clips)
    weights = recipe.out / "motion_generator.safetensors"
    generator.save(weights)
    held_out = [clip for clip in clips if clip.clip.split != "train"]
    _write_json(recipe.out / "scores.json", evaluate(generator, held_out, lags))
    return weights


def _fit(
    recipe: MotionGeneratorRecipe,
    steps: int,
    clips: Sequence[PreparedClip],
    judged_by: Sequence[PreparedClip],
    lags: Mapping[str, float],
    name: str,
    progress: Callable[[str, int, int], None] | None,
) -> MotionGenerator:
    """Train on `clips`; of the averaged weights, keep those that do best on `judged_by`, or the last."""
    sampler = WindowSampler(clips, lags, recipe.frames, torch.Generator().manual_seed(recipe.seed))
    generator = MotionGenerator(recipe.dims)
    generator.basis.copy_(torch.from_numpy(expression_basis(sampler.expressions(), recipe.dims.components)))
    mels = sampler.mels()
    loud = mels[mels.mean(1) > mels.mean()]
    generator.mel_mean.copy_(torch.from_numpy(loud.mean(0)))
    generator.mel_std.copy_(torch.from_numpy(mels.std(0)))
    averaged = AveragedModel(generator, multi_avg_fn=get_ema_multi_avg_fn(0.99))  # type: ignore[no-untyped-call]
    candidate = cast(MotionGenerator, averaged.module)
    optimiser = torch.optim.AdamW(generator.parameters(), lr=recipe.learning_rate, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.learning_rate, total_steps=steps, pct_start=0.05)
    best, best_score = candidate, -1.0
    with (recipe.out / f"{name}.csv").open("w", newline="") as file:
        log = csv.writer(file)
        log.writerow(["step", "loss", "val_mouth_opening_corr", "seconds"])
        began = time.perf_counter()
        for step in range(1, steps + 1):
            generator.train()
            mel, expression, mask = sampler.batch(recipe.batch)
            loss = motion_loss(generator(mel), expression, mask, recipe.velocity, recipe.opening)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(generator.parameters(), 1.0)
            optimiser.step()
            schedule.step()
            averaged.update_parameters(generator)
            if step % recipe.check_every and step < steps:
                continue
            candidate.eval()
            scores = evaluate(candidate, judged_by, lags)
            each = [score["mouth_opening_corr"] for score in scores.values()]
            score = float(np.mean(each)) if each else float("nan")
            if score > best_score:
                best, best_score = copy.deepcopy(candidate), score
            log.writerow([step, f"{loss.item():.5f}", f"{score:.4f}", f"{time.perf_counter() - began:.1f}"])
            file.flush()
            if progress:
                progress(name, step, steps)
    return best.eval()


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, default=str, indent=1) + "\n")
