"""Score methods that make motion from sound against real speakers."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rhapsode.audio.mel import MOTION_RATE
from rhapsode.evaluation.baselines import Method
from rhapsode.evaluation.clips import RealClip
from rhapsode.face.landmarks import MOUTH
from rhapsode.face.mouth import lip_opening
from rhapsode.metrics.closure import are_closed, closure_times
from rhapsode.metrics.jitter import jitter_ratio
from rhapsode.metrics.landmarks import landmark_distance, lmd, open_area_difference, velocity_difference
from rhapsode.metrics.mouth import opening_correlation, opening_spread_ratio, sound_lag
from rhapsode.progress import Progress, no_progress

#: Figures of a clip, and means over clips: canonical units (outer eye corners 1 apart), frames of 1/60 s.
FIGURES = ("mouth_opening_corr", "opening_std_ratio", "LMD", "D_L", "D_V", "D_A", "jitter_ratio")


@dataclass(frozen=True)
class ScoredClip:
    """Hold what a method made of a clip, and its scores.

    Attributes:
        clip: the real speaker.
        motion: (T, 68, 3) the method's offsets from rest, canonical space, 60 a second.
        figures: by the names of `FIGURES`; NaN where undefined, as is the correlation of a mouth that does not move.
        offset: seconds by which the method's mouth moves later than the real one; NaN where undefined.
        closed: for each lip closure that the clip's word timings give, whether the method's lips meet.
        really_closed: the same for the speaker's lips.
    """

    clip: RealClip
    motion: np.ndarray
    figures: Mapping[str, float]
    offset: float
    closed: Sequence[bool]
    really_closed: Sequence[bool]


def score(method: Method, clip: RealClip) -> ScoredClip:
    """Generate motion from the sound of a clip, and compare it with the speaker's."""
    motion = method(clip.sound)
    made, real = motion + clip.rest, clip.real + clip.rest
    figures = (
        opening_correlation(made, real),
        opening_spread_ratio(made, real),
        lmd(made, real),
        landmark_distance(made, real),
        velocity_difference(made, real),
        open_area_difference(made, real),
        jitter_ratio(made[:, MOUTH], real[:, MOUTH], MOTION_RATE),
    )
    words = clip.clip.path.with_suffix(".align")
    times = closure_times(words) if words.is_file() else []
    return ScoredClip(
        clip,
        motion,
        dict(zip(FIGURES, figures, strict=True)),
        sound_lag(made, real, MOTION_RATE)[0],
        are_closed(lip_opening(motion), times, MOTION_RATE),
        are_closed(lip_opening(clip.real), times, MOTION_RATE),
    )


def score_all(
    methods: Mapping[str, Method], clips: Sequence[RealClip], progress: Progress = no_progress
) -> dict[str, list[ScoredClip]]:
    """Score every method on every clip, method by method; `progress` watches the stage `scores`."""
    scores: dict[str, list[ScoredClip]] = {name: [] for name in methods}
    for done, (name, clip) in enumerate(((name, clip) for name in methods for clip in clips), start=1):
        scores[name].append(score(methods[name], clip))
        progress("scores", done, len(methods) * len(clips))
    return scores


def summary(scores: Sequence[ScoredClip]) -> dict[str, Any]:
    """Sum up clips: means of `FIGURES`, median offset, counts of closures; None where undefined."""
    return {
        "n_clips": len(scores),
        **{name: _average(np.mean, [one.figures[name] for one in scores]) for name in FIGURES},
        "av_offset_s": _average(np.median, [one.offset for one in scores]),
        "closures": {
            "made": sum(sum(one.closed) for one in scores),
            "real": sum(sum(one.really_closed) for one in scores),
            "count": sum(len(one.closed) for one in scores),
        },
    }


def group_by(key: Callable[[RealClip], str], scores: Sequence[ScoredClip]) -> dict[str, list[ScoredClip]]:
    """Group scores by a property of their clips, in the order of the clips."""
    parts: dict[str, list[ScoredClip]] = {}
    for one in scores:
        parts.setdefault(key(one.clip), []).append(one)
    return parts


def result(scores: Mapping[str, Sequence[ScoredClip]], splits: Sequence[str]) -> dict[str, Any]:
    """Sum up all scores: figures of the first method at the top, those of the others in `baselines`."""
    of_first, *others = (
        summary(each) | {"groups": {group: summary(part) for group, part in group_by(_group, each).items()}}
        for each in scores.values()
    )
    return {"split": list(splits)} | of_first | {"baselines": dict(zip(list(scores)[1:], others, strict=True))}


def _group(clip: RealClip) -> str:
    return clip.group


def _average(average: Callable[[Sequence[float]], Any], values: Sequence[float]) -> float | None:
    known = [value for value in values if not math.isnan(value)]
    return round(float(average(known)), 4) if known else None
