"""Evaluate one style clip: its style, learnt and taken at once, put on the speech of others and scored."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from rhapsode.data.index import Entry
from rhapsode.data.motion_windows import align_clip
from rhapsode.data.store import ClipStore
from rhapsode.evaluation.seen_expressions import SeenStyle, Stage, Viewing
from rhapsode.face.geometry import mean_face
from rhapsode.face.landmarks import MOUTH
from rhapsode.face.mouth import lip_opening
from rhapsode.learning.base import BaseModels
from rhapsode.learning.learn import transfer_style, transport_style
from rhapsode.learning.recipe import TransferRecipe
from rhapsode.learning.style_clip import StyleClip
from rhapsode.media.waveform import SAMPLE_RATE, Waveform
from rhapsode.metrics.mouth import opening_correlation
from rhapsode.metrics.style import MOVED, published_code_distances, style_distances, style_distances_over
from rhapsode.motion.retarget import CLOSURE
from rhapsode.motion.stream import generate
from rhapsode.style.motion_model import styled_motion_model
from rhapsode.style.style import Style

#: What is compared: the generator without style, with a clip's statistics, and after style transfer.
METHODS = ("none", "zero_shot", "learnt")
#: Frames in a window of SLD, SLV and SMD.
WINDOW = 25
#: Landmarks that show the shape of a face, not how the mouth is held at rest.
_SHAPE = np.setdiff1d(MOVED, MOUTH)
#: Squared distance from the mean face, canonical units, below which a face has no shape of its own to leak.
_MEAN_SHAPE = 1e-6


@dataclass(frozen=True)
class StyledClip:
    """Hold the results of one style clip.

    Attributes:
        entry: the style clip.
        real: (T, 68, 3) its own offsets from rest, canonical space, 60 a second.
        drivers: names of the driving clips.
        motions: by method, for each driving clip the generated motion (T_k, 68, 3).
        figures: by method, as they stand in the result.
        curve: learning curve, a row for each check.
        learnt: the style, learnt.
        seen: what portraits show with the learnt style; None where none was looked at.
    """

    entry: Entry
    real: np.ndarray
    drivers: Sequence[str]
    motions: Mapping[str, Sequence[np.ndarray]]
    figures: Mapping[str, Mapping[str, Any]]
    curve: Sequence[Mapping[str, float]]
    learnt: Style
    seen: SeenStyle | None = None

    @property
    def style(self) -> str:
        """Give the speaker and the style."""
        return f"{self.entry.speaker} {self.entry.style}"

    @property
    def longest_two(self) -> list[int]:
        """Give the indices of the two longest driving clips."""
        return sorted(range(len(self.drivers)), key=lambda n: -len(self.motions["none"][n]))[:2]


@dataclass(frozen=True)
class _Driver:
    """Hold a driving sound, the real motion in sync with it, and the speaker's resting face."""

    sound: Waveform
    real: np.ndarray
    rest: np.ndarray


def evaluate_clip(
    folder: Path,
    driving: tuple[Entry, ...],
    model: str | Path,
    recipe: TransferRecipe,
    viewing: Viewing | None,
    entry: Entry,
) -> StyledClip:
    """Learn a style from one clip, generate motion from every driving sound, and compare.

    Args:
        folder: the store.
        driving: the driving clips; the style clip itself is skipped.
        model: "default" or a model folder.
        recipe: settings of the style transfer.
        viewing: how the style is looked at; None for not at all.
        entry: the style clip.
    """
    torch.set_num_threads(1)
    base = _base(model)
    drivers = {name: driver for name, driver in _drivers(folder, driving).items() if name != entry.name}
    style_clip = StyleClip.from_prepared(ClipStore(folder, [entry]).load(entry))
    began = time.perf_counter()
    learnt = transfer_style(style_clip, base, entry.name, recipe)
    seconds = time.perf_counter() - began
    zero_shot = transport_style(style_clip, base, entry.name)
    motions: dict[str, list[np.ndarray]] = {}
    for method, style in zip(METHODS, (None, zero_shot, learnt), strict=True):
        styled = styled_motion_model(base.speech, base.head, style)
        motions[method] = [generate(styled, driver.sound) for driver in drivers.values()]
    figures = {
        method: _scores(style_clip, made, list(drivers.values()))
        | {"lips_shut": rounded(lips_shut(made, motions["none"]))}
        | {"shape_leak": rounded(0.0 if method == "none" else shape_leak(made, style_clip.expression, style_clip.rest))}
        for method, made in motions.items()
    }
    figures["learnt"]["learn_seconds"] = round(seconds, 2)
    curve = learnt.provenance.get("curve", ())
    seen = None
    if viewing is not None:
        stage = _stage(viewing, folder, driving, model)
        shown = stage.see(learnt)
        seen = SeenStyle(entry.speaker, entry.style, stage.read_clip(entry.clip.path), viewing.strengths, shown)
    return StyledClip(entry, style_clip.expression, list(drivers), motions, figures, curve, learnt, seen)


def shape_leak(made: Sequence[np.ndarray], own: np.ndarray, rest: np.ndarray) -> float:
    """Measure how much of a performer's face shape is in results, beyond the performer's expression.

    Args:
        made: results, (T_k, 68, 3) offsets each.
        own: (T, 68, 3) the performer's own offsets from rest, which hold no shape.
        rest: (68, 3) the performer's resting face, canonical space.

    Returns:
        How far the mean result moves along the difference of the performer's face from the mean face, eyelids and mouth
        left out: 0 not at all, 1 as if the face had become the performer's. NaN where the performer has the mean face.
    """
    shape = (rest - mean_face())[_SHAPE]
    length = float(np.square(shape).sum())
    moved = (np.concatenate(made).mean(0) - own.mean(0))[_SHAPE]
    return float((moved * shape).sum()) / length if length > _MEAN_SHAPE else math.nan


def lips_shut(made: Sequence[np.ndarray], plain: Sequence[np.ndarray]) -> float:
    """Give the share of the frames with lips shut (`CLOSURE`) in `plain` in which they are shut in `made`, too."""
    wanted = np.concatenate([lip_opening(each) for each in plain]) < CLOSURE
    shut = np.concatenate([lip_opening(each) for each in made]) < CLOSURE
    return float(shut[wanted].mean()) if wanted.any() else math.nan


def rounded(value: float) -> float | None:
    """Round a figure for the result; None where it is undefined."""
    return None if math.isnan(value) else round(value, 6)


@cache
def _base(model: str | Path) -> BaseModels:
    return BaseModels.load(model)


@cache
def _stage(viewing: Viewing, folder: Path, driving: tuple[Entry, ...], model: str | Path) -> Stage:
    return Stage(viewing, [driver.sound for driver in _drivers(folder, driving).values()], model)


@cache
def _drivers(folder: Path, entries: tuple[Entry, ...]) -> dict[str, _Driver]:
    drivers = {}
    for entry in entries:
        clip = ClipStore(folder, entries).load(entry)
        aligned = align_clip(clip)
        drivers[entry.name] = _Driver(Waveform(clip.samples, SAMPLE_RATE), aligned.expression, aligned.rest)
    return drivers


def _scores(style_clip: StyleClip, made: Sequence[np.ndarray], drivers: Sequence[_Driver]) -> dict[str, Any]:
    style, rest = style_clip.expression, mean_face()
    correlations = [
        opening_correlation(each + one.rest, one.real + one.rest) for each, one in zip(made, drivers, strict=True)
    ]
    known = [value for value in correlations if not math.isnan(value)]
    distances = {
        "windows_10_100": style_distances_over(style, made, rest),
        "published_code": published_code_distances(style, made, rest, WINDOW),
    }
    return {
        **_all_rounded(asdict(style_distances(style, made, rest, WINDOW))),
        "mouth_opening_corr": rounded(float(np.mean(known)) if known else math.nan),
        **{name: _all_rounded(asdict(each)) for name, each in distances.items()},
    }


def _all_rounded(figures: Mapping[str, float]) -> dict[str, float | None]:
    return {name: rounded(value) for name, value in figures.items()}
