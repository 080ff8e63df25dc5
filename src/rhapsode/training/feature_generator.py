"""Train a Motion Generator on an encoder's features, from clips and from speech without video.

Every person is drawn as often as any other, faces are mirrored, and the sound of every clip is played at several speeds
and augmented. For speech without video, teachers predict the motion (`training.lip_teachers`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from rhapsode.bundle import DEFAULT, MANIFEST, Bundle
from rhapsode.data.motion_windows import AlignedClip, WindowBatch, align_clip
from rhapsode.data.store import PreparedClip, open_store
from rhapsode.face.mouth import lip_opening
from rhapsode.files import atomic_write
from rhapsode.metrics.mouth import opening_correlation, opening_spread_ratio
from rhapsode.models.feature_generator import FeatureGenerator
from rhapsode.models.motion_loss import motion_loss
from rhapsode.motion.dims import FeatureGeneratorDims
from rhapsode.motion.model import ENCODER, GENERATOR
from rhapsode.motion.windowed_encoder import WindowedEncoder
from rhapsode.progress import Progress, no_progress
from rhapsode.training.feature_windows import Extract, FeatureWindows, UnfilmedWindows, extractor
from rhapsode.training.loop import Loop, fit
from rhapsode.training.run import Run, describe_clips
from rhapsode.training.windowed_encoder import correlation

#: Weights of the terms beside 1 - correlation of the opening.
SQUARED, MOTION, SPREAD, CLOSURE = 30.0, 0.4, 0.1, 80.0
#: Real lips nearer than `SHUT` (canonical units above rest) are shut; generated ones should then be nearer than `NEAR`.
#: Lips may cross by no more than `CROSSED`, since beyond that the distance between them grows again.
SHUT, NEAR, CROSSED = 0.01, 0.008, 0.01
#: Greatest factor by which motion is enlarged to bring it to natural spread.
GAIN_LIMIT = 1.5

#: An encoder's features (T, F) of a clip, and the clip's motion at 60 frames a second.
ScoredClip = tuple[np.ndarray, AlignedClip]


@dataclass(frozen=True)
class FeatureGeneratorRecipe:
    """Settings of a training of a generator on features."""

    data: Path
    """Folder of clips, or a prepared store of them."""
    out: Path
    """Model folder; made where missing."""
    store: Path = Path("stores/clips")
    """Folder of prepared clips, filled on the first run; not used where `data` is a store."""
    encoder: Path | None = None
    """The windowed encoder (ONNX), which joins the model; that of the model folder, or the default, where None."""
    dims: FeatureGeneratorDims = field(default_factory=FeatureGeneratorDims)
    """Sizes of the generator."""
    motion_of_speech: Path | None = None
    """Folder of speech without video, and the motion that teachers predict for it (`lip_teachers.predict`)."""
    spoken_motion: Path | None = None
    """Folder of synthesised speech, and motion whose lips meet and part on time (`spoken_motion.speak`)."""
    variants: int = 2
    """Augmented variants of every clip's sound, at each speed, heard live and as a file in turn."""
    batch: int = 16
    """Windows of clips a step."""
    unfilmed: int = 24
    """Windows of speech without video a step, where there is some."""
    spoken: int = 4
    """Windows of synthesised speech a step, where there is some."""
    loop: Loop = field(default_factory=lambda: Loop(steps=600, weight_decay=0.05))
    """How the training runs."""


def generator_loss(made: Tensor, real: Tensor, there: Tensor) -> dict[str, Tensor]:
    """Compute the terms of the loss.

    `corr`: 1 - correlation of the opening over the window; `squared`: error of the opening, each with zero mean;
    `spread`: how far its spread is from the real one, in logarithms; `closure`: how far lips are open where they should
    be shut, squared; `crossed`: how far lips cross, squared; `motion`: L_mg, all landmarks and their velocity.

    Args:
        made: (B, T, 68, 3) generated offsets from rest.
        real: (B, T, 68, 3) tracked ones.
        there: (B, T), 1 for frames that count.
    """
    count = there.sum(1, keepdim=True).clamp(min=1)

    def centred(values: Tensor) -> Tensor:
        return (values - (values * there).sum(1, keepdim=True) / count) * there

    opening, wanted = lip_opening(made), lip_opening(real)
    a, b = centred(opening), centred(wanted)
    shut = (wanted < SHUT) * there
    moved = (b.square().sum(1) > 1e-6 * count[:, 0]).float()
    corr = (1 - correlation(a[..., None], b[..., None], there[..., None])[:, 0]) * moved
    ratio = (a.square().sum(1) + 1e-6).log() - (b.square().sum(1) + 1e-6).log()
    return {
        "corr": corr.mean(),
        "squared": SQUARED * ((a - b).square().sum(1) / count[:, 0]).mean(),
        "spread": SPREAD * (ratio.square() / 4 * moved).mean(),
        "closure": CLOSURE * ((opening - NEAR).relu().square() * shut).sum() / shut.sum().clamp(min=1),
        "crossed": 10 * CLOSURE * (((-CROSSED - opening).relu().square() * there).sum(1) / count[:, 0]).mean(),
        "motion": MOTION * motion_loss(made, real, there),
    }


@torch.inference_mode()
def score(generator: nn.Module, clips: Sequence[ScoredClip]) -> dict[str, float]:
    """Average correlation and spread ratio of the mouth opening over clips.

    This compares weights with one another during a training.
    """
    device = next(generator.parameters()).device
    scores = []
    for features, clip in clips:
        made = generator(torch.from_numpy(features.astype(np.float32))[None].to(device))
        face = made[0].cpu().numpy() + clip.rest
        real = clip.expression + clip.rest
        scores.append((opening_correlation(face, real), opening_spread_ratio(face, real)))
    corr, spread = np.mean(scores, 0) if scores else (0.0, 0.0)
    return {"mouth_opening_corr": float(corr), "opening_std_ratio": float(spread)}


def train_generator(
    windows: FeatureWindows,
    val: Sequence[ScoredClip],
    dims: FeatureGeneratorDims,
    loop: Loop,
    out: Path,
    name: str = "feature_generator",
    unfilmed: Sequence[Callable[[torch.Generator], WindowBatch]] = (),
    batch: int = 24,
    progress: Progress = no_progress,
) -> FeatureGenerator:
    """Train on windows of clips, and keep the averaged weights that score best on the clips `val`.

    Args:
        windows: clips to learn from.
        val: clips to choose weights by.
        dims: sizes of the generator.
        loop: how the training runs.
        out: folder for log and checkpoint.
        name: of both.
        unfilmed: each draws windows of speech without video, which are joined to those of clips.
        batch: windows of clips a step.
        progress: told at each check.
    """
    torch.manual_seed(loop.seed)
    generator = FeatureGenerator(dims)
    mean, std = (torch.from_numpy(each) for each in windows.spread())
    with torch.no_grad():  # the input in unit spread, whatever the encoder's is
        generator.embed.weight.div_(std)
        generator.embed.bias.sub_(generator.embed.weight @ mean)
    generator.basis.copy_(torch.from_numpy(windows.basis(dims.components)))

    def draw(rng: torch.Generator) -> WindowBatch:
        drawn = [windows.batch(batch, rng), *(one(rng) for one in unfilmed)]
        return WindowBatch(*map(torch.cat, zip(*drawn, strict=True)))

    def loss(module: nn.Module, drawn: WindowBatch) -> dict[str, Tensor]:
        return generator_loss(module(drawn.features), drawn.expression, drawn.real)

    def check(module: FeatureGenerator) -> dict[str, float]:
        return {f"val_{key}": value for key, value in score(module, val).items()}

    return fit(name, generator, draw, loss, check, loop, out, progress)


def scored_clips(clips: Sequence[PreparedClip], extract: Extract) -> list[ScoredClip]:
    """Bring clips to the form that they are scored in."""
    aligned = [align_clip(clip, extract=lambda samples: samples) for clip in clips]
    return [(extract(clip.features, len(clip.expression))[0], clip) for clip in aligned]


def train(recipe: FeatureGeneratorRecipe, progress: Progress = no_progress) -> Path:
    """Run the recipe.

    Returns:
        The weights, a file of the model.

    Raises:
        DataError: there is nothing to learn from, or the model folder holds a training with other settings.
        WeightsError: the encoder cannot be used.
    """
    model = Bundle.load(recipe.out if (recipe.out / MANIFEST).is_file() else DEFAULT)
    encoder = WindowedEncoder.load(recipe.encoder or model.path(ENCODER))
    store = open_store(recipe.data, recipe.store, progress)
    run = Run.open(recipe, "feature_generator")
    learnt = [entry for entry in store.entries if entry.split == "train"]
    windows = FeatureWindows.of(map(store.load, learnt), extractor(encoder, recipe.variants))
    judged = [store.load(entry) for entry in store.entries if entry.split == "val"]
    val = scored_clips(judged, extractor(encoder, 0))
    unfilmed = [
        partial(UnfilmedWindows(folder, encoder, windows.frames).batch, count)
        for folder, count in ((recipe.motion_of_speech, recipe.unfilmed), (recipe.spoken_motion, recipe.spoken))
        if folder
    ]
    generator = train_generator(
        windows, val, recipe.dims, recipe.loop, run.folder, run.name, unfilmed, recipe.batch, progress
    )
    if val:
        # Regression to the mean makes motion too small; half (in the logarithm) of what it lacks is added.
        spread = score(generator, val)["opening_std_ratio"]
        with torch.no_grad():
            generator.basis.mul_(min(max(spread, 1e-3) ** -0.5, GAIN_LIMIT))
    generator.save(run.path(GENERATOR))
    made = [GENERATOR]
    if recipe.encoder:
        # The generator runs with the encoder that it learnt from, not with the default's.
        atomic_write(run.path(ENCODER), recipe.encoder.read_bytes())
        made.append(ENCODER)
    data = describe_clips(learnt) + ("; speech without video" if unfilmed else "")
    return run.finish(made, [entry.license for entry in learnt], data)
