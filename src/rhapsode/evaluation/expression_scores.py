"""Figures of what styles show: does it go with what was asked for, region by region, and is the emotion named."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from rhapsode.evaluation.seen_expressions import SeenStyle
from rhapsode.metrics.expression import COUNTED, REGIONS, agreement, confusion, nearest, units_of

#: Emotions that are told apart, and other names that corpora have for them.
EMOTIONS = ("angry", "disgusted", "fearful", "happy", "neutral", "sad", "surprised")
_ALSO = {"disgust": "disgusted", "fear": "fearful", "calm": "neutral"}


def expression_scores(seen: Sequence[SeenStyle], neutral: np.ndarray) -> dict[str, Any]:
    """Sum up what styles show.

    Emotions are named by the nearest centroid, which is made of real clips; a portrait is nobody of these. `named` is
    the strict figure: centroids are of other people than the style's, where any show the emotion. For `matched` they
    are of all clips, the style's among them. Each is given beside what it makes of the clips themselves: two people may
    show one emotion in ways of their own.

    Args:
        seen: styles, all looked at alike.
        neutral: (51,) units of neutral speakers.

    Returns:
        `strengths`, for each as text: `correlation` and `slope` of what was shown on what was asked, over the units but
        gaze, pooled over styles and portraits; `regions`, the slope in each; `named` and `matched`, shares of videos
        whose emotion is told, and `confusion`, by what was asked, of the latter. `clips`: the first three for each
        style and strength. `real`: `named` and `matched` of the clips. `emotions`: how many are told apart. `own`:
        those that one person shows. None where undefined.
    """
    known = [one for one in seen if emotion_of(one) in EMOTIONS]
    figures: dict[str, Any] = {}
    for number, strength in enumerate(seen[0].strengths):
        pairs = [_pair(one, number, neutral) for one in seen]
        figures[f"{strength:g}"] = {
            **scores(*(np.concatenate(column) for column in zip(*pairs, strict=True))),
            **_told(known, [one.shown[number] for one in known], neutral),
        }
    real = _told(known, [(one.clip - neutral)[None] for one in known], neutral)
    people = {name: {one.person for one in known if emotion_of(one) == name} for name in map(emotion_of, known)}
    return {
        "strengths": figures,
        "clips": [
            {f"{strength:g}": scores(*_pair(one, number, neutral)) for number, strength in enumerate(one.strengths)}
            for one in seen
        ],
        "real": {name: real[name] for name in ("named", "matched")},
        "emotions": len(people),
        "own": sorted(name for name, those in people.items() if len(those) == 1),
    }


def _told(known: Sequence[SeenStyle], changes: Sequence[np.ndarray], neutral: np.ndarray) -> dict[str, Any]:
    """Tell the emotion of changes (P, 51) of each style, both ways."""
    asked = [emotion_of(one) for one, each in zip(known, changes, strict=True) for _ in each]
    found: dict[str, Any] = {}
    for name, strict in (("named", True), ("matched", False)):
        told = []
        for one, each in zip(known, changes, strict=True):
            real = centroids(known, one.person if strict else None, neutral)
            told += [nearest(real, change) for change in each]
        right = [a == b for a, b in zip(asked, told, strict=True)]
        found[name] = round(float(np.mean(right)), 4) if right else None
    return {**found, "confusion": confusion(asked, told)}


def scores(asked: np.ndarray, shown: np.ndarray) -> dict[str, Any]:
    """Compare changes of units (..., 51): `correlation`, `slope`, and by `regions` the slope."""
    whole = agreement(asked[..., COUNTED], shown[..., COUNTED])
    slopes = {name: agreement(asked[..., units_of(name)], shown[..., units_of(name)]).slope for name in REGIONS}
    return {
        **{name: _rounded(value) for name, value in asdict(whole).items()},
        "regions": {name: _rounded(value) for name, value in slopes.items()},
    }


def centroids(real: Sequence[SeenStyle], but: str | None, neutral: np.ndarray) -> Mapping[str, np.ndarray]:
    """Average the real changes of each emotion, (51,), over the people other than `but`, where there are any."""
    found: dict[str, np.ndarray] = {}
    for name in sorted({emotion_of(one) for one in real}):
        each = [one for one in real if emotion_of(one) == name]
        others = [one for one in each if one.person != but] or each
        found[name] = np.mean([one.clip - neutral for one in others], axis=0)
    return found


def emotion_of(one: SeenStyle) -> str:
    """Name what a clip is of, whatever its corpus calls it."""
    return _ALSO.get(one.emotion, one.emotion)


def _pair(one: SeenStyle, number: int, neutral: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give what a style asked for and what it showed at its strength of that number, (P, 51) each."""
    shown = one.shown[number]
    return np.broadcast_to(one.clip - neutral, shown.shape), shown


def _rounded(value: float) -> float | None:
    return None if math.isnan(value) else round(value, 4)
