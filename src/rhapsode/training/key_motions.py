"""Learn the four key motions, None, M, R and O, from clips whose words are timed.

    rhapsode train key-motions --data DATA --out RUN

GRID's `.align` files tell which syllable is spoken when.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from rhapsode.audio.mel import MOTION_RATE
from rhapsode.data.motion_windows import align_clip
from rhapsode.data.store import open_store
from rhapsode.errors import DataError
from rhapsode.metrics.closure import TICKS, closure_times
from rhapsode.progress import no_progress
from rhapsode.style.style import KEY_MOTIONS

#: Words of the GRID corpus whose vowel is open and spread, and open and rounded.
SPREAD = frozenset({"a", "e", "green", "three", "red", "set", "eight", "please", "k", "d", "c", "g", "t"})
ROUNDED = frozenset({"o", "u", "q", "two", "soon", "blue", "four", "zero", "now"})
#: Seconds from the edges of a recording at which lips rest.
_EDGE = 0.1


@dataclass(frozen=True)
class KeyMotionsRecipe:
    """Every setting of a training."""

    data: Path
    """Folder of clips, raw or prepared."""
    out: Path
    """Folder for the result; made where missing."""
    store: Path = Path("stores/clips")
    """Folder of prepared clips, filled on the first run."""


def train(recipe: KeyMotionsRecipe, progress: Callable[[str, int, int], None] | None = None) -> Path:
    """Run the recipe; returns the path of the result.

    Raises:
        DataError: if no `train` clip has its words timed.
    """
    store = open_store(recipe.data, recipe.store, progress or no_progress, split="train")
    found: dict[str, list[np.ndarray]] = {name: [] for name in KEY_MOTIONS}
    for entry in store.entries:
        words = Path(entry.source).with_suffix(".align")
        if words.is_file():
            clip = store.load(entry)
            expression = align_clip(clip).expression
            for name, time in _moments(words):
                frame = round(time * MOTION_RATE)
                if frame < len(expression):
                    found[name].append(expression[frame])
    if not all(found.values()):
        raise DataError(f"{recipe.data}: too few clips with timed words (.align) to learn key motions from; add some")
    recipe.out.mkdir(parents=True, exist_ok=True)
    weights = recipe.out / "key_motions.safetensors"
    save_file({"key_motions": np.stack([np.mean(found[name], axis=0) for name in KEY_MOTIONS])}, weights)
    return weights


def _moments(table: Path) -> Iterator[tuple[str, float]]:
    """Key motions and when they are surely reached, seconds."""
    yield from (("M", time) for time in closure_times(table))
    rows = [line.split() for line in table.read_text(encoding="ascii").splitlines()]
    spans = [(int(start) / TICKS, int(end) / TICKS, word.lower()) for start, end, word in rows]
    # Lips part well before the first word; they rest at the very edges.
    yield "None", spans[0][0] + _EDGE
    yield "None", spans[-1][1] - _EDGE
    for start, end, word in spans:
        for name, words in (("R", SPREAD), ("O", ROUNDED)):
            if word in words:
                yield name, (start + end) / 2
