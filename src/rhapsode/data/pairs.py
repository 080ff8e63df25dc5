"""Pairs of frames of one person, on which the picture networks are trained, and their file."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from rhapsode.errors import DataError
from rhapsode.files import atomic_path

#: Openings (canonical units) below and above which a mouth counts as closed and open.
CLOSED, OPEN = 0.03, 0.1


@dataclass(frozen=True)
class Pairs:
    """Hold one portrait and the target frames of the same clip. All pictures are (S, S) mouth windows, uint8 RGB.

    Attributes:
        clip: the clip's name in its store.
        speaker: who it is.
        retrieved: whether `real_references` are frames of the person; a still has none.
        rest: (S, S, 3) the portrait.
        references: (4, S, S, C) renderings of the four key motions (see `Drawn.stacked`).
        sources: (4, S, S, 2) float16, where their skin comes from, pixels.
        real_references: (4, S, S, 3) the frames of the clip that are most like them.
        drawn: (N, S, S, C) renderings for the target frames; frames 2n and 2n + 1 are neighbours in time.
        real: (N, S, S, 3) the target frames.
        regions: (N, S, S) uint8, as `MouthWindow.regions` labels them.
        shapes: (4 + N, 4) float32, `mouth_shape` of the references and of the targets.
        opening: (N,) float32 mouth opening of the targets, canonical units.
        own_opening: that of the portrait.
        frames: (1 + N,) frame numbers in the clip: the portrait, then the targets.
        expressions: (N, 68, 3) float32 offsets of the targets from the portrait, canonical space.
        reference_offsets: (4, 68, 3) float32, likewise of the references.
    """

    clip: str
    speaker: str
    retrieved: bool
    rest: np.ndarray
    references: np.ndarray
    sources: np.ndarray
    real_references: np.ndarray
    drawn: np.ndarray
    real: np.ndarray
    regions: np.ndarray
    shapes: np.ndarray
    opening: np.ndarray
    own_opening: float
    frames: np.ndarray
    expressions: np.ndarray
    reference_offsets: np.ndarray


def save_pairs(pairs: Sequence[Pairs], path: Path, of: str) -> None:
    """Write pairs to one safetensors file.

    Args:
        pairs: what to write.
        path: the file; its folder is created where missing.
        of: key of what they were made from.
    """
    names = [{name: getattr(one, name) for name in ("clip", "speaker", "retrieved", "own_opening")} for one in pairs]
    arrays = {
        f"{number}.{name}": np.ascontiguousarray(value)
        for number, one in enumerate(pairs)
        for name, value in vars(one).items()
        if isinstance(value, np.ndarray)
    }
    with atomic_path(path) as partial:
        save_file(arrays, partial, {"pairs": json.dumps(names), "of": of})


def load_pairs(path: Path) -> list[Pairs]:
    """Read what `save_pairs` wrote.

    Raises:
        DataError: the file is missing or damaged.
    """
    try:
        with safe_open(path, "numpy") as file:
            names = json.loads(file.metadata()["pairs"])
            arrays: list[dict[str, Any]] = [{} for _ in names]
            for key in file.keys():  # noqa: SIM118
                number, _, name = key.partition(".")
                arrays[int(number)][name] = file.get_tensor(key)
        return [Pairs(**name, **array) for name, array in zip(names, arrays, strict=True)]
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path}: cannot be read ({reason})", "remove it and run again") from None


def made_of(path: Path) -> str:
    """Read the key that `save_pairs` wrote; empty where the file cannot be read."""
    try:
        with safe_open(path, "numpy") as file:
            return str((file.metadata() or {}).get("of", ""))
    except (OSError, SafetensorError):
        return ""
