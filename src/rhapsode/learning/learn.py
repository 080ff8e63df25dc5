"""From a clip of a performance to a style."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rhapsode import __version__
from rhapsode.audio.mel import MOTION_RATE
from rhapsode.bundle import Bundle
from rhapsode.errors import StyleError
from rhapsode.learning.curve import draw_curve
from rhapsode.learning.reference_images import pictures_at, reference_pictures, sharpness_of
from rhapsode.learning.replay import ReplaySet
from rhapsode.learning.statistics import blink_rate_scale, head_gain, transported_readout
from rhapsode.learning.style_clip import StyleClip, pose_at, read_style_clip
from rhapsode.learning.transfer import TransferRecipe, transfer
from rhapsode.models.motion_generator import MotionGenerator
from rhapsode.motion.head import HeadModel
from rhapsode.progress import no_progress
from rhapsode.style.library import StyleLibrary
from rhapsode.style.references import clear_frames, key_motions, reference_distances
from rhapsode.style.style import Style

#: Features of the voice that a style keeps, at most.
BANK = 500


def learn(
    style_clip: StyleClip,
    generator: MotionGenerator,
    head: HeadModel,
    name: str,
    recipe: TransferRecipe = TransferRecipe(),  # noqa: B008  (frozen)
    progress: Callable[[int, int], None] | None = None,
    license: str = "",
    pictures: bool = False,
) -> Style:
    """Learn a manner by style transfer (`style.transfer`).

    Args:
        style_clip: the style clip.
        generator: as shipped.
        head: as shipped.
        name: what the style is called.
        recipe: settings of the transfer.
        progress: called with (steps done, steps in all).
        license: terms under which the style may be used.
        pictures: whether the style keeps its four reference images as pictures of the person.

    Raises:
        StyleError: if the rehearsal was not made for this generator.
        WeightsError: if files of the package are missing or damaged.
    """
    replay = _rehearsal(generator)
    changes, course = transfer(generator, style_clip, replay, recipe, progress)
    how = {"method": "learnt", "seed": recipe.seed, "form": recipe.form, "curve": course}
    style = _style(style_clip, generator, head, name, changes, recipe.gamma, how, license)
    kept = reference_pictures(style_clip, references_of(style_clip)) if pictures else None
    bank = voice_bank(style_clip, generator) if recipe.projection else None
    return replace(style, projection=recipe.projection, bank=bank, pictures=kept)


def zero_shot(style_clip: StyleClip, generator: MotionGenerator, head: HeadModel, name: str) -> Style:
    """Take a manner's statistics, at once (`style.statistics`); arguments and errors as in `learn`."""
    changes = transported_readout(generator, _rehearsal(generator).moved(generator), style_clip.expression)
    return _style(style_clip, generator, head, name, changes, 0.0, {"method": "zero-shot"}, "")


def learn_style(
    clip: str | Path,
    name: str,
    *,
    neutral: str | Path | None = None,
    license: str = "",
    seed: int = 0,
    pictures: bool = False,
    library: StyleLibrary | None = None,
    overwrite: bool = False,
    progress: Callable[[str, int, int], None] | None = None,
) -> Style:
    """Learn a manner of speaking from a clip, and keep it in the library.

    Args:
        clip: a video of one person who speaks or sings, 1.5 s to 5 min, 10 s or more for the best.
        name: what the style is to be called: small letters, digits, - and _.
        neutral: a picture or clip of the same person with a face at ease; then a smile or a frown that lasts belongs to
            the style.
        license: terms under which the style may be used.
        seed: source of chance; the same seed gives the same style.
        pictures: whether the style keeps its four reference images, small pictures of the person; else it holds none.
        library: where it is kept; the user's where None. Beside it NAME.curve.png shows how it was learnt.
        overwrite: whether it may take the place of one of that name.
        progress: called with (stage, done, in all).

    Raises:
        StyleError: a clip that cannot be used, or a name that is taken or not allowed.
        PortraitError: no face in the neutral picture.
    """
    kept = library or StyleLibrary()
    kept.check_free(name, overwrite)
    style_clip = read_style_clip(Path(clip), None if neutral is None else Path(neutral), progress or no_progress)
    bundle = Bundle.load()
    generator = MotionGenerator.load(bundle.path("motion_generator.safetensors"))
    head = HeadModel.load(bundle.path("head_motion.safetensors"))
    told = progress and partial(progress, "learning")
    style = learn(style_clip, generator, head, name, TransferRecipe(seed=seed), told, license, pictures)
    path = kept.save(style, overwrite)
    draw_curve(style.provenance["curve"], f"{name}: learnt from {style_clip.name}", path.with_name(f"{name}.curve.png"))
    return kept.load(name)  # as it is kept, in half precision


def references_of(style_clip: StyleClip) -> np.ndarray:
    """The frames of a performance that serve as reference images, (4,), counted 60 a second."""
    distances = reference_distances(style_clip.expression, key_motions())
    moments = np.arange(len(style_clip.expression)) / MOTION_RATE
    rotation = pose_at(style_clip.clip, moments)
    turned = np.abs(rotation[:, :2] - np.median(rotation[:, :2], axis=0)).max(1)

    def sharpness(frames: np.ndarray) -> np.ndarray:
        pictures = pictures_at(style_clip, moments[frames])
        return (
            np.array([sharpness_of(one) for one in pictures])
            if len(pictures) == len(frames)
            else -np.arange(len(frames))
        )

    return clear_frames(distances, turned, sharpness, MOTION_RATE)


def voice_bank(style_clip: StyleClip, generator: MotionGenerator) -> np.ndarray:
    """Sample the features of a style clip's voice for manifold projection, (M, F) float32, M at most `BANK`."""
    features = generator.features(torch.from_numpy(style_clip.mel)).numpy()[generator.dims.look_ahead :]
    return features[:: max(1, -(-len(features) // BANK))]


def _rehearsal(generator: MotionGenerator) -> ReplaySet:
    replay = ReplaySet.shipped()
    if replay.generator != generator.key:
        raise StyleError(
            f"the rehearsal was made for Motion Generator {replay.generator}, and this one is {generator.key}; "
            "make it anew with rhapsode train rehearsal"
        )
    return replay


def _style(
    style_clip: StyleClip,
    generator: MotionGenerator,
    head: HeadModel,
    name: str,
    changes: Mapping[str, torch.Tensor],
    gamma: float,
    how: Mapping[str, Any],
    license: str,
) -> Style:
    frames = references_of(style_clip)
    return Style(
        name=name,
        delta={key: change.numpy().astype(np.float32) for key, change in changes.items()},
        rest_expression=style_clip.rest_expression,
        eyelid_offset=style_clip.eyelid_offset,
        head_gain=head_gain(style_clip, head),
        blink_rate_scale=blink_rate_scale(style_clip),
        references=style_clip.expression[frames].astype(np.float32),
        projection=0.0,
        gamma=gamma,
        generator=generator.key,
        provenance={
            "clip": style_clip.name,
            "sha256": style_clip.sha256,
            "seconds": round(style_clip.seconds, 2),
            "date": datetime.now(timezone.utc).date().isoformat(),
            "rhapsode": __version__,
            **how,
        },
        license=license,
    )
