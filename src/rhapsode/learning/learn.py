"""Learn a style from a clip, or take it from the clip's statistics at once."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rhapsode import __version__
from rhapsode.audio.mel import MOTION_RATE
from rhapsode.bundle import DEFAULT
from rhapsode.learning.base import BaseModels
from rhapsode.learning.curve import draw_curve
from rhapsode.learning.liveliness import liveliness
from rhapsode.learning.read_clip import read_style_clip
from rhapsode.learning.recipe import TransferRecipe
from rhapsode.learning.reference_images import reference_pictures, sharpness_at
from rhapsode.learning.statistics import blink_rate_scale, head_gain, transported_readout
from rhapsode.learning.style_clip import StyleClip, rotation_at
from rhapsode.learning.transfer import OnCheck, transfer, unchecked
from rhapsode.progress import Progress, no_progress
from rhapsode.style.library import StyleLibrary
from rhapsode.style.references import clear_frames, key_motions, reference_distances
from rhapsode.style.style import Style

#: Largest number of voice features in a style.
BANK = 500


def learn_style(
    clip: str | Path,
    name: str,
    model: str | Path = DEFAULT,
    *,
    neutral: str | Path | None = None,
    license: str = "",
    recipe: TransferRecipe = TransferRecipe(),  # noqa: B008  (frozen)
    pictures: bool = False,
    library: StyleLibrary | None = None,
    overwrite: bool = False,
    progress: Progress = no_progress,
    on_check: OnCheck = unchecked,
) -> Style:
    """Learn a speaking style from a clip by style transfer, and keep it in the library.

    Args:
        clip: a video of one person who speaks or sings, 1.5 s to 5 min, best 10 s or more.
        name: name of the style.
        model: "default", the model that comes with the package, or a model folder.
        neutral: a picture or clip of the same person with a relaxed face; then a lasting smile or frown is part of the
            style.
        license: terms under which the style may be used.
        recipe: settings of the transfer; the same seed gives the same style.
        pictures: whether the style holds its four reference images, small pictures of the person.
        library: where it is kept; the user's where None. NAME.curve.png beside it shows the learning curve.
        overwrite: whether it may replace a style of that name.
        progress: watches the stages `tracking` and `learning`.
        on_check: is given each row of the learning curve as soon as it is known.

    Raises:
        Cancelled: raised by `progress`.
        PortraitError: no face in the neutral picture.
        StyleError: the clip cannot be used, or the name is taken or not allowed.
        WeightsError: there is no such model, or a file of it is missing or damaged.
    """
    kept = library or StyleLibrary()
    kept.check_free(name, overwrite)
    base = BaseModels.load(model)
    style_clip = read_style_clip(Path(clip), None if neutral is None else Path(neutral), progress)
    wishes: Any = {"license": license, "pictures": pictures, "progress": progress, "on_check": on_check}
    style = transfer_style(style_clip, base, name, recipe, **wishes)
    path = kept.save(style, overwrite)
    draw_curve(style.provenance["curve"], f"{name}: learnt from {style_clip.name}", path.with_name(f"{name}.curve.png"))
    return kept.load(name)  # as stored, in half precision


def style_from_clip(
    clip: str | Path,
    name: str | None = None,
    model: str | Path = DEFAULT,
    *,
    neutral: str | Path | None = None,
    license: str = "",
    progress: Progress = no_progress,
) -> Style:
    """Take a speaking style from a clip without training (zero-shot): faster than `learn_style`, and less similar.

    Args:
        clip: as in `learn_style`.
        name: name of the style; that of the file where None.
        model: as in `learn_style`.
        neutral: as in `learn_style`.
        license: terms under which the style may be used.
        progress: watches the stage `tracking`.

    Raises:
        Cancelled, PortraitError, StyleError, WeightsError: as in `learn_style`.
    """
    base = BaseModels.load(model)
    style_clip = read_style_clip(Path(clip), None if neutral is None else Path(neutral), progress)
    return transport_style(style_clip, base, name or Path(clip).stem, license)


def transfer_style(
    style_clip: StyleClip,
    base: BaseModels,
    name: str,
    recipe: TransferRecipe = TransferRecipe(),  # noqa: B008  (frozen)
    *,
    license: str = "",
    pictures: bool = False,
    progress: Progress = no_progress,
    on_check: OnCheck = unchecked,
) -> Style:
    """Learn a style by style transfer (`transfer`); arguments as in `learn_style`."""
    delta, curve = transfer(base, style_clip, recipe, progress, on_check)
    origin = {"method": "learnt", "seed": recipe.seed, "form": recipe.form, "curve": curve}
    style = _style(style_clip, base, name, delta, recipe.gamma, origin, license)
    return replace(
        style,
        projection=recipe.projection,
        bank=voice_bank(style_clip, base) if recipe.projection else None,
        pictures=reference_pictures(style_clip, choose_references(style_clip)) if pictures else None,
    )


def transport_style(style_clip: StyleClip, base: BaseModels, name: str, license: str = "") -> Style:
    """Take a style's statistics by optimal transport (`statistics`), without training."""
    delta = transported_readout(base.generator, base.replay.motions(base.generator), style_clip.expression)
    return _style(style_clip, base, name, delta, 0.0, {"method": "zero-shot"}, license)


def choose_references(style_clip: StyleClip) -> np.ndarray:
    """Choose the frames of a style clip that serve as reference images, (4,) at 60 frames a second."""
    distances = reference_distances(style_clip.expression, key_motions())
    times = np.arange(len(style_clip.expression)) / MOTION_RATE
    rotation = rotation_at(style_clip.clip, times)
    turned = np.abs(rotation[:, :2] - np.median(rotation[:, :2], axis=0)).max(1)
    return clear_frames(distances, turned, lambda frames: sharpness_at(style_clip, times[frames]), MOTION_RATE)


def voice_bank(style_clip: StyleClip, base: BaseModels) -> np.ndarray:
    """Sample the features of a style clip's voice for manifold projection, (M, F) float32, M at most `BANK`."""
    features = base.hear(style_clip.clip.samples).numpy()[base.generator.look_ahead :]
    return features[:: max(1, -(-len(features) // BANK))]


def _style(
    style_clip: StyleClip,
    base: BaseModels,
    name: str,
    delta: Mapping[str, torch.Tensor],
    gamma: float,
    origin: Mapping[str, Any],
    license: str,
) -> Style:
    return Style(
        name=name,
        delta={key: change.numpy().astype(np.float32) for key, change in delta.items()},
        units=style_clip.lasting,
        response=liveliness(style_clip.clip),
        head_gain=head_gain(style_clip, base.head),
        blink_rate_scale=blink_rate_scale(style_clip),
        references=style_clip.expression[choose_references(style_clip)].astype(np.float32),
        projection=0.0,
        gamma=gamma,
        generator=base.generator.key,
        provenance={
            "clip": style_clip.name,
            "sha256": style_clip.sha256,
            "seconds": round(style_clip.seconds, 2),
            "date": datetime.now(timezone.utc).date().isoformat(),
            "rhapsode": __version__,
            **origin,
        },
        license=license,
    )
