"""Compute the mean face, which defines canonical space.

rhapsode train mean-face --data DATA --out MODEL
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from rhapsode.data.store import open_store
from rhapsode.face.geometry import mean_shape
from rhapsode.face.mouth import lip_distance
from rhapsode.files import atomic_write
from rhapsode.progress import Progress, no_progress
from rhapsode.training.run import Run, describe_clips

#: Share of a speaker's frames, those with the smallest mouth opening, that show the resting face.
_RESTING = 0.2


@dataclass(frozen=True)
class MeanFaceRecipe:
    """Settings of the mean face."""

    data: Path
    """Folder of clips, or a prepared store of them."""
    out: Path
    """Model folder; made where missing."""
    store: Path = Path("stores/clips")
    """Folder of prepared clips, filled on the first run; not used where `data` is a store."""


def train(recipe: MeanFaceRecipe, progress: Progress = no_progress) -> Path:
    """Average each training speaker's resting face, then the speakers, by generalised Procrustes analysis.

    Returns:
        The mean face, a file of the model.

    Raises:
        DataError: there is no `train` clip, or the model folder holds a training with other settings.
    """
    store = open_store(recipe.data, recipe.store, progress, split="train")
    run = Run.open(recipe, "mean_face")
    resting: dict[str, list[np.ndarray]] = {}
    for clip in store.load_all():
        landmarks = clip.landmarks.astype(np.float64)
        opening = lip_distance(landmarks)
        resting.setdefault(clip.clip.speaker, []).append(landmarks[opening <= np.quantile(opening, _RESTING)])
    speakers = [mean_shape(np.concatenate(frames)) for frames in resting.values()]
    mean = mean_shape(np.stack(speakers)).astype(np.float32)
    atomic_write(run.path("mean_face.safetensors"), save({"mean_face": mean}))
    return run.finish(["mean_face.safetensors"], [one.license for one in store.entries], describe_clips(store.entries))
