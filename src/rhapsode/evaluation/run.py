"""The whole of `rhapsode evaluate motion`: clips, methods, scores, and the report where one is wanted."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from rhapsode import __version__
from rhapsode.animator import Animator
from rhapsode.errors import DataError
from rhapsode.evaluation.baselines import Method, baselines
from rhapsode.evaluation.clips import load_first_generator, real_clips
from rhapsode.evaluation.motion import result, score_all
from rhapsode.evaluation.report.motion import check_folder, write_report
from rhapsode.motion.generator import NumpyMotionGenerator
from rhapsode.motion.stream import StyledMotionModel, generate
from rhapsode.progress import no_progress


def evaluate_motion(
    data: Path,
    store: Path,
    splits: Sequence[str],
    weights: Path | None = None,
    report: Path | None = None,
    videos: int = 3,
    progress: Callable[[str, int, int], None] | None = None,
) -> dict[str, Any]:
    """Score a Motion Generator and the baselines on the clips of some splits.

    Args:
        data: folder with clips.csv.
        store: folder of tracked clips, filled on the first run.
        splits: which clips to score on; the baselines learn from `train`.
        weights: the generator; the one that comes with the package where None.
        report: folder for the report; none is written where None.
        videos: how many clips of each corpus the report shows.
        progress: called with (stage, done, in all).

    Returns:
        The figures, as `motion.result` makes them.

    Raises:
        DataError: no clips of these splits, or a report folder that is not ours to replace.
        WeightsError: unusable weights.
    """
    if report is not None:
        check_folder(report)
    animator = Animator.from_pretrained()
    if weights is not None:
        animator.generator = NumpyMotionGenerator.load(weights)
    clips = real_clips(data, store, progress or no_progress)
    scored = [clip for clip in clips if clip.clip.split in splits]
    if not scored:
        there = ", ".join(sorted({clip.clip.split for clip in clips})) or "none"
        raise DataError(f"{data}: no usable clip of split {' or '.join(splits)}; --split can be {there}")
    methods: dict[str, Method] = {
        # As users get it: heard as it arrives.
        "generator": partial(generate, StyledMotionModel(animator.generator, animator.head)),
        **baselines([clip for clip in clips if clip.clip.split == "train"]),
        "v0": partial(generate, StyledMotionModel(load_first_generator().to_numpy(), animator.head)),
    }
    scores = score_all(methods, scored, progress and partial(progress, "scores"))
    figures = result(scores, splits)
    if report is not None:
        introduction = (
            f"{weights or 'The generator of the package'} (rhapsode {__version__}) on {len(scored)} clips of split "
            f"{', '.join(splits)}. Distances are in canonical units: the outer eye corners are 1 apart. Where the "
            "sound of a recording is late against its lips, as the package's generator hears it, that is taken out "
            "first, for all alike."
        )
        write_report(report, scores, figures, animator, introduction, videos, progress and partial(progress, "videos"))
    return figures
