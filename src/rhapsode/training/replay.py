"""Make the rehearsal: speech by others, on which a generator practises a manner while it keeps its lips in step.

    rhapsode train rehearsal --data DATA --out RUN

Nobody who learns a style has our training clips at hand. What the shipped generator's ear makes of some of their sound
is small, and no sound can be made of it again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from rhapsode.bundle import Bundle
from rhapsode.data.store import open_store
from rhapsode.learning.replay import ReplaySet
from rhapsode.models.motion_generator import MotionGenerator
from rhapsode.progress import no_progress

#: Longest piece, in frames of 1/60 s.
LONGEST = 600


@dataclass(frozen=True)
class ReplayRecipe:
    """Every setting."""

    data: Path
    """Folder of clips, raw or prepared; those of split `train` are heard."""
    out: Path
    """Folder for the result; made where missing."""
    store: Path = Path("stores/clips")
    """Folder of prepared clips, filled on the first run."""
    generator: Path | None = None
    """The Motion Generator whose ear hears; the shipped one where None."""
    style: str = "address"
    """Clips of this style are heard whole; of every other speaker, one clip."""


def train(recipe: ReplayRecipe, progress: Callable[[str, int, int], None] | None = None) -> Path:
    """Run the recipe; returns the path of the result.

    Raises:
        DataError: if there is no clip to hear.
        WeightsError: if the generator cannot be used.
    """
    generator = MotionGenerator.load(recipe.generator or Bundle.load().path("motion_generator.safetensors"))
    store = open_store(recipe.data, recipe.store, progress or no_progress, split="train")
    speakers: set[str] = set()
    pieces = []
    for entry in store.entries:
        if entry.style == recipe.style or entry.speaker not in speakers:
            pieces += _pieces(generator, torch.from_numpy(store.load(entry).mel))
        speakers.add(entry.speaker)
    recipe.out.mkdir(parents=True, exist_ok=True)
    result = recipe.out / "replay.safetensors"
    ReplaySet(tuple(pieces), generator.key).save(result)
    return result


def _pieces(generator: MotionGenerator, mel: torch.Tensor) -> list[torch.Tensor]:
    """Stretches of what is heard of a clip, each with what is heard ahead of it."""
    heard = generator.features(mel)
    ahead = generator.dims.look_ahead
    count = -(-(len(heard) - ahead) // LONGEST)
    each = -(-(len(heard) - ahead) // count)
    return [heard[start : start + each + ahead] for start in range(0, len(heard) - ahead, each)]
