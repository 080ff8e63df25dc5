"""Evaluate styles: learn them from clips, put them on the speech of others, and compare.

A style is learnt from every style clip (`learning.learn.transfer_style`) and taken at once (`transport_style`). One
clip of every speaker of the driving splits drives the generator without style and with both. Scored is the motion that
the streaming engine makes, before heads, blinks and portraits, as in the evaluation of motion.
"""

import math
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rhapsode.bundle import DEFAULT
from rhapsode.data.index import Entry
from rhapsode.data.store import ClipStore, open_store
from rhapsode.data.workers import ProcessDied, map_in_processes
from rhapsode.errors import DataError
from rhapsode.evaluation.expression_scores import expression_scores
from rhapsode.evaluation.report.folder import check_folder
from rhapsode.evaluation.report.style_videos import Showing
from rhapsode.evaluation.report.styles import write_style_report
from rhapsode.evaluation.seen_expressions import Viewing, neutral_units
from rhapsode.evaluation.style_identity import identify
from rhapsode.evaluation.styled_clip import METHODS, WINDOW, StyledClip, evaluate_clip, rounded
from rhapsode.face.expression_network import FILE
from rhapsode.learning.base import BaseModels
from rhapsode.learning.recipe import TransferRecipe
from rhapsode.progress import Progress, no_progress

#: Splits whose speakers drive, one clip each.
DRIVING_SPLITS = ("test", "val")

#: Figures of which the ratio to those without style is given.
_DISTANCES = ("SLD", "SLV", "SMD")


def evaluate_style(
    data: Path,
    store: Path,
    splits: Sequence[str] = ("eval",),
    recipe: TransferRecipe = TransferRecipe(),  # noqa: B008  (frozen)
    *,
    only: Sequence[str] | None = None,
    model: str | Path = DEFAULT,
    report: Path | None = None,
    keep: Path | None = None,
    viewing: Viewing | None = None,
    videos: int = 3,
    workers: int = 2,
    progress: Progress = no_progress,
) -> dict[str, Any]:
    """Learn styles from the clips of some splits, and score them on other people's speech.

    Args:
        data: a store, or a folder of recordings, which is prepared first.
        store: where recordings are prepared.
        splits: splits of the style clips.
        recipe: settings of the style transfer.
        only: names of style clips; all of the splits where None.
        model: "default", the model that comes with the package, or a model folder.
        report: folder for the report; none where None.
        keep: folder for motions, a .npz for each style clip with `real`, `drivers`, and `METHODS`_0 and _1 for its two
            longest driving clips; none where None.
        viewing: portraits to look at the learnt styles on; none where None.
        videos: number of style clips, from the first, that the report shows beside those portraits.
        workers: number of processes, one thread each.
        progress: watches the stages `clips`, `styles` and `videos`.

    Returns:
        `style_clips`, `driving_clips`, `window`; for each of `METHODS` the means over style clips of `SLD`, `SLV`,
        `SMD`, `windows_10_100`, `published_code` (as in `metrics.style`), `mouth_opening_corr` with the driving
        speaker's own mouth, and `shape_leak` (its size), with `change`, the ratios to those without style, and
        `learn_seconds`; `style_accuracy`, as in `style_identity`; and `clips` with the same for each. With `viewing`
        also `expression`, as in `expression_scores`, its `clips` under those of the whole, and `reader`, the network
        that read it. None where undefined.

    Raises:
        DataError: no such clips, a recording of a clip is gone, or a report folder that must not be replaced.
        InstallationError: the teacher of expressions was asked for, and what runs it is not installed.
        PortraitError: a portrait to look at shows no face.
        StyleError: the model's replay set was made for another generator.
        WeightsError: there is no such model, or a file of it is missing or damaged.
    """
    if report is not None:
        check_folder(report)
    opened = open_store(data, store, progress)
    styles = _style_clips(opened, splits, only)
    drivers = driving_clips(opened)
    if not any(driver.name != style.name for driver in drivers for style in styles):
        raise DataError(
            f"{opened.folder}: no clip of split {' or '.join(DRIVING_SPLITS)} to drive the styles",
            "add some",
            "no-clips",
        )
    neutral = None if viewing is None else neutral_units(viewing, neutral_clips(opened))
    base = BaseModels.load(model)  # a bad model is refused here, not in every process
    done: dict[str, StyledClip] = {}
    work = partial(evaluate_clip, opened.folder, drivers, model, recipe, viewing)
    for entry, styled in map_in_processes(work, styles, min(workers, len(styles))):
        if isinstance(styled, ProcessDied):
            raise DataError(f"{entry.name}: its process died, perhaps for lack of memory", "make room and run again")
        done[entry.name] = styled
        progress("styles", len(done), len(styles))
    clips = [done[entry.name] for entry in styles]
    figures = summary(clips, len(drivers), base.generator.basis.numpy())
    if viewing is not None and neutral is not None:
        _add_expression(figures, clips, viewing, neutral)
    if keep is not None:
        _keep(keep, clips)
    if report is not None:
        shown = None if viewing is None else Showing(opened, viewing.portraits, model, videos)
        write_style_report(report, clips, figures, shown, progress)
    return figures


def _add_expression(
    figures: dict[str, Any], clips: Sequence[StyledClip], viewing: Viewing, neutral: np.ndarray
) -> None:
    """Add what portraits show with the styles to figures that `summary` made."""
    found = expression_scores([clip.seen for clip in clips if clip.seen], neutral)
    for row, of_clip in zip(figures["clips"], found.pop("clips"), strict=True):
        row["expression"] = of_clip
    reader = FILE if viewing.teacher is None else viewing.teacher.name
    figures["expression"] = {**found, "portraits": len(viewing.portraits), "reader": reader}


def neutral_clips(store: ClipStore) -> list[Path]:
    """Choose the first neutral clip of every speaker of split `train`."""
    first: dict[str, Path] = {}
    for entry in store.kept:
        if entry.split == "train" and entry.style == "neutral":
            first.setdefault(entry.speaker, entry.clip.path)
    return list(first.values())


def driving_clips(store: ClipStore) -> tuple[Entry, ...]:
    """Choose the first clip of every speaker of `DRIVING_SPLITS`."""
    first: dict[str, Entry] = {}
    for split in DRIVING_SPLITS:
        for entry in store.kept:
            if entry.split == split:
                first.setdefault(entry.speaker, entry)
    return tuple(first.values())


def summary(clips: Sequence[StyledClip], driving: int, basis: np.ndarray) -> dict[str, Any]:
    """Sum up the figures of style clips, as `evaluate_style` returns them.

    Args:
        clips: results of each.
        driving: number of driving clips.
        basis: (K, 204) expressions of the generator.
    """
    together: dict[str, Any] = {method: _average([clip.figures[method] for clip in clips]) for method in METHODS}
    for method in METHODS[1:]:
        pairs = {name: (together[method][name], together["none"][name]) for name in _DISTANCES}
        together[method]["change"] = {name: round(a / b, 4) if b else None for name, (a, b) in pairs.items()}
    return {
        "style_clips": len(clips),
        "driving_clips": driving,
        "window": WINDOW,
        **together,
        "style_accuracy": _accuracy(clips, basis),
        "clips": [{"name": clip.entry.name, "style": clip.style, **clip.figures} for clip in clips],
    }


def _average(figures: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Average nested figures by their names; of `shape_leak`, the size is averaged."""
    means: dict[str, Any] = {}
    for name, first in figures[0].items():
        if isinstance(first, Mapping):
            means[name] = _average([each[name] for each in figures])
            continue
        values = [each[name] for each in figures if each[name] is not None]
        if name == "shape_leak":
            values = [abs(value) for value in values]
        means[name] = rounded(float(np.mean(values)) if values else math.nan)
    return means


def _accuracy(clips: Sequence[StyledClip], basis: np.ndarray) -> dict[str, Any]:
    real: dict[str, list[np.ndarray]] = {}
    made: dict[str, dict[str, list[np.ndarray]]] = {method: {} for method in METHODS[1:]}
    for clip in clips:
        real.setdefault(clip.style, []).append(clip.real)
        for method, by_style in made.items():
            by_style.setdefault(clip.style, []).extend(clip.motions[method])
    zero_shot, learnt = (identify(real, by_style, basis) for by_style in made.values())
    return {
        "real": rounded(learnt.real),
        "generated": rounded(learnt.generated),
        "zero_shot": rounded(zero_shot.generated),
        "chance": rounded(learnt.chance),
        "styles": len(real),
        "window": learnt.window,
    }


def _style_clips(store: ClipStore, splits: Sequence[str], only: Sequence[str] | None) -> list[Entry]:
    found = [entry for entry in store.kept if entry.split in splits]
    if not found:
        there = ", ".join(sorted({entry.split for entry in store.kept}))
        raise DataError(
            f"{store.folder}: no usable clip of split {' or '.join(splits)}", f"its splits are {there}", "no-clips"
        )
    unknown = set(only or ()) - {entry.name for entry in found}
    if unknown:
        raise DataError(
            f"{store.folder}: no usable clip {min(unknown)!r} in split {' or '.join(splits)}", "see its index.csv"
        )
    return [entry for entry in found if only is None or entry.name in only]


def _keep(folder: Path, clips: Sequence[StyledClip]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for clip in clips:
        longest = clip.longest_two
        arrays: dict[str, Any] = {"real": clip.real, "drivers": np.array([clip.drivers[n] for n in longest])}
        for method, motions in clip.motions.items():
            arrays |= {f"{method}_{place}": motions[n] for place, n in enumerate(longest)}
        np.savez(folder / f"{clip.entry.name.replace('/', '__')}.npz", **arrays)
