"""Learn the four key motions, None, M, R and O, from clips whose words are timed.

    rhapsode train key-motions --data DATA --out MODEL

GRID's `.align` files tell when each word is spoken.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save

from rhapsode.audio.mel import MOTION_RATE
from rhapsode.data.motion_windows import align_clip
from rhapsode.data.store import open_store
from rhapsode.errors import DataError
from rhapsode.files import atomic_write
from rhapsode.metrics.closure import TICKS, closure_times
from rhapsode.progress import Progress, no_progress
from rhapsode.style.style import KEY_MOTIONS
from rhapsode.training.run import Run, describe_clips

#: Words of the GRID corpus whose vowel is open and spread, or open and rounded.
SPREAD = frozenset({"a", "e", "green", "three", "red", "set", "eight", "please", "k", "d", "c", "g", "t"})
ROUNDED = frozenset({"o", "u", "q", "two", "soon", "blue", "four", "zero", "now"})
#: Seconds from the start and end of a recording at which lips rest.
_EDGE = 0.1


@dataclass(frozen=True)
class KeyMotionsRecipe:
    """Settings of the key motions."""

    data: Path
    """Folder of clips, or a prepared store of them."""
    out: Path
    """Model folder; made where missing."""
    store: Path = Path("stores/clips")
    """Folder of prepared clips, filled on the first run; not used where `data` is a store."""


def train(recipe: KeyMotionsRecipe, progress: Progress = no_progress) -> Path:
    """Run the recipe.

    Returns:
        The key motions, a file of the model.

    Raises:
        DataError: no `train` clip has timed words, or the model folder holds a training with other settings.
    """
    store = open_store(recipe.data, recipe.store, progress, split="train")
    found: dict[str, list[np.ndarray]] = {name: [] for name in KEY_MOTIONS}
    for entry in store.entries:
        words = Path(entry.source).with_suffix(".align")
        if words.is_file():
            clip = store.load(entry)
            expression = align_clip(clip).expression
            for name, time in _times(words):
                frame = round(time * MOTION_RATE)
                if frame < len(expression):
                    found[name].append(expression[frame])
    if not all(found.values()):
        raise DataError(
            f"{recipe.data}: has too few clips with timed words (.align)",
            "add some to learn key motions from",
            "no-clips",
        )
    run = Run.open(recipe, "key_motions")
    means = np.stack([np.mean(found[name], axis=0) for name in KEY_MOTIONS])
    atomic_write(run.path("key_motions.safetensors"), save({"key_motions": means}))
    licenses = [entry.license for entry in store.entries]
    return run.finish(["key_motions.safetensors"], licenses, describe_clips(store.entries))


def _times(table: Path) -> Iterator[tuple[str, float]]:
    """Find key motions, and when each is certainly reached, seconds."""
    yield from (("M", time) for time in closure_times(table))
    rows = [line.split() for line in table.read_text(encoding="ascii").splitlines()]
    spans = [(int(start) / TICKS, int(end) / TICKS, word.lower()) for start, end, word in rows]
    # Lips part well before the first word; they rest only at the very start and end.
    yield "None", spans[0][0] + _EDGE
    yield "None", spans[-1][1] - _EDGE
    for start, end, word in spans:
        for name, words in (("R", SPREAD), ("O", ROUNDED)):
            if word in words:
                yield name, (start + end) / 2
