"""Measure what film and what else a generator learns from is worth: fewer people, and each ingredient left out in turn.

    python benchmarks/generator_ablation.py --data STORE --motion-of-speech FOLDER --spoken-motion FOLDER

Every generator learns for `--steps` steps on the features of the shipped encoder, clips at three speeds, and keeps its
last weights; the recipe is otherwise that of `rhapsode train feature-generator`. Correlation of the mouth opening in
the live setting, by corpus and split, and the share of the closures of GRID `test` that are made.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from rhapsode.audio.mel import MOTION_RATE
from rhapsode.bundle import Bundle
from rhapsode.data.store import PreparedClip, open_store
from rhapsode.face.mouth import lip_opening
from rhapsode.metrics.closure import are_closed, closure_times
from rhapsode.metrics.mouth import opening_correlation
from rhapsode.models.feature_generator import FeatureGenerator
from rhapsode.motion.dims import FeatureGeneratorDims
from rhapsode.motion.model import ENCODER
from rhapsode.motion.windowed_encoder import WindowedEncoder
from rhapsode.training import feature_generator
from rhapsode.training.feature_generator import ScoredClip, scored_clips, train_generator
from rhapsode.training.feature_windows import FeatureClip, FeatureWindows, UnfilmedWindows, extractor
from rhapsode.training.loop import Loop

SPEEDS = (Fraction(12, 13), Fraction(1), Fraction(13, 12))


@dataclass(frozen=True)
class Setting:
    """What a generator learns from; a number of windows a step."""

    name: str
    people: int | None = None
    filmed: int = 16
    unfilmed: int = 24
    spoken: int = 4
    variants: bool = True
    speeds: bool = True
    balanced: bool = True
    closure: float = feature_generator.CLOSURE


SETTINGS = [
    Setting("all"),
    *(Setting(f"people: {count}", people=count) for count in (1, 4, 8)),
    *(Setting(f"film alone, people: {count}", count, filmed=40, unfilmed=0, spoken=0) for count in (1, 4, 8)),
    Setting("film alone, all", filmed=40, unfilmed=0, spoken=0),
    Setting("without unfilmed speech", unfilmed=0, filmed=40),
    Setting("without the synthesiser", spoken=0, filmed=20),
    Setting("without film, but for the basis", filmed=1),
    Setting("without augmented sound", variants=False),
    Setting("without other speeds", speeds=False),
    Setting("without balance of people", balanced=False),
    Setting("without closures", closure=0.0),
]


def chosen_people(clips: Sequence[PreparedClip], count: int | None) -> set[str]:
    """Choose people of the two corpora in turn, those with most film first; all where `count` is None."""
    seconds: dict[tuple[str, str], float] = {}
    for clip in clips:
        key = (clip.clip.corpus, clip.clip.speaker)
        seconds[key] = seconds.get(key, 0.0) + float(clip.times[-1])
    ranked = sorted(seconds, key=lambda key: -seconds[key])
    corpora = [[speaker for corpus, speaker in ranked if corpus == one] for one in sorted({key[0] for key in ranked})]
    turns = [people[place] for place in range(len(ranked)) for people in corpora if place < len(people)]
    return set(turns[:count])


def score(generator: FeatureGenerator, clips: Sequence[tuple[str, Path, ScoredClip]]) -> dict[str, float]:
    """Average the correlation by group, and count the closures made."""
    followed: dict[str, list[float]] = {}
    made: list[bool] = []
    for group, source, (features, clip) in clips:
        with torch.inference_mode():
            motion = generator(torch.from_numpy(features.astype(np.float32))[None])[0].numpy()
        followed.setdefault(group, []).append(opening_correlation(motion + clip.rest, clip.expression + clip.rest))
        if group == "grid test" and source.with_suffix(".align").is_file():
            made += are_closed(lip_opening(motion), closure_times(source.with_suffix(".align")), MOTION_RATE)
    return {group: float(np.mean(each)) for group, each in followed.items()} | {"closures": float(np.mean(made or [0]))}


def main() -> None:
    """Parse the arguments and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="prepared store, or folder of recordings")
    parser.add_argument("--store", type=Path, default=Path("stores/clips"), help="where recordings are prepared")
    parser.add_argument("--motion-of-speech", type=Path, required=True)
    parser.add_argument("--spoken-motion", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=300)
    parser.add_argument("--only", default="", help="settings with one of these in their names, by commas")
    options = parser.parse_args()
    torch.set_num_threads(1)
    encoder = WindowedEncoder.load(Bundle.load().path(ENCODER))
    store = open_store(options.data, options.store)
    learnt = [store.load(entry) for entry in store.entries if entry.split == "train"]
    every = FeatureWindows.of(learnt, extractor(encoder, 1), speeds=SPEEDS)
    judged = [
        (
            f"{entry.corpus} {entry.split}",
            Path(entry.source),
            scored_clips([store.load(entry)], extractor(encoder, 0))[0],
        )
        for entry in store.entries
        if entry.split != "train"
    ]
    speech = UnfilmedWindows(options.motion_of_speech, encoder)
    spoken = UnfilmedWindows(options.spoken_motion, encoder)
    console, head = Console(), [*sorted({group for group, _, _ in judged}), "closures"]
    table = Table("learnt from", *head)
    with TemporaryDirectory() as folder:
        wanted = [one for one in SETTINGS if any(part in one.name for part in options.only.split(","))]
        for number, setting in enumerate(wanted):
            people = chosen_people(learnt, setting.people)
            windows = FeatureWindows(_kept(every.clips, people, setting), balanced=setting.balanced)
            unfilmed = [
                partial(each.batch, count)
                for each, count in ((speech, setting.unfilmed), (spoken, setting.spoken))
                if count
            ]
            feature_generator.CLOSURE = setting.closure
            loop = Loop(steps=options.steps, weight_decay=0.05, check_every=options.steps)
            generator = train_generator(
                windows, [], FeatureGeneratorDims(), loop, Path(folder) / str(number), "g", unfilmed, setting.filmed
            )
            scores = score(generator, judged)
            table.add_row(setting.name, *(f"{scores[column]:.3f}" for column in head))
            console.print(setting.name, {column: round(value, 3) for column, value in scores.items()})
    console.print(table)


def _kept(clips: Sequence[FeatureClip], people: set[str], setting: Setting) -> list[FeatureClip]:
    """Leave out people, other speeds (every clip comes at each of `SPEEDS` in turn) and augmented variants."""
    middle = SPEEDS.index(Fraction(1))
    return [
        clip if setting.variants else replace(clip, features=clip.features[:2])
        for place, clip in enumerate(clips)
        if clip.speaker in people and (setting.speeds or place % len(SPEEDS) == middle)
    ]


if __name__ == "__main__":
    main()
