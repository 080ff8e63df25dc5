"""Train Style Mapping and the Style-Aware Generator on pairs of frames of talking people.

    rhapsode train style-aware-generator --data DATA --out RUN

Every batch is a few portraits, each with its four ISP images and a row of frames asked of it. Half of them come with
other pictures of their person, which take the place of ISP images. The faces are few, so
their colours, light and sharpness are varied, and some are made grey: what is learnt must serve paintings and any skin.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from rhapsode.data.pairs import CLOSED, OPEN, Pairs
from rhapsode.data.prepare_pairs import prepare_pairs
from rhapsode.data.store import ClipStore, open_store
from rhapsode.errors import DataError
from rhapsode.models.style_aware_generator import PictureDims, StyleAwareGenerator, make_patterns
from rhapsode.models.style_mapping import StyleMapping
from rhapsode.paint.extra_photos import match_colours
from rhapsode.paint.networks import PortraitFeatures
from rhapsode.progress import no_progress
from rhapsode.render.mouth_window import ALONG, DRAWN_CHANNELS, INSIDE
from rhapsode.training.image_losses import (
    PatchGAN,
    adversarial_losses,
    gradient_loss,
    interior_loss,
    photometric,
    ssim_loss,
    temporal_loss,
)
from rhapsode.training.loop import Loop, Progress, fit, open_run

#: How often a portrait comes with other pictures of its person, and then each of the four.
_SHOWN, _EACH = 0.5, 0.7
#: Pixels by which these may lie beside it.
_ASIDE = 1
#: A binomial blur, about one pixel wide.
_BLUR = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16


@dataclass(frozen=True)
class LossWeights:
    """Weights of the terms of the loss."""

    reconstruction: float = 1.0
    """Of the difference from the real frame (L_G)."""
    interior: float = 2.0
    """Of the same between the lips alone, which are few pixels (L_G)."""
    gradient: float = 1.0
    """Of the difference of its slopes (L_G)."""
    ssim: float = 0.1
    """Of its structure (L_G)."""
    temporal: float = 0.5
    """Of the change from frame to frame (L_G)."""
    photometric: float = 1.0
    """L_sp."""
    mapping: float = 1.0
    """Of the ISP images, against the frames that were retrieved for them."""
    adversarial: float = 0.0
    """Of what the discriminator does not believe (L_G)."""
    matching: float = 0.0
    """Of the discriminator's features (L_G)."""


@dataclass(frozen=True)
class StyleAwareGeneratorRecipe:
    """Every setting of a training."""

    data: Path
    """Folder of clips, raw or prepared; the recordings must still be where they were."""
    out: Path
    """Folder for weights, checkpoints and logs; made where missing."""
    store: Path = Path("stores/clips")
    """Folder of prepared clips, filled on the first run, where `data` is not one itself."""
    pairs: Path = Path("stores/pairs")
    """Folder of prepared pairs of frames, filled on the first run."""
    dims: PictureDims = field(default_factory=PictureDims)
    """Sizes."""
    weights: LossWeights = field(default_factory=LossWeights)
    """What counts how much."""
    portraits: int = 2
    """Portraits a step."""
    frames: int = 8
    """Frames asked of each."""
    start: tuple[Path, ...] = ()
    """Weights to start from; what one file lacks is taken from the next, and what all lack is drawn at random."""
    discriminator_width: int = 16
    """Channels of the discriminator's first layer."""
    mapping_steps: int = 0
    """Steps for which Style Mapping is trained alone, before."""
    loop: Loop = field(default_factory=lambda: Loop(steps=700, learning_rate=2e-3, check_every=350, threads=2))
    """How the training runs."""


class Trainee(nn.Module):
    """What is trained: the generator, and the discriminator that is thrown away afterwards."""

    def __init__(self, recipe: StyleAwareGeneratorRecipe) -> None:
        super().__init__()
        self.generator = StyleAwareGenerator(recipe.dims)
        self._weights = weights = recipe.weights
        # Weights that nothing learns from would hold up several devices.
        judged = weights.adversarial or weights.matching
        self.discriminator = PatchGAN(DRAWN_CHANNELS, recipe.discriminator_width) if judged else None

    def forward(
        self, rest: Tensor, references: Tensor, sources: Tensor, real_references: Tensor, drawn: Tensor, real: Tensor,
        regions: Tensor, shapes: Tensor, own: Tensor, has_photo: Tensor,
    ) -> dict[str, Tensor]:  # fmt: skip
        """The terms of the loss of a batch, as `PairSampler` draws it."""
        weights = self._weights
        known: PortraitFeatures[Tensor] = self.generator.encode(
            rest, references, sources, shapes[:, :4], own, has_photo
        )
        painted = self.generator(known, drawn, shapes[:, 4:])
        flat, truth, asked = painted.flatten(0, 1), real.flatten(0, 1), drawn.flatten(0, 1)
        terms = {
            "reconstruction": weights.reconstruction * (flat - truth).abs().mean(),
            "interior": weights.interior * interior_loss(flat, truth, asked[:, INSIDE]),
            "gradient": weights.gradient * gradient_loss(flat, truth),
            "ssim": weights.ssim * ssim_loss(flat, truth),
            "temporal": weights.temporal * temporal_loss(painted, real),
        }
        if weights.photometric:
            terms["photometric"] = weights.photometric * photometric(flat, truth, regions.flatten(0, 1))
        if self.generator.dims.patterns:
            # Where a picture was given, nothing was made.
            missing = (1 - has_photo)[..., None, None, None]
            made = (missing * known.patterns * known.tone[:, None]).flatten(0, 1)
            there = (missing * real_references).flatten(0, 1)
            terms["mapping"] = weights.mapping * mapping_loss(made, there)
        if self.discriminator is not None:
            tone = known.tone.repeat_interleave(drawn.shape[1], 0)
            if self.generator.dims.patterns:
                flat, truth = torch.cat([flat, made]), torch.cat([truth, there])
                asked = torch.cat([asked, references.flatten(0, 1)])
                tone = torch.cat([tone, known.tone.repeat_interleave(references.shape[1], 0)])
            asked = torch.cat([asked[:, :3] / tone, asked[:, 3:]], 1)
            judged, fooled, matching = adversarial_losses(self.discriminator, flat / tone, truth / tone, asked)
            terms |= {
                "discriminator": judged,
                "fooled": weights.adversarial * fooled,
                "matching": weights.matching * matching,
            }
        return terms


class MappingTrainee(nn.Module):
    """Style Mapping alone: its ISP images against the frames that were retrieved for them."""

    def __init__(self, mapping: StyleMapping) -> None:
        super().__init__()
        self.mapping = mapping

    def forward(self, rest: Tensor, references: Tensor, sources: Tensor, real_references: Tensor) -> dict[str, Tensor]:
        """The terms of the loss of a batch."""
        made = make_patterns(self.mapping, rest, references, sources).flatten(0, 1)
        there = real_references.flatten(0, 1)
        interior = interior_loss(made, there, references[:, :, INSIDE].flatten(0, 1))
        return {"mapping": mapping_loss(made, there), "interior": interior, "ssim": 0.1 * ssim_loss(made, there)}


def mapping_loss(made: Tensor, there: Tensor) -> Tensor:
    """How far ISP images (N, 3, S, S) are from the frames that were retrieved for them."""
    return 2 * (made - there).abs().mean() + gradient_loss(made, there)


class PairSampler:
    """Draws batches of portraits and the frames asked of them, varied at random."""

    def __init__(self, pairs: Sequence[Pairs], portraits: int, frames: int) -> None:
        self._pairs = pairs
        self._portraits, self._frames = portraits, frames
        speakers = [one.speaker for one in pairs]
        # Every speaker as often as any other: half of the people have a tenth of the clips.
        self._share = torch.tensor([1 / speakers.count(speaker) for speaker in speakers])
        self._others = [others_of(one, pairs) for one in pairs]

    def batch(self, rng: torch.Generator) -> tuple[Tensor, ...]:
        """A batch as `Trainee.forward` takes it."""
        drawn = torch.multinomial(self._share, self._portraits, generator=rng)
        rows = [self._row(int(number), rng) for number in drawn]
        return tuple(torch.stack(column) for column in zip(*rows, strict=True))

    def _row(self, number: int, rng: torch.Generator) -> list[Tensor]:
        pairs, others = self._pairs[number], self._others[number]
        own = None
        if others and float(torch.rand(1, generator=rng)) < _SHOWN:
            other = others[int(torch.randint(len(others), (1,), generator=rng))]
            own = own_of(pairs, other, torch.rand(4, generator=rng).numpy() < _EACH)
        count = len(pairs.real) // 2
        first = 2 * torch.randint(count, (self._frames // 2,), generator=rng)
        chosen = torch.stack([first, first + 1], -1).flatten().numpy()
        row = as_tensors(pairs, chosen, own)
        if own is not None and pairs.own_opening < CLOSED:
            row[5], row[8] = other_teeth(row[5], row[4][:, INSIDE], row[8], rng)
        return augment(row, rng)


@dataclass(frozen=True)
class Own:
    """Other pictures of a portrait's person, laid on its window.

    Attributes:
        pictures: (4, S, S, 4) uint8 RGB, one for each key motion, and how much of each pixel lies between the lips.
        shapes: (4, 4) their mouth shapes.
        has_photo: (4,) which of them are there.
    """

    pictures: np.ndarray
    shapes: np.ndarray
    has_photo: np.ndarray


def others_of(one: Pairs, pairs: Sequence[Pairs]) -> list[Pairs]:
    """Where else the person of a portrait is seen: in other clips, or else in other portraits of this one."""
    same = [other for other in pairs if other.speaker == one.speaker and other is not one]
    return [other for other in same if other.clip != one.clip] or same


def own_of(one: Pairs, other: Pairs, has_photo: np.ndarray) -> Own:
    """The reference images of another portrait of the person, in the light of this one. Windows lie alike on a face."""
    pictures = np.stack([match_colours(picture, one.rest) for picture in other.real_references])
    return Own(np.concatenate([pictures, other.references[..., INSIDE, None]], -1), other.shapes[:4], has_photo)


def as_tensors(pairs: Pairs, chosen: np.ndarray, own: Own | None = None) -> list[Tensor]:
    """One portrait and some of its frames as `Trainee.forward` takes them, but for the leading B."""
    has_photo = np.zeros(4, bool) if own is None else own.has_photo
    shapes = pairs.shapes[:4] if own is None else np.where(has_photo[:, None], own.shapes, pairs.shapes[:4])

    def pictures(array: np.ndarray) -> Tensor:
        return torch.from_numpy(array).movedim(-1, -3).float() / 255

    return [
        pictures(pairs.rest),
        pictures(pairs.references),
        torch.from_numpy(pairs.sources.astype(np.float32)),
        pictures(pairs.real_references),
        pictures(pairs.drawn[chosen]),
        pictures(pairs.real[chosen]),
        torch.from_numpy(pairs.regions[chosen]),
        torch.from_numpy(np.concatenate([shapes, pairs.shapes[4:][chosen]])),
        pictures(np.zeros_like(pairs.references[..., :4]) if own is None else own.pictures),
        torch.from_numpy(has_photo.astype(np.float32)),
    ]


def other_teeth(real: Tensor, inside: Tensor, own: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """The same mouths with other teeth: what lies between the lips is stretched, shifted and lit anew, all alike.

    The people learnt from are few, and a network learns by heart whose teeth are whose. These are known to nobody but
    the person's other pictures, so that it learns to look there.

    Args:
        real: (N, 3, S, S) frames, [0, 1].
        inside: (N, S, S) how much of each pixel lies between the lips.
        own: (4, 4, S, S) other pictures of the person, with the same of these.
        rng: the source of chance.
    """
    stretch, right, down, light, contrast = (2 * torch.rand(5, generator=rng) - 1).tolist()
    stretch, contrast = math.exp(0.2 * stretch), math.exp(0.3 * contrast)
    colour = math.exp(0.3 * light) * torch.exp(0.1 * torch.randn(3, 1, 1, generator=rng))
    affine = torch.tensor([[stretch, 0, 0.15 * right], [0, 1, 0.06 * down]])
    changed = []
    for pictures, between in ((real, inside[:, None]), (own[:, :3], own[:, 3:])):
        grid = functional.affine_grid(affine.expand(len(pictures), 2, 3), list(pictures.shape), align_corners=False)
        moved = functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
        # Only what lies between the lips there as well is teeth; the rest keeps its place.
        both = between * functional.grid_sample(between, grid, align_corners=False)
        middle = (both * moved).sum((2, 3), keepdim=True) / (both.sum((2, 3), keepdim=True) + 1e-3)
        lit = (colour * (middle + contrast * (moved - middle))).clamp(0, 1)
        changed.append(pictures + both * (lit - pictures))
    return changed[0], torch.cat([changed[1], own[:, 3:]], 1)


def augment(row: list[Tensor], rng: torch.Generator) -> list[Tensor]:
    """The same portrait in other light, colours and sharpness, or in a mirror; all its pictures alike."""

    def some(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(*shape, generator=rng)

    rest, references, sources, real_references, drawn, real, regions, shapes, own, has_photo = row
    # The person's other pictures never lie quite on this one, nor are they lit quite alike.
    shift = torch.randint(-_ASIDE, _ASIDE + 1, (2,), generator=rng).tolist()
    light = torch.cat([some(0.9, 1.1, 3, 1, 1), torch.ones(1, 1, 1)])
    own = (own.roll(shift, (-2, -1)) * light).clamp(0, 1)
    row = [*row[:8], own, has_photo]
    colours = torch.eye(3)
    grey = some(0, 1, 1)
    # A third of the pictures loses much or all of its colour, some get more of it.
    fade = float(some(0, 1, 1) if grey < 0.25 else some(-0.2, 0.3, 1))
    colours = (1 - fade) * colours + fade * torch.tensor([0.299, 0.587, 0.114]).expand(3, 3)
    colours = (colours + some(-0.08, 0.08, 3, 3)) * some(0.75, 1.25, 3, 1) * some(0.6, 1.3, 1)
    if grey < 0.08:
        colours = colours.mean(0, keepdim=True).expand(3, 3)
    gamma = torch.exp(some(-0.4, 0.4, 1))
    level = some(-0.05, 0.05, 1)
    soft = float(some(0, 1, 1)) < 0.25

    def change(pictures: Tensor) -> Tensor:
        changed = torch.einsum("ij,...jyx->...iyx", colours, pictures.clamp(1e-4, 1) ** gamma) + level
        changed = changed.clamp(0, 1) * (1 - behind) + colour * behind
        return _soften(changed) if soft else changed

    if float(some(0, 1, 1)) < 0.3:
        return _mirrored(row) if float(some(0, 1, 1)) < 0.5 else row
    behind, colour = _background(rest.shape[-1], rng), some(0, 1, 3, 1, 1) * float(some(0, 1, 1))
    references = torch.cat([change(references[:, :3]), references[:, 3:]], 1)
    drawn = torch.cat([change(drawn[:, :3]), drawn[:, 3:]], 1)
    shown = change(rest), references, sources, change(real_references), drawn, change(real), regions, shapes
    row = [*shown, torch.cat([change(own[:, :3]), own[:, 3:]], 1), has_photo]
    return _mirrored(row) if float(some(0, 1, 1)) < 0.5 else row


def _background(side: int, rng: torch.Generator) -> Tensor:
    """Where a background of one colour hides the edge of a window, (side, side) in [0, 1]; nowhere, half the time.

    In the clips a window holds hardly anything but skin; half of that of a face seen from the side is background.
    """
    turn, reach, there = torch.rand(3, generator=rng).tolist()
    if there < 0.5:
        return torch.zeros(side, side)
    angle = 2 * math.pi * turn
    line = torch.linspace(-1, 1, side)
    along = math.cos(angle) * line[None] + math.sin(angle) * line[:, None]
    return ((along - (0.55 + 0.4 * reach)) * side / 4).clamp(0, 1)


def _mirrored(row: list[Tensor]) -> list[Tensor]:
    rest, references, sources, real_references, drawn, real, regions, shapes, own, has_photo = (
        value if value.ndim <= 2 else value.flip(-1) for value in row
    )
    for places in (references, drawn):
        places[:, ALONG] = 1 - places[:, ALONG]
    # Places are (..., y, x, 2): what was flipped are their coordinates.
    sources = sources.flip(-1).flip(-2) * torch.tensor([-1.0, 1.0]) + torch.tensor([rest.shape[-1] - 1.0, 0.0])
    return [rest, references, sources, real_references, drawn, real, regions, shapes, own, has_photo]


def _soften(pictures: Tensor) -> Tensor:
    flat = pictures.reshape(-1, 1, *pictures.shape[-2:])
    flat = functional.pad(flat, (2, 2, 2, 2), mode="replicate")
    flat = functional.conv2d(functional.conv2d(flat, _BLUR.view(1, 1, 1, 5)), _BLUR.view(1, 1, 5, 1))
    return flat.view_as(pictures)


@torch.inference_mode()
def paint(generator: StyleAwareGenerator, pairs: Pairs, own: Own | None = None) -> np.ndarray:
    """What a generator makes of all the frames asked of a portrait, (N, S, S, 3) float32, [0, 255]."""
    row = [value[None] for value in as_tensors(pairs, np.arange(len(pairs.real)), own)]
    known = generator.encode(row[0], row[1], row[2], row[7][:, :4], row[8], row[9])
    painted = generator(known, row[4], row[7][:, 4:])[0]
    return 255 * painted.clamp(0, 1).movedim(1, -1).numpy()


def inner_mouth_error(painted: np.ndarray, pairs: Pairs, chosen: np.ndarray) -> np.ndarray:
    """Mean difference between the lips for each of the frames chosen, [0, 255]."""
    inside = pairs.drawn[chosen, ..., INSIDE] > 127
    difference = np.abs(painted[chosen] - pairs.real[chosen].astype(np.float32)).mean(-1)
    return np.array([d[i].mean() for d, i in zip(difference, inside, strict=True) if i.any()])


def closed_to_open(pairs: Pairs) -> np.ndarray:
    """Numbers of the frames with an open mouth that are asked of a portrait with a closed one."""
    return np.flatnonzero((pairs.opening > OPEN) & (pairs.own_opening < CLOSED))


def score(generator: StyleAwareGenerator, judged_by: Sequence[Pairs]) -> dict[str, float]:
    """How well a generator does: the first figure is what weights are chosen by, greater is better."""
    device = next(generator.parameters()).device
    generator = generator.to("cpu")
    inner, shown, drawn, whole = [], [], [], []
    for pairs in judged_by:
        painted, chosen = paint(generator, pairs), closed_to_open(pairs)
        inner += list(inner_mouth_error(painted, pairs, chosen))
        drawn += list(inner_mouth_error(pairs.drawn[..., :3].astype(np.float32), pairs, chosen))
        whole.append(np.abs(painted - pairs.real).mean())
        others = others_of(pairs, judged_by)
        if others and generator.dims.patterns:
            painted = paint(generator, pairs, own_of(pairs, others[0], np.ones(4, bool)))
            shown += list(inner_mouth_error(painted, pairs, chosen))
    generator.to(device)
    alone, with_own = (float(np.mean(errors)) if errors else 0.0 for errors in (inner, shown or inner))
    return {
        "score": -(alone + with_own) / 2,
        "inner": alone,
        "inner_own": with_own,
        "of_drawn": float(np.mean(inner) / np.mean(drawn)) if inner else 1.0,
        "whole": float(np.mean(whole)) if whole else 0.0,
    }


def train(recipe: StyleAwareGeneratorRecipe, progress: Progress | None = None) -> Path:
    """Run the recipe; returns the path of the weights.

    Raises:
        DataError: if there is nothing to learn from, or `recipe.out` holds a run of other settings.
    """
    store = open_store(recipe.data, recipe.store, progress or no_progress)
    learnt, judged_by = (_pairs(store, split, recipe, progress) for split in ("train", "val"))
    if not learnt:
        raise DataError(f"{recipe.data}: holds no usable clip of split 'train'; add some")
    # Of whom the networks learn, they know the teeth: such a clip of `val` tells nothing of strangers.
    known = {pairs.speaker for pairs in learnt}
    judged_by = [pairs for pairs in judged_by if pairs.speaker not in known] or judged_by
    torch.manual_seed(recipe.loop.seed)
    trainee = Trainee(recipe)
    # What can be refused is refused before the run has a folder.
    for path in reversed(recipe.start):
        begin_from(trainee.generator, StyleAwareGenerator.load(path))
    open_run(recipe, recipe.out)
    sampler = PairSampler(learnt, recipe.portraits, recipe.frames)

    def check(trained: Trainee) -> dict[str, float]:
        return score(trained.generator, judged_by)

    def loss(trained: nn.Module, drawn: tuple[Tensor, ...]) -> dict[str, Tensor]:
        terms: dict[str, Tensor] = trained(*drawn)
        return terms

    if recipe.mapping_steps and recipe.dims.patterns:
        _train_mapping(recipe, trainee.generator, learnt, judged_by, progress)
    trained = fit("style_aware_generator", trainee, sampler.batch, loss, check, recipe.loop, recipe.out, progress)
    weights = recipe.out / "style_aware_generator.safetensors"
    trained.generator.save(weights)
    return weights


def _train_mapping(
    recipe: StyleAwareGeneratorRecipe,
    generator: StyleAwareGenerator,
    learnt: Sequence[Pairs],
    judged_by: Sequence[Pairs],
    progress: Progress | None,
) -> None:
    """Train Style Mapping alone, in place."""
    sampler = PairSampler(learnt, 2 * recipe.portraits, 2)

    def check(trained: MappingTrainee) -> dict[str, float]:
        errors = []
        device = next(trained.parameters()).device
        trained.to("cpu")
        for pairs in judged_by:
            row = [value[None] for value in as_tensors(pairs, np.arange(0))]
            made = make_patterns(trained.mapping, *row[:3])[0].clamp(0, 1)
            inside = row[1][0, :, INSIDE, None]
            errors.append((255 * ((made - row[3][0]).abs() * inside).sum() / (3 * inside.sum() + 1)).item())
        trained.to(device)
        return {"inner": -float(np.mean(errors)) if errors else 0.0}

    loop = replace(recipe.loop, steps=recipe.mapping_steps)
    trained = fit(
        "style_mapping",
        MappingTrainee(generator.mapping),
        lambda rng: sampler.batch(rng)[:4],
        lambda module, drawn: module(*drawn),
        torch.inference_mode()(check),
        loop,
        recipe.out,
        progress,
    )
    generator.mapping.load_state_dict(trained.mapping.state_dict())


@torch.no_grad()
def begin_from(generator: StyleAwareGenerator, other: StyleAwareGenerator) -> None:
    """Take over another generator's weights, where it has the same layers.

    A layer that sees more channels than the other's, ISP images after the portrait, sees nothing of them at first: the
    painting is the other's.

    Raises:
        DataError: if a layer is of another size altogether.
    """
    own = generator.state_dict()
    for name, value in other.state_dict().items():
        if name not in own:
            continue
        mine = own[name]
        if mine.shape[:1] + mine.shape[2:] != value.shape[:1] + value.shape[2:] or mine.shape[1:2] < value.shape[1:2]:
            raise DataError(f"weights to start from: {name} has shape {tuple(value.shape)}, here {tuple(mine.shape)}")
        if value.ndim > 1:
            mine.zero_()[:, : value.shape[1]] = value
        else:
            mine.copy_(value)


def _pairs(store: ClipStore, split: str, recipe: StyleAwareGeneratorRecipe, progress: Progress | None) -> list[Pairs]:
    """The pairs of a split, made where they are not kept yet."""
    part = ClipStore(store.folder, [entry for entry in store.kept if entry.split == split])
    if not part.entries:
        return []
    path = recipe.pairs / f"{split}.safetensors"
    return prepare_pairs(part, path, recipe.dims.window, progress or no_progress)
