"""Made-up data for tests of training and of styles: clips, speech, generators that are quick to make."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import scipy.io.wavfile
import torch

from rhapsode.audio.mel import log_mel
from rhapsode.data.index import Entry, save_arrays, write_index
from rhapsode.face.geometry import fit_pose, mean_face
from rhapsode.face.landmarks import INNER_LIP_PAIRS
from rhapsode.models.motion_generator import MotionGenerator
from rhapsode.motion.dims import GeneratorDims
from rhapsode.motion.generator import MotionGenerator as RunningGenerator
from rhapsode.motion.mel_encoder import MelEncoder
from rhapsode.motion.model import SpeechModel
from rhapsode.style.style import Style


def babble(seconds: float, seed: int) -> np.ndarray:
    """(N,) float32 at 16 kHz: noise that swells and fades like syllables."""
    rng = np.random.default_rng(seed)
    times = np.arange(int(16000 * seconds)) / 16000
    loud = np.sin(2 * np.pi * 2 * times + rng.uniform(0, 6)) ** 2
    return (0.1 * loud * rng.standard_normal(len(times))).astype(np.float32)


def make_store(folder: Path, splits: Sequence[str], seconds: float = 2.0) -> Path:
    """A store of a clip for each split, by a mouth that opens with the babble."""
    entries = []
    for seed, split in enumerate(splits):
        samples = babble(seconds, seed)
        times = np.arange(int(25 * seconds)) / 25
        loud = np.abs(samples).reshape(len(times), -1).mean(1) / 0.08
        landmarks = np.repeat(mean_face()[None] * 100 + 128, len(times), 0)
        landmarks[:, INNER_LIP_PAIRS[:, 1], 1] += 10 * loud[:, None]
        pose = fit_pose(landmarks)
        name = f"made/{split}"
        file = save_arrays(
            folder,
            name,
            {
                "times": times,
                "landmarks": landmarks.astype(np.float32),
                "units": np.full((len(landmarks), 51), 0.1, np.float16),
                "rotation": pose.rotation.astype(np.float32),
                "translation": pose.translation.astype(np.float32),
                "scale": pose.scale.astype(np.float32),
                "mel": log_mel(samples).astype(np.float16),
                "samples": (samples * 32767).astype(np.int16),
            },
        )
        entries.append(
            Entry(
                name=name, file=file, source=str(folder / "gone.mp4"), size=0, modified=0, speaker=split, corpus="made",
                split=split, style="neutral", license="none", seconds=seconds, fps=25.0, frames=len(times),
                face_share=1.0, eye_distance=100.0, sync_confidence=1.0,
            )
        )  # fmt: skip
    write_index(folder, entries)
    return folder


def made_up_speech(folder: Path) -> Path:
    """A folder of three utterances by two speakers, listed in speech.csv."""
    folder.mkdir(parents=True)
    rows = ["path,speaker,language,seconds,licence"]
    for seed, speaker in enumerate("aab"):
        scipy.io.wavfile.write(folder / f"{seed}.wav", 16000, babble(1.5, seed))
        rows.append(f"{seed}.wav,{speaker},en,1.5,none")
    (folder / "speech.csv").write_text("\n".join(rows) + "\n")
    return folder


def made_up_generator(seed: int = 0) -> MotionGenerator:
    """A small generator that hears log-mel and moves a face at random."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        generator = MotionGenerator(GeneratorDims(hidden=8, layers=1, components=4, look_ahead=2, encoder=None))
        generator.basis.copy_(torch.randn(4, 204))
    return generator.eval()


def made_up_speech_model(generator: RunningGenerator) -> SpeechModel:
    """The generator, and what makes log-mel for it."""
    return SpeechModel(
        MelEncoder(None, {"mean": np.full(80, -6, np.float32), "std": np.ones(80, np.float32)}), generator
    )


def made_up_style(name: str, generator: RunningGenerator, seed: int = 0, **changes: Any) -> Style:
    """A style of the generator, at random, every number one that half precision can hold; `changes` name its fields."""
    rng = np.random.default_rng(seed)

    def draw(*shape: int) -> np.ndarray:
        return (0.1 * rng.standard_normal(shape)).astype(np.float16).astype(np.float32)

    weights = {key: draw(*value.shape) for key, value in generator.weights.items() if key.startswith("recurrent")}
    facts: dict[str, Any] = {
        "name": name,
        "delta": weights,
        "units": draw(51),
        "response": draw(2, 51),
        "head_gain": np.exp(draw(5)),
        "blink_rate_scale": 1.5,
        "references": draw(4, 68, 3),
        "bank": draw(12, 160),
        "projection": 0.5,
        "gamma": 0.25,
        "generator": generator.key,
        "provenance": {"clip": f"{name}.mp4", "seconds": 10.2, "method": "learnt", "seed": seed},
        "license": "CC0-1.0",
    }
    return Style(**facts | changes)
