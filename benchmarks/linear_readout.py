"""Measure how much of a speaker's lips is in an audio encoder's features: the mouth opening, by linear regression.

    python benchmarks/linear_readout.py --store STORE --encoder research tiny:2 tiny:2:150:4 base:3 FILE.safetensors

Ridge regression from features within +-160 ms (every 40 ms; every 33 ms where there are 60 a second) to the opening of
the inner lips in canonical space. Learnt from the `train` clips, every person with equal weight; the penalty is the one
that does best on the addresses of `val`. The table gives the mean correlation over the clips of each set. `research` is
`research/audio_encoder.safetensors`; `tiny:2` is layer 2 of Whisper tiny.en, `tiny:2:150:4` the same with every
attention within 150 features (of 1/50 s) back and 4 ahead; a windowed encoder (safetensors, or the ONNX file that
ships) runs live, or with `:wide` after its file's name in the setting for files.
"""

import argparse
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from rhapsode.audio.mel import LOG_FLOOR, MEL_BANDS, MOTION_RATE, log_mel
from rhapsode.audio.whisper_mel import FEATURE_RATE, whisper_mel
from rhapsode.bundle import Bundle
from rhapsode.data.store import ClipStore, PreparedClip
from rhapsode.face.expression import disentangle, resample
from rhapsode.face.mouth import lip_distance
from rhapsode.models.audio_encoder import AudioEncoder
from rhapsode.models.windowed_encoder import WindowedEncoder
from rhapsode.models.windowed_restore import restore
from rhapsode.training.whisper import Whisper

#: Seconds of context either way.
REACH = 0.16
PENALTIES = (3e-4, 1e-3, 3e-3, 1e-2, 3e-2, 1e-1)
#: What is scored, by the corpus and the splits of its clips.
SETS = {
    "addresses val": ("addresses", ("val",)),
    "addresses test": ("addresses", ("test",)),
    "GRID test": ("grid", ("test",)),
    "CREMA-D": ("cremad", ("eval",)),
}


@dataclass(frozen=True)
class EncodedClip:
    """Who speaks, set of clips, features in context (T, C F), opening with zero mean (T,)."""

    speaker: str
    kind: str
    features: np.ndarray
    opening: np.ndarray


def extractor(name: str) -> tuple[Callable[[np.ndarray], np.ndarray], int]:
    """An encoder as a function from samples (N,) at 16 kHz to features (T, F), and their number a second."""
    if name == "research":
        encoder = AudioEncoder.load(Bundle.load("research").path("audio_encoder.safetensors"))

        def recurrent(samples: np.ndarray) -> np.ndarray:
            silence = np.full((2 * encoder.dims.delay, MEL_BANDS), LOG_FLOOR, np.float32)
            mel = np.concatenate([log_mel(samples), silence])
            with torch.inference_mode():
                return encoder(torch.from_numpy(mel)[None])[0][0, encoder.dims.delay :].numpy()

        return recurrent, MOTION_RATE
    model, *rest = name.split(":")
    if model in ("tiny", "base"):
        layer, *window = map(int, rest)
        whisper = Whisper(model, (window[0], window[1]) if window else None)
        return lambda samples: whisper.layers(samples, [layer])[0], FEATURE_RATE
    windowed = restore(Path(model)) if model.endswith(".onnx") else WindowedEncoder.load(Path(model))
    wide = rest == ["wide"]

    @torch.inference_mode()
    def attentive(samples: np.ndarray) -> np.ndarray:
        return windowed(torch.from_numpy(whisper_mel(samples))[None], wide)[0].numpy()

    return attentive, FEATURE_RATE


def in_context(features: np.ndarray, rate: int) -> np.ndarray:
    """Features within `REACH`, every second one, the ends held: (T, F) -> (T, C F)."""
    reach = round(REACH * rate)
    places = np.arange(len(features))[:, None] + np.arange(-reach, reach + 1, 2)
    return features[places.clip(0, len(features) - 1)].reshape(len(features), -1)


def set_of(clip: PreparedClip) -> str:
    """The set that a clip belongs to: `train`, one of `SETS`, or nothing."""
    if clip.clip.split == "train":
        return "train"
    for name, (corpus, splits) in SETS.items():
        if clip.clip.split in splits and (clip.clip.name.split("/")[0] == corpus or corpus in clip.clip.speaker):
            return name
    return ""


def encode(clip: PreparedClip, kind: str, extract: Callable[[np.ndarray], np.ndarray], rate: int) -> EncodedClip:
    """A clip through an encoder, where a face was found."""
    offsets, rest, _ = disentangle(clip.landmarks)
    features = extract(clip.samples)
    moments = np.arange(len(features)) / rate
    seen = (moments >= clip.times[0]) & (moments <= clip.times[-1])
    opening = lip_distance(resample(offsets, clip.times, moments[seen]) + rest)
    context = in_context(features, rate)[seen].astype(np.float32)
    return EncodedClip(clip.clip.speaker, kind, context, opening - opening.mean())


@dataclass(frozen=True)
class Readout:
    """A linear regression: mean and scale of its input (F,), and the line (F,)."""

    mean: np.ndarray
    scale: np.ndarray
    line: np.ndarray

    def predict(self, features: np.ndarray) -> np.ndarray:
        """Predict the opening, with zero mean: (T, F) -> (T,)."""
        opening: np.ndarray = (features - self.mean) * self.scale @ self.line
        return opening


def regress(train: Sequence[EncodedClip]) -> dict[float, Readout]:
    """Learn from clips, every person with equal weight; one regression for each of `PENALTIES`."""
    frames: Counter[str] = Counter()
    for clip in train:
        frames[clip.speaker] += len(clip.opening)
    weights = [1 / frames[clip.speaker] / len(frames) for clip in train]
    mean = sum(weight * clip.features.sum(0) for weight, clip in zip(weights, train, strict=True))
    square = sum(weight * np.square(clip.features - mean).sum(0) for weight, clip in zip(weights, train, strict=True))
    scale = (1 / np.sqrt(square + 1e-8)).astype(np.float32)
    mean = mean.astype(np.float32)
    width = len(mean)
    gram, target = np.zeros((width, width), np.float32), np.zeros(width)
    for clip, weight in zip(train, weights, strict=True):
        scaled = (clip.features - mean) * scale
        gram += weight * (scaled.T @ scaled)
        target += weight * (scaled.T @ clip.opening)
    values, axes = np.linalg.eigh(gram / width)
    turned = axes.T @ target / width
    return {penalty: Readout(mean, scale, axes @ (turned / (values + penalty / len(frames)))) for penalty in PENALTIES}


def read_out(clips: Sequence[EncodedClip]) -> tuple[float, dict[str, float]]:
    """The best penalty, and the mean correlation on each set."""
    results = []
    for penalty, readout in regress([clip for clip in clips if clip.kind == "train"]).items():
        scores = defaultdict(list)
        for clip in clips:
            if clip.kind != "train":
                scores[clip.kind].append(np.corrcoef(readout.predict(clip.features), clip.opening)[0, 1])
        results.append((penalty, {name: float(np.mean(scores[name])) for name in SETS if scores[name]}))
    return max(results, key=lambda result: result[1]["addresses val"])


def main() -> None:
    """Parse the arguments and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--store", type=Path, default=Path("stores/clips"))
    parser.add_argument("--encoder", nargs="+", default=["research", "tiny:2"])
    options = parser.parse_args()
    torch.set_num_threads(1)
    clips = [(clip, kind) for clip in ClipStore.open(options.store).load_all() if (kind := set_of(clip))]
    table = Table("encoder", "penalty", *SETS)
    for name in options.encoder:
        extract, rate = extractor(name)
        penalty, scores = read_out([encode(clip, kind, extract, rate) for clip, kind in clips])
        table.add_row(name, f"{penalty:g}", *(f"{scores.get(kind, np.nan):.3f}" for kind in SETS))
    Console().print(table)


if __name__ == "__main__":
    main()
