"""What comes of one style clip: its manner, learnt and taken at once, put on the speech of others and scored."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rhapsode.bundle import Bundle
from rhapsode.data.index import Entry
from rhapsode.data.motion_windows import align_clip
from rhapsode.data.store import ClipStore
from rhapsode.evaluation.baselines import Method
from rhapsode.face.geometry import mean_face
from rhapsode.face.landmarks import MOUTH
from rhapsode.face.mouth import lip_opening
from rhapsode.learning.learn import learn, zero_shot
from rhapsode.learning.style_clip import StyleClip
from rhapsode.learning.transfer import TransferRecipe
from rhapsode.media.waveform import SAMPLE_RATE, Waveform
from rhapsode.metrics.mouth import opening_correlation
from rhapsode.metrics.style import MOVED, published_code_distances, style_distances, style_distances_over
from rhapsode.models.motion_generator import MotionGenerator
from rhapsode.motion.head import HeadModel
from rhapsode.motion.retarget import CLOSURE
from rhapsode.motion.stream import generate
from rhapsode.style.motion_model import styled_motion_model

#: Ways of moving that are compared: the generator as shipped, with a clip's statistics, and after style transfer.
METHODS = ("none", "zero_shot", "learnt")
#: Frames of the windows of SLD, SLV and SMD.
WINDOW = 25
#: Landmarks that tell shape and not how a mouth is held at rest.
_SHAPE = np.setdiff1d(MOVED, MOUTH)
#: Squared length, canonical units, under which a face has the mean shape and nothing of it can leak.
_MEAN_SHAPE = 1e-6


@dataclass(frozen=True)
class StyledClip:
    """What came of one style clip.

    Attributes:
        entry: the style clip.
        real: (T, 68, 3) its own offsets from rest, canonical space, 60 a second.
        drivers: names of the clips that lent their voices, and of each
        motions: by method, (T_k, 68, 3) what was made of it.
        figures: by method, as they stand in the result.
        curve: the course of learning, a row for each check.
    """

    entry: Entry
    real: np.ndarray
    drivers: Sequence[str]
    motions: Mapping[str, Sequence[np.ndarray]]
    figures: Mapping[str, Mapping[str, Any]]
    curve: Sequence[Mapping[str, float]]

    @property
    def style(self) -> str:
        """Whose manner it is, and which."""
        return f"{self.entry.speaker} {self.entry.style}"

    @property
    def longest_two(self) -> list[int]:
        """Which of the drivers speak longest."""
        return sorted(range(len(self.drivers)), key=lambda n: -len(self.motions["none"][n]))[:2]


def shape_leak(made: Sequence[np.ndarray], own: np.ndarray, rest: np.ndarray) -> float:
    """How much of a performer's face shape has got into results, beyond the performer's expression.

    Args:
        made: results, (T_k, 68, 3) offsets each.
        own: (T, 68, 3) the performer's own offsets from rest, in which there is no shape.
        rest: (68, 3) the performer's resting face, canonical space.

    Returns:
        How far the mean result has moved along the difference of the performer's face from the mean face: 0 not at all,
        1 as if the face had become the performer's; eyelids and mouth left out. NaN where the performer has the mean
        face.
    """
    shape = (rest - mean_face())[_SHAPE]
    length = float(np.square(shape).sum())
    moved = (np.concatenate(made).mean(0) - own.mean(0))[_SHAPE]
    return float((moved * shape).sum()) / length if length > _MEAN_SHAPE else math.nan


@cache
def models(weights: Path | None) -> tuple[MotionGenerator, HeadModel]:
    """The Motion Generator, the one that comes with the package where None, and the head model."""
    bundle = Bundle.load()
    generator = MotionGenerator.load(weights or bundle.path("motion_generator.safetensors"))
    return generator, HeadModel.load(bundle.path("head_motion.safetensors"))


@dataclass(frozen=True)
class _Driver:
    """A voice to speak with, the real motion in step with it, and the speaker's resting face."""

    sound: Waveform
    real: np.ndarray
    rest: np.ndarray


@cache
def _drivers(folder: Path, entries: tuple[Entry, ...]) -> dict[str, _Driver]:
    drivers = {}
    for entry in entries:
        clip = ClipStore(folder, entries).load(entry)
        spoken = align_clip(clip)
        drivers[entry.name] = _Driver(Waveform(clip.samples, SAMPLE_RATE), spoken.expression, spoken.rest)
    return drivers


def style_one(
    folder: Path, driving: tuple[Entry, ...], weights: Path | None, recipe: TransferRecipe, entry: Entry
) -> StyledClip:
    """Learn from one style clip, let it speak with every voice, and compare.

    Args:
        folder: the store.
        driving: the clips that lend their voices; the style clip itself is left out.
        weights: the Motion Generator; the one that comes with the package where None.
        recipe: settings of the style transfer.
        entry: the style clip.
    """
    torch.set_num_threads(1)
    generator, head = models(weights)
    drivers = {name: driver for name, driver in _drivers(folder, driving).items() if name != entry.name}
    style_clip = StyleClip.from_prepared(ClipStore(folder, [entry]).load(entry))
    began = time.perf_counter()
    learnt = learn(style_clip, generator, head, entry.name, recipe)
    seconds = time.perf_counter() - began
    at_once = zero_shot(style_clip, generator, head, entry.name)
    trained = generator.to_numpy()
    speakers: list[Method] = [
        partial(generate, styled_motion_model(trained, head, each)) for each in (None, at_once, learnt)
    ]
    motions = {
        method: [speak(driver.sound) for driver in drivers.values()]
        for method, speak in zip(METHODS, speakers, strict=True)
    }
    figures = {
        method: _scores(style_clip, made, list(drivers.values()))
        | {"lips_shut": told(lips_shut(made, motions["none"]))}
        | {"shape_leak": told(0.0 if method == "none" else shape_leak(made, style_clip.expression, style_clip.rest))}
        for method, made in motions.items()
    }
    figures["learnt"]["learn_seconds"] = round(seconds, 2)
    curve = learnt.provenance.get("curve", ())
    return StyledClip(entry, style_clip.expression, list(drivers), motions, figures, curve)


def lips_shut(made: Sequence[np.ndarray], plain: Sequence[np.ndarray]) -> float:
    """Of the frames in which the lips of `plain` are shut, the share in which those of `made` are (`CLOSURE`)."""
    there = np.concatenate([lip_opening(each) for each in plain]) < CLOSURE
    shut = np.concatenate([lip_opening(each) for each in made]) < CLOSURE
    return float(shut[there].mean()) if there.any() else math.nan


def _scores(style_clip: StyleClip, made: Sequence[np.ndarray], drivers: Sequence[_Driver]) -> dict[str, Any]:
    style, rest = style_clip.expression, mean_face()
    followed = [
        opening_correlation(each + one.rest, one.real + one.rest) for each, one in zip(made, drivers, strict=True)
    ]
    known = [value for value in followed if not math.isnan(value)]
    distances = {
        "windows_10_100": style_distances_over(style, made, rest),
        "published_code": published_code_distances(style, made, rest, WINDOW),
    }
    return {
        **_rounded(asdict(style_distances(style, made, rest, WINDOW))),
        "mouth_opening_corr": told(float(np.mean(known)) if known else math.nan),
        **{name: _rounded(asdict(each)) for name, each in distances.items()},
    }


def _rounded(figures: Mapping[str, float]) -> dict[str, float | None]:
    return {name: told(value) for name, value in figures.items()}


def told(value: float) -> float | None:
    """A figure as it stands in the result: rounded, None where it is unknown."""
    return None if math.isnan(value) else round(value, 6)
