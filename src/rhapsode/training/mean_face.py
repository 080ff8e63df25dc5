"""Learn the mean face, which defines canonical space.

rhapsode train mean-face --data DATA --out RUN
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from rhapsode.data.store import open_store
from rhapsode.face.geometry import mean_shape
from rhapsode.face.mouth import lip_distance
from rhapsode.progress import no_progress


@dataclass(frozen=True)
class MeanFaceRecipe:
    """Every setting of a training."""

    data: Path
    """Folder with clips.csv and the clips it lists."""
    out: Path
    """Folder for the weights; made where missing."""
    store: Path = Path("stores/clips")
    """Folder of prepared clips, filled on the first run."""


def train(recipe: MeanFaceRecipe, progress: Callable[[str, int, int], None] | None = None) -> Path:
    """Average each training speaker's resting face, then the speakers; returns the path of the weights."""
    store = open_store(recipe.data, recipe.store, progress or no_progress, split="train")
    resting: dict[str, list[np.ndarray]] = {}
    for clip in store.load_all():
        landmarks = clip.landmarks.astype(np.float64)
        opening = lip_distance(landmarks)
        resting.setdefault(clip.clip.speaker, []).append(landmarks[opening <= np.quantile(opening, 0.2)])
    speakers = [mean_shape(np.concatenate(frames)) for frames in resting.values()]
    recipe.out.mkdir(parents=True, exist_ok=True)
    weights = recipe.out / "mean_face.safetensors"
    save_file({"mean_face": mean_shape(np.stack(speakers)).astype(np.float32)}, weights)
    return weights
