"""Train teachers of motion, which predict the faces of speech without video for the encoder and the generator.

A few small generators (`models.feature_generator`) that need not ship are trained on the clips. Their input is the
whole sentence in the features of two of Whisper's encoders, and they see 160 ms either way; the mean of what they
predict for prepared speech is kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file, save

from rhapsode.audio.mel import MOTION_RATE
from rhapsode.audio.whisper_mel import FEATURE_RATE
from rhapsode.data.store import open_store
from rhapsode.face.expression import resample
from rhapsode.files import atomic_write
from rhapsode.models.feature_generator import FeatureGenerator
from rhapsode.motion.dims import FeatureGeneratorDims
from rhapsode.motion.windowed_encoder import to_motion_rate
from rhapsode.progress import Progress, no_progress
from rhapsode.training.feature_generator import scored_clips, train_generator
from rhapsode.training.feature_windows import Extract, FeatureWindows
from rhapsode.training.lip_windows import lip_shape
from rhapsode.training.loop import Loop
from rhapsode.training.run import Run, describe_clips
from rhapsode.training.whisper import Whisper
from rhapsode.training.whisper_speech import TEACHERS


@dataclass(frozen=True)
class LipTeachersRecipe:
    """Settings of a training of teachers of motion."""

    data: Path
    """Folder of clips, or a prepared store of them."""
    out: Path
    """Model folder; made where missing."""
    store: Path = Path("stores/clips")
    """Folder of prepared clips, filled on the first run; not used where `data` is a store."""
    teachers: int = 2
    """How many, with one seed after another."""
    dims: FeatureGeneratorDims = field(
        default_factory=lambda: FeatureGeneratorDims(sum(width for _, width in TEACHERS.values()), ahead=10)
    )
    """Sizes of each."""
    loop: Loop = field(default_factory=lambda: Loop(steps=700, weight_decay=0.05))
    """How each training runs."""


def extractor() -> Extract:
    """Make a function that computes the features of both of Whisper's encoders, joined, (T, 896).

    Raises:
        InstallationError: one of them is not installed.
    """
    whispers = {name: Whisper(name) for name in TEACHERS}

    def extract(samples: np.ndarray, frames: int) -> list[np.ndarray]:
        features = [whispers[name].layers(samples, [layer])[0] for name, (layer, _) in TEACHERS.items()]
        return [to_motion_rate(np.concatenate(features, axis=1).astype(np.float32), frames)]

    return extract


def train(recipe: LipTeachersRecipe, progress: Progress = no_progress) -> list[Path]:
    """Run the recipe.

    Returns:
        The weights of each teacher.

    Raises:
        DataError: there is nothing to learn from, or the folder holds a training with other settings.
        InstallationError: Whisper is not installed.
    """
    extract = extractor()
    store = open_store(recipe.data, recipe.store, progress)
    run = Run.open(recipe, "lip_teachers")
    clips = {
        split: [store.load(entry) for entry in store.entries if entry.split == split] for split in ("train", "val")
    }
    windows = FeatureWindows.of(clips["train"], extract)
    val = scored_clips(clips["val"], extract)
    paths = []
    for seed in range(recipe.loop.seed, recipe.loop.seed + recipe.teachers):
        loop, name = replace(recipe.loop, seed=seed), f"lip_teacher_{seed}"
        teacher = train_generator(windows, val, recipe.dims, loop, run.folder, name, progress=progress)
        paths.append(run.path(f"{name}.safetensors"))
        teacher.save(paths[-1])
    learnt = [entry for entry in store.entries if entry.split == "train"]
    run.finish([path.name for path in paths], [entry.license for entry in learnt], describe_clips(learnt))
    return paths


@torch.inference_mode()
def predict(teachers: Sequence[Path], prepared: Sequence[Path], out: Path, progress: Progress = no_progress) -> None:
    """Write what teachers predict for prepared speech, one file for each, of the same name.

    A file holds `mel` (2T, 80), Whisper's log-mel; the motion, `weights` (M, K) of `basis` (K, 204), 60 a second; and
    `lips` (T, 4), the three openings and the width of the lips, 50 a second.

    Args:
        teachers: weights, as `train` returns them; all have the same basis.
        prepared: files of `whisper_speech.prepare_speech`.
        out: folder, made where missing.
        progress: watches the stage `speech`.
    """
    generators = [FeatureGenerator.load(path) for path in teachers]
    basis = generators[0].basis.numpy()
    lips = lip_shape(basis.reshape(-1, 68, 3))
    for done, path in enumerate(prepared, start=1):
        sound = load_file(path)
        features = np.concatenate([sound[name].astype(np.float32) for name in TEACHERS], axis=1)
        seen = torch.from_numpy(to_motion_rate(features, len(features) * MOTION_RATE // FEATURE_RATE))[None]
        # Files hold arrays row by row, whatever their order in memory is.
        weights = np.ascontiguousarray(
            np.mean([generator.weights(seen)[0].numpy() for generator in generators], axis=0)
        )
        moments = np.arange(len(features)) / FEATURE_RATE
        moved = resample(weights @ lips, np.arange(len(weights)) / MOTION_RATE, moments)
        arrays = {"mel": sound["mel"], "weights": weights.astype(np.float16), "lips": moved.astype(np.float16)}
        atomic_write(out / path.name, save(arrays | {"basis": basis.astype(np.float32)}))
        progress("speech", done, len(prepared))
