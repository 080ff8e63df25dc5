"""Make the replay set: features of others' speech, on which style transfer keeps a generator's lips in sync.

    rhapsode train replay --data DATA --out MODEL

Whoever learns a style does not have our training clips. The features of some of their sound are small, and no sound can
be made from them.
"""

from dataclasses import dataclass
from pathlib import Path

import torch

from rhapsode.bundle import MANIFEST, Bundle
from rhapsode.data.store import open_store
from rhapsode.learning.replay import ReplaySet
from rhapsode.media.waveform import SAMPLE_RATE
from rhapsode.motion.model import ENCODER, SpeechModel
from rhapsode.motion.stream import condensed_features
from rhapsode.progress import Progress, no_progress
from rhapsode.training.run import Run, describe_clips

#: Longest piece, in frames of 1/60 s.
LONGEST = 600


@dataclass(frozen=True)
class ReplayRecipe:
    """Settings of the replay set."""

    data: Path
    """Folder of clips, or a prepared store of them; those of split train are used."""
    out: Path
    """Model folder; made where missing."""
    store: Path = Path("stores/clips")
    """Folder of prepared clips, filled on the first run; not used where `data` is a store."""
    generator: Path | None = None
    """Motion Generator that computes the features; that of the model folder, or else the default, where None."""
    style: str = "address"
    """Use all clips of this style, and one clip of every other speaker."""
    seconds: float = 8.0
    """Seconds of a clip that are used at most: more speakers serve better than more of each."""


def train(recipe: ReplayRecipe, progress: Progress = no_progress) -> Path:
    """Run the recipe.

    Returns:
        The replay set, a file of the model.

    Raises:
        DataError: there is no clip of split train, or the model folder holds a training with other settings.
        WeightsError: the generator cannot be used.
    """
    model = Bundle.load(recipe.out if (recipe.out / MANIFEST).is_file() else "default")
    speech = (
        SpeechModel.read(recipe.generator, lambda: model.path(ENCODER)) if recipe.generator else SpeechModel.load(model)
    )
    store = open_store(recipe.data, recipe.store, progress, split="train")
    speakers: set[str] = set()
    pieces = []
    used = []
    for entry in store.entries:
        if entry.style == recipe.style or entry.speaker not in speakers:
            samples = store.load(entry).samples[: round(recipe.seconds * SAMPLE_RATE)]
            pieces += _pieces(torch.from_numpy(condensed_features(speech, samples)), speech.generator.look_ahead)
            used.append(entry)
        speakers.add(entry.speaker)
    run = Run.open(recipe, "replay")
    ReplaySet(tuple(pieces), speech.generator.key).save(run.path("replay.safetensors"))
    return run.finish(["replay.safetensors"], [entry.license for entry in used], describe_clips(used))


def _pieces(features: torch.Tensor, ahead: int) -> list[torch.Tensor]:
    """Split the features of a clip into pieces, each with the features of its look-ahead."""
    count = -(-(len(features) - ahead) // LONGEST)
    each = -(-(len(features) - ahead) // count)
    return [features[start : start + each + ahead] for start in range(0, len(features) - ahead, each)]
