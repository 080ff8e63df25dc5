"""Score picture networks during a training, on pairs of people that they have not seen."""

from collections.abc import Sequence

import numpy as np
import torch

from rhapsode.data.pairs import CLOSED, OPEN, Pairs
from rhapsode.models.style_aware_generator import StyleAwareGenerator, make_patterns
from rhapsode.models.style_mapping import StyleMapping
from rhapsode.render.mouth_window import INSIDE
from rhapsode.training.picture_batches import Photos, as_sample, others_of, photos_of
from rhapsode.training.picture_sample import PictureSample


@torch.inference_mode()
def paint(generator: StyleAwareGenerator, pairs: Pairs, photos: Photos | None = None) -> np.ndarray:
    """Paint all target frames of a portrait, (N, S, S, 3) float32, [0, 255]."""
    one = _batch(as_sample(pairs, np.arange(len(pairs.real)), photos))
    known = generator.encode(one.rest, one.references, one.sources, one.shapes[:, :4], one.photos, one.has_photo)
    painted = generator(known, one.drawn, one.shapes[:, 4:])[0]
    return 255 * painted.clamp(0, 1).movedim(1, -1).numpy()


def inner_mouth_error(painted: np.ndarray, pairs: Pairs, chosen: np.ndarray) -> np.ndarray:
    """Measure the mean difference between the lips of each chosen frame, [0, 255]."""
    inside = pairs.drawn[chosen, ..., INSIDE] > 127
    difference = np.abs(painted[chosen] - pairs.real[chosen].astype(np.float32)).mean(-1)
    return np.array([d[i].mean() for d, i in zip(difference, inside, strict=True) if i.any()])


def closed_to_open(pairs: Pairs) -> np.ndarray:
    """Number the target frames with an open mouth, where the portrait's is closed; none where it is not."""
    return np.flatnonzero((pairs.opening > OPEN) & (pairs.own_opening < CLOSED))


def score(generator: StyleAwareGenerator, val: Sequence[Pairs]) -> dict[str, float]:
    """Score a generator.

    Args:
        generator: on any device.
        val: pairs to score on.

    Returns:
        `score`, by which weights are chosen (greater is better); error between the lips of frames with an open mouth
        painted on a portrait with a closed one, alone (`inner`) and with extra photos (`inner_photos`), [0, 255];
        `of_drawn`, the first as a share of the explicit renderer's; and `whole`, the error of the window, [0, 255].
    """
    device = next(generator.parameters()).device
    generator = generator.to("cpu")
    inner, with_photos, drawn, whole = [], [], [], []
    for pairs in val:
        painted, chosen = paint(generator, pairs), closed_to_open(pairs)
        inner += list(inner_mouth_error(painted, pairs, chosen))
        drawn += list(inner_mouth_error(pairs.drawn[..., :3].astype(np.float32), pairs, chosen))
        whole.append(np.abs(painted - pairs.real).mean())
        others = others_of(pairs, val)
        if others and generator.dims.patterns:
            painted = paint(generator, pairs, photos_of(pairs, others[0], np.ones(4, bool)))
            with_photos += list(inner_mouth_error(painted, pairs, chosen))
    generator.to(device)
    alone, helped = (float(np.mean(errors)) if errors else 0.0 for errors in (inner, with_photos or inner))
    return {
        "score": -(alone + helped) / 2,
        "inner": alone,
        "inner_photos": helped,
        "of_drawn": float(np.mean(inner) / np.mean(drawn)) if inner else 1.0,
        "whole": float(np.mean(whole)) if whole else 0.0,
    }


@torch.inference_mode()
def score_mapping(mapping: StyleMapping, val: Sequence[Pairs]) -> dict[str, float]:
    """Score Style Mapping alone: `inner`, minus the error of ISP images between the lips, [0, 255]."""
    errors = []
    device = next(mapping.parameters()).device
    mapping.to("cpu")
    for pairs in val:
        one = _batch(as_sample(pairs, np.arange(0)))
        made = make_patterns(mapping, one.rest, one.references, one.sources)[0].clamp(0, 1)
        inside = one.references[0, :, INSIDE, None]
        error = ((made - one.real_references[0]).abs() * inside).sum() / (3 * inside.sum() + 1)
        errors.append((255 * error).item())
    mapping.to(device)
    return {"inner": -float(np.mean(errors)) if errors else 0.0}


def _batch(sample: PictureSample) -> PictureSample:
    """Put a batch of one around a sample."""
    return PictureSample(*(value[None] for value in sample))
