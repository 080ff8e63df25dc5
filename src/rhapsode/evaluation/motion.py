"""Evaluate motion: clips, methods, scores, and a report where one is wanted."""

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rhapsode import __version__
from rhapsode.animator import Animator
from rhapsode.bundle import DEFAULT
from rhapsode.errors import DataError, WeightsError
from rhapsode.evaluation.baselines import Method, baselines
from rhapsode.evaluation.clips import load_first_model, real_clips
from rhapsode.evaluation.motion_scores import result, score_all
from rhapsode.evaluation.report.folder import check_folder
from rhapsode.evaluation.report.motion import write_report
from rhapsode.motion.model import SpeechModel
from rhapsode.motion.stream import generate
from rhapsode.progress import Progress, no_progress
from rhapsode.style.motion_model import styled_motion_model

_log = logging.getLogger(__name__)


def evaluate_motion(
    data: Path,
    store: Path,
    splits: Sequence[str],
    model: str | Path = DEFAULT,
    report: Path | None = None,
    videos: int = 3,
    live: bool = False,
    progress: Progress = no_progress,
) -> dict[str, Any]:
    """Score a Motion Generator and baselines on the clips of some splits, by the streaming engine that ships.

    Args:
        data: a store, or a folder of recordings, which is prepared first.
        store: where recordings are prepared.
        splits: clips to score on; the baselines are trained on `train`.
        model: "default", the model that comes with the package, or a model folder.
        report: folder for the report; none where None.
        videos: number of clips of each corpus that the report shows.
        live: whether the sound is heard as in a session, not as a file's.
        progress: watches the stages `clips`, `scores` and `videos`.

    Returns:
        The figures, as `motion_scores.result` makes them.

    Raises:
        DataError: no clips of these splits, or a report folder that must not be replaced.
        WeightsError: there is no such model, or a file of it is missing or damaged.
    """
    if report is not None:
        check_folder(report)
    animator = Animator.from_pretrained(model)
    clips = real_clips(data, store, progress)
    scored = [clip for clip in clips if clip.clip.split in splits]
    if not scored:
        there = ", ".join(sorted({clip.clip.split for clip in clips}))
        raise DataError(f"{data}: no usable clip of split {' or '.join(splits)}", f"its splits are {there}", "no-clips")
    methods: dict[str, Method] = {
        "generator": _engine(animator, animator.speech if live else animator.speech.wide),
        **baselines([clip for clip in clips if clip.clip.split == "train"]),
    }
    try:
        methods["v0"] = _engine(animator, load_first_model())
    except WeightsError as error:
        _log.warning("the first generator is not compared: %s", error.message)
    scores = score_all(methods, scored, progress)
    figures = result(scores, splits)
    if report is not None:
        introduction = (
            f"Model {model} (rhapsode {__version__}) on {len(scored)} clips of split {', '.join(splits)}. Distances "
            "are in canonical units: the outer eye corners are 1 apart. Where the sound of a recording is late against "
            "its lips, that is corrected first, for all methods alike."
        )
        write_report(report, scores, figures, animator, introduction, videos, progress)
    return figures


def _engine(animator: Animator, speech: SpeechModel) -> Method:
    """Give the motion that the engine makes of a sound, before it is retargeted to a portrait."""
    return partial(generate, styled_motion_model(speech, animator.head))
