"""Train Style Mapping and the Style-Aware Generator on pairs of frames of talking people.

    rhapsode train style-aware-generator --data DATA --out MODEL

Every batch is a few portraits, each with its four ISP images and a row of target frames. Half of them come with extra
photos of their person, which replace ISP images.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Tensor, nn

from rhapsode.data.pairs import Pairs
from rhapsode.data.prepare_pairs import prepare_pairs
from rhapsode.data.still_pairs import prepare_still_pairs
from rhapsode.data.stills import read_stills
from rhapsode.data.store import ClipStore, open_store
from rhapsode.errors import DataError
from rhapsode.models.export import export
from rhapsode.models.style_aware_generator import PictureDims, StyleAwareGenerator, make_patterns
from rhapsode.models.style_mapping import StyleMapping
from rhapsode.paint.networks import PortraitFeatures
from rhapsode.paint.onnx_networks import FOLDER
from rhapsode.progress import Progress, no_progress
from rhapsode.render.mouth_window import DRAWN_CHANNELS, INSIDE
from rhapsode.training.image_losses import (
    PatchGAN,
    adversarial_losses,
    gradient_loss,
    interior_loss,
    photometric,
    ssim_loss,
    temporal_loss,
)
from rhapsode.training.loop import Loop, fit
from rhapsode.training.picture_batches import PairSampler
from rhapsode.training.picture_sample import PictureSample
from rhapsode.training.picture_scores import score, score_mapping
from rhapsode.training.run import Run, describe_clips


@dataclass(frozen=True)
class LossWeights:
    """Weights of the terms of the loss."""

    reconstruction: float = 1.0
    """Of the absolute difference from the target frame (L_G)."""
    interior: float = 2.0
    """Of the same between the lips alone, which are few pixels (L_G)."""
    gradient: float = 1.0
    """Of the difference of image gradients (L_G)."""
    ssim: float = 0.1
    """Of 1 - SSIM (L_G)."""
    temporal: float = 0.5
    """Of the difference of changes from frame to frame (L_G)."""
    photometric: float = 1.0
    """Of the style-aware photometric loss L_sp."""
    mapping: float = 1.0
    """Of the ISP images, against the frames that were retrieved for them."""
    adversarial: float = 0.0
    """Of the adversarial loss (L_G)."""
    matching: float = 0.0
    """Of the matching of the discriminator's features (L_G)."""


@dataclass(frozen=True)
class StyleAwareGeneratorRecipe:
    """Settings of a training of the picture networks."""

    data: Path
    """Folder of clips, or a prepared store of them; the recordings must still be where they were."""
    out: Path
    """Model folder; made where missing."""
    store: Path = Path("stores/clips")
    """Folder of prepared clips, filled on the first run; not used where `data` is a store."""
    pairs: Path = Path("stores/pairs")
    """Folder of prepared pairs of frames, filled on the first run."""
    faces: Path | None = None
    """Folder of stills with a list, `faces.csv`: people with closed lips in one and with open lips in another."""
    dims: PictureDims = field(default_factory=PictureDims)
    """Sizes of the networks."""
    weights: LossWeights = field(default_factory=LossWeights)
    """Weights of the terms of the loss."""
    portraits: int = 2
    """Portraits a step."""
    frames: int = 8
    """Target frames of each portrait, an even number."""
    start: tuple[Path, ...] = ()
    """Weights to start from; what one file lacks is taken from the next, and what all lack is random."""
    discriminator_width: int = 16
    """Channels of the discriminator's first layer."""
    mapping_steps: int = 0
    """Steps for which Style Mapping is trained alone, before."""
    loop: Loop = field(default_factory=lambda: Loop(steps=700, learning_rate=2e-3, check_every=350, threads=2))
    """How the training runs."""


class Trainee(nn.Module):
    """The generator, and the discriminator, which is discarded afterwards."""

    def __init__(self, recipe: StyleAwareGeneratorRecipe) -> None:
        super().__init__()
        self.generator = StyleAwareGenerator(recipe.dims)
        self._weights = weights = recipe.weights
        # Weights without gradient would stall training on several devices.
        adversarial = weights.adversarial or weights.matching
        self.discriminator = PatchGAN(DRAWN_CHANNELS, recipe.discriminator_width) if adversarial else None

    def forward(self, batch: PictureSample) -> dict[str, Tensor]:
        """Compute the terms of the loss of a batch."""
        weights = self._weights
        known: PortraitFeatures[Tensor] = self.generator.encode(
            batch.rest, batch.references, batch.sources, batch.shapes[:, :4], batch.photos, batch.has_photo
        )
        painted = self.generator(known, batch.drawn, batch.shapes[:, 4:])
        flat, real, drawn = painted.flatten(0, 1), batch.real.flatten(0, 1), batch.drawn.flatten(0, 1)
        terms = {
            "reconstruction": weights.reconstruction * (flat - real).abs().mean(),
            "interior": weights.interior * interior_loss(flat, real, drawn[:, INSIDE]),
            "gradient": weights.gradient * gradient_loss(flat, real),
            "ssim": weights.ssim * ssim_loss(flat, real),
            "temporal": weights.temporal * temporal_loss(painted, batch.real),
        }
        if weights.photometric:
            terms["photometric"] = weights.photometric * photometric(flat, real, batch.regions.flatten(0, 1))
        if self.generator.dims.patterns:
            # Photos replace ISP images, which are then not made; a still has no frame to compare them with.
            missing = ((1 - batch.has_photo) * batch.retrieved[:, None])[..., None, None, None]
            made = (missing * known.patterns * known.tone[:, None]).flatten(0, 1)
            retrieved = (missing * batch.real_references).flatten(0, 1)
            terms["mapping"] = weights.mapping * mapping_loss(made, retrieved)
        if self.discriminator is not None:
            tone = known.tone.repeat_interleave(batch.drawn.shape[1], 0)
            if self.generator.dims.patterns:
                flat, real = torch.cat([flat, made]), torch.cat([real, retrieved])
                drawn = torch.cat([drawn, batch.references.flatten(0, 1)])
                tone = torch.cat([tone, known.tone.repeat_interleave(batch.references.shape[1], 0)])
            drawn = torch.cat([drawn[:, :3] / tone, drawn[:, 3:]], 1)
            judged, fooled, matching = adversarial_losses(self.discriminator, flat / tone, real / tone, drawn)
            terms |= {
                "discriminator": judged,
                "adversarial": weights.adversarial * fooled,
                "matching": weights.matching * matching,
            }
        return terms


class MappingTrainee(nn.Module):
    """Style Mapping alone: its ISP images against the frames that were retrieved for them."""

    def __init__(self, mapping: StyleMapping) -> None:
        super().__init__()
        self.mapping = mapping

    def forward(self, batch: PictureSample) -> dict[str, Tensor]:
        """Compute the terms of the loss of a batch."""
        made = make_patterns(self.mapping, batch.rest, batch.references, batch.sources).flatten(0, 1)
        retrieved = batch.real_references.flatten(0, 1)
        interior = interior_loss(made, retrieved, batch.references[:, :, INSIDE].flatten(0, 1))
        return {
            "mapping": mapping_loss(made, retrieved),
            "interior": interior,
            "ssim": 0.1 * ssim_loss(made, retrieved),
        }


def mapping_loss(made: Tensor, retrieved: Tensor) -> Tensor:
    """Compare ISP images with the frames that were retrieved for them, (N, 3, S, S) both."""
    return 2 * (made - retrieved).abs().mean() + gradient_loss(made, retrieved)


def train(recipe: StyleAwareGeneratorRecipe, progress: Progress = no_progress) -> Path:
    """Run the recipe; the model also gets the ONNX networks that run time reads.

    Returns:
        The weights, a file of the model.

    Raises:
        DataError: there is nothing to learn from, or the model folder holds a training with other settings.
        WeightsError: weights to start from cannot be used.
    """
    store = open_store(recipe.data, recipe.store, progress)
    learnt, val = (_pairs(store, split, recipe, progress) for split in ("train", "val"))
    stills = [] if recipe.faces is None else [one for one in read_stills(recipe.faces) if one.split == "train"]
    if stills:
        learnt += prepare_still_pairs(
            stills, recipe.pairs / "stills.safetensors", recipe.dims.window, recipe.loop.threads, progress
        )
    if not learnt:
        raise DataError(f"{recipe.data}: holds no usable clip of split 'train'", "add some to learn from", "no-clips")
    # A val clip of a person of the training tells nothing of strangers: the networks know the teeth.
    known = {pairs.speaker for pairs in learnt}
    val = [pairs for pairs in val if pairs.speaker not in known] or val
    torch.manual_seed(recipe.loop.seed)
    trainee = Trainee(recipe)
    # What can be refused is refused before the run has a folder.
    for path in reversed(recipe.start):
        start_from(trainee.generator, StyleAwareGenerator.load(path))
    run = Run.open(recipe, "style_aware_generator")
    sampler = PairSampler(learnt, recipe.portraits, recipe.frames)
    if recipe.mapping_steps and recipe.dims.patterns:
        _train_mapping(recipe, run.folder, trainee.generator, learnt, val, progress)
    trained = fit(
        run.name,
        trainee,
        sampler.batch,
        lambda module, batch: module(batch),
        lambda module: score(module.generator, val),
        recipe.loop,
        run.folder,
        progress,
    )
    weights = run.path("style_aware_generator.safetensors")
    trained.generator.save(weights)
    exported = export(weights, run.path(FOLDER))
    names = [weights.name, *(f"{FOLDER}/{path.name}" for path in exported)]
    clips = [entry for entry in store.kept if entry.split == "train"]
    shown = {pairs.clip for pairs in learnt if not pairs.retrieved}
    licences = [entry.license for entry in clips] + [one.license for one in stills if one.name in shown]
    people = len({pairs.speaker for pairs in learnt if not pairs.retrieved})
    return run.finish(names, licences, describe_clips(clips) + (f"; stills of {people} people" if stills else ""))


def _train_mapping(
    recipe: StyleAwareGeneratorRecipe,
    folder: Path,
    generator: StyleAwareGenerator,
    learnt: Sequence[Pairs],
    val: Sequence[Pairs],
    progress: Progress,
) -> None:
    """Train Style Mapping alone, in place."""
    sampler = PairSampler(learnt, 2 * recipe.portraits, 2)
    trained = fit(
        "style_mapping",
        MappingTrainee(generator.mapping),
        sampler.batch,
        lambda module, batch: module(batch),
        lambda module: score_mapping(module.mapping, val),
        replace(recipe.loop, steps=recipe.mapping_steps),
        folder,
        progress,
    )
    generator.mapping.load_state_dict(trained.mapping.state_dict())


@torch.no_grad()
def start_from(generator: StyleAwareGenerator, other: StyleAwareGenerator) -> None:
    """Take over another generator's weights, where it has the same layers.

    The weights of input channels that the other lacks, ISP images after the portrait, are set to zero: the painting is
    the other's at first.

    Raises:
        DataError: a layer has another size.
    """
    own = generator.state_dict()
    for name, value in other.state_dict().items():
        if name not in own:
            continue
        mine = own[name]
        if mine.shape[:1] + mine.shape[2:] != value.shape[:1] + value.shape[2:] or mine.shape[1:2] < value.shape[1:2]:
            raise DataError(
                f"weights to start from: {name} has shape {tuple(value.shape)}, here {tuple(mine.shape)}",
                "start from a generator of the same sizes",
            )
        if value.ndim > 1:
            mine.zero_()[:, : value.shape[1]] = value
        else:
            mine.copy_(value)


def _pairs(store: ClipStore, split: str, recipe: StyleAwareGeneratorRecipe, progress: Progress) -> list[Pairs]:
    """Give the pairs of a split, made on the first run."""
    part = ClipStore(store.folder, [entry for entry in store.kept if entry.split == split])
    if not part.entries:
        return []
    return prepare_pairs(part, recipe.pairs / f"{split}.safetensors", recipe.dims.window, progress)
