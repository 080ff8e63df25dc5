"""How well lips follow speakers whose audio-visual offsets were measured by a reader that is not the one judged.

    python benchmarks/independent_offsets.py --store STORE

The offsets of a store are measured by the Motion Generator that ships, which is no judge of itself. Here a linear
regression from Whisper tiny.en, whole sentences, to the mouth opening measures them. It has learnt from the `train`
clips of GRID alone, as they were recorded: they are in step but for a few, and no offset that a generator measured is
in it. The table gives the median offsets of a store and of the reader, and the mean correlation of the mouth opening of
the generator that ships with the clips as recorded, with the offsets of the store, and with the reader's.
"""

import argparse
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from linear_readout import EncodedClip, Readout, in_context, regress
from rich.console import Console
from rich.table import Table

from rhapsode.animator import Animator
from rhapsode.audio.mel import MOTION_RATE
from rhapsode.audio.whisper_mel import FEATURE_RATE
from rhapsode.data.av_sync import LIMIT, SURE_OF_OFFSET
from rhapsode.data.store import ClipStore, PreparedClip
from rhapsode.face.expression import disentangle, resample
from rhapsode.face.mouth import lip_distance
from rhapsode.media.waveform import SAMPLE_RATE, Waveform
from rhapsode.motion.stream import generate
from rhapsode.style.motion_model import styled_motion_model
from rhapsode.training.whisper import Whisper

#: Seconds from one offset that is tried to the next.
STEP = 0.005


@dataclass(frozen=True)
class Recording:
    """A clip as recorded: moments of its frames (T,), their mouth openings (T,), and Whisper in context (M, F)."""

    clip: PreparedClip
    times: np.ndarray
    opening: np.ndarray
    features: np.ndarray

    @property
    def group(self) -> str:
        """Corpus and split."""
        folders = self.clip.clip.name.split("/")
        return f"{folders[1] if folders[0] == 'expressive' else folders[0]} {self.clip.clip.split}"

    def learnt(self) -> EncodedClip:
        """Features and openings where a face was found."""
        moments = np.arange(len(self.features)) / FEATURE_RATE
        seen = (moments >= self.times[0]) & (moments <= self.times[-1])
        opening = resample(self.opening, self.times, moments[seen])
        return EncodedClip(self.clip.clip.speaker, "train", self.features[seen], opening - opening.mean())


def follow(made: np.ndarray, rate: int, recording: Recording, offset: float) -> float:
    """Correlate an opening made of the sound, `rate` a second, with the speaker's, moved by `offset` seconds."""
    times = recording.times + offset
    moments = np.arange(len(made)) / rate
    seen = (moments >= times[0]) & (moments <= times[-1])
    return float(np.corrcoef(made[seen], resample(recording.opening, times, moments[seen]))[0, 1])


def offset_of(made: np.ndarray, rate: int, recording: Recording) -> float:
    """Find the offset with the best correlation, to `STEP`; 0 where even that is too low to be sure of.

    The rule of `rhapsode prepare` (`data.av_sync`) but for two things: whole frames, and that it leaves a clip as it is
    unless that costs `MARGIN` of correlation.
    """
    limit = min(LIMIT, (recording.times[-1] - recording.times[0]) / 4)
    reach = int(limit / STEP)
    scores = {step * STEP: follow(made, rate, recording, step * STEP) for step in range(-reach, reach + 1)}
    best = max(scores, key=lambda offset: scores[offset])
    return best if scores[best] >= SURE_OF_OFFSET else 0.0


def recorded(clip: PreparedClip, whisper: Whisper, layer: int) -> Recording:
    """Undo a clip's correction, and let Whisper hear it."""
    offsets, rest, _ = disentangle(clip.landmarks)
    features = in_context(whisper.layers(clip.samples, [layer])[0], FEATURE_RATE).astype(np.float32)
    return Recording(clip, clip.times - clip.av_offset, lip_distance(offsets + rest), features)


def learn(train: Sequence[Recording], val: Sequence[Recording]) -> Readout:
    """Learn the regression from clips as recorded; the penalty is the one that does best on `val`, offsets found."""

    def followed(readout: Readout) -> float:
        read = [(one, readout.predict(one.features)) for one in val]
        return float(
            np.mean([follow(made, FEATURE_RATE, one, offset_of(made, FEATURE_RATE, one)) for one, made in read])
        )

    return max(regress([one.learnt() for one in train]).values(), key=followed)


def main() -> None:
    """Parse the arguments and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, default=Path("stores/clips"))
    parser.add_argument("--layer", type=int, default=2, help="of Whisper tiny.en")
    parser.add_argument("--model", default="default", help="a model folder")
    parser.add_argument("--clips", action="store_true", help="print the offsets of every clip that was not learnt from")
    options = parser.parse_args()
    torch.set_num_threads(1)
    whisper = Whisper("tiny")
    recordings = [recorded(clip, whisper, options.layer) for clip in ClipStore.open(options.store).load_all()]
    parts: dict[str, list[Recording]] = defaultdict(list)
    for one in recordings:
        parts[one.clip.clip.split].append(one)
    readout = learn([one for one in parts["train"] if one.group == "grid train"], parts["val"])
    animator = Animator.from_pretrained(options.model)
    settings = {"file": animator.speech.wide, "live": animator.speech}
    engines = {name: styled_motion_model(speech, animator.head) for name, speech in settings.items()}
    rows: dict[str, list[Mapping[str, float]]] = defaultdict(list)
    console = Console()
    for one in (*parts["val"], *parts["test"], *parts["eval"]):
        offsets = {
            "recorded": 0.0,
            "store": one.clip.av_offset,
            "reader": offset_of(readout.predict(one.features), FEATURE_RATE, one),
        }
        row = {f"{whose}, ms": 1000 * offset for whose, offset in offsets.items() if whose != "recorded"}
        for name, engine in engines.items():
            face = generate(engine, Waveform(one.clip.samples, SAMPLE_RATE)) + disentangle(one.clip.landmarks)[1]
            for whose, offset in offsets.items():
                row[f"{name}, {whose}"] = follow(lip_distance(face), MOTION_RATE, one, offset)
        rows[one.group].append(row)
        if options.clips:
            console.print(one.clip.clip.name, " ".join(f"{name} {value:.3f}" for name, value in row.items()))
    head = list(next(iter(rows.values()))[0])
    table = Table("clips", *head)
    for group, each in rows.items():
        cells = [
            f"{np.median([row[name] for row in each]):.0f}"
            if name.endswith("ms")
            else f"{np.mean([row[name] for row in each]):.3f}"
            for name in head
        ]
        table.add_row(f"{group} ({len(each)})", *cells)
    console.print(table)


if __name__ == "__main__":
    main()
