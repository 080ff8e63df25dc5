"""The replay set: speech of others, on which a style is trained so that lips keep following what is said.

`training.replay` makes it. It holds features, from which the sound cannot be rebuilt.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.numpy import save_file
from torch import Tensor

from rhapsode.files import atomic_path, reading
from rhapsode.models.generators import Generator

#: Features are stored as integers up to this, each in units of its own largest value.
_FULL = 127


@dataclass(frozen=True)
class ReplaySet:
    """Hold encoded speech of several people.

    Attributes:
        pieces: (T_k + look-ahead, H) each, input of the generator's `decode`; longer than the motion by its look-ahead.
        generator: key of the generator that they were made for.
    """

    pieces: tuple[Tensor, ...]
    generator: str

    def save(self, path: Path) -> None:
        """Write one safetensors file, one byte for each number."""
        features = torch.cat(self.pieces).numpy()
        unit = np.maximum(np.abs(features).max(0), 1e-6).astype(np.float32) / _FULL
        lengths = np.array([len(piece) for piece in self.pieces], np.int64)
        arrays = {"features": np.round(features / unit).astype(np.int8), "unit": unit, "lengths": lengths}
        with atomic_path(path) as partial:
            save_file(arrays, partial, metadata={"generator": self.generator})

    @classmethod
    def load(cls, path: Path) -> "ReplaySet":
        """Read what `save` wrote.

        Raises:
            WeightsError: the file is missing, damaged, or something else.
        """
        with reading(path, "replay set"), safe_open(path, "pt") as file:
            features = file.get_tensor("features").float() * file.get_tensor("unit")
            pieces = features.split(file.get_tensor("lengths").tolist())
            return cls(tuple(pieces), file.metadata()["generator"])

    def motions(self, generator: Generator) -> list[Tensor]:
        """Decode each piece with a generator, (T_k, 68, 3) offsets from rest, canonical space."""
        with torch.inference_mode():
            return [generator.decode(piece[None])[0, generator.look_ahead :].clone() for piece in self.pieces]
