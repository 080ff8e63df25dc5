"""The replay set: speech of others, on which a style is trained so that lips keep following what is said.

`training.replay` makes it. It holds features of the audio encoder, from which the sound cannot be rebuilt.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.numpy import save_file
from torch import Tensor

from rhapsode.errors import WeightsError
from rhapsode.files import atomic_path, reading
from rhapsode.models.motion_generator import MotionGenerator

#: Features lie in [-1, 1] and are stored as integers up to this.
_FULL = 127


@dataclass(frozen=True)
class ReplaySet:
    """Hold encoded speech of several people.

    Attributes:
        pieces: (T_k + look-ahead, F) each, input of `MotionGenerator.decode`; longer than the motion by the
            generator's look-ahead.
        generator: `MotionGenerator.key` of the generator whose audio encoder made the features.
    """

    pieces: tuple[Tensor, ...]
    generator: str

    def save(self, path: Path) -> None:
        """Write one safetensors file, one byte for each number.

        Raises:
            WeightsError: a feature is outside [-1, 1]: the generator has no audio encoder.
        """
        if max(float(piece.abs().max()) for piece in self.pieces) > 1:
            raise WeightsError(
                f"{path}: the Motion Generator takes log-mel", "make the replay set with one that has an audio encoder"
            )
        features = np.round(torch.cat(self.pieces).numpy() * _FULL).astype(np.int8)
        lengths = np.array([len(piece) for piece in self.pieces], np.int64)
        with atomic_path(path) as partial:
            save_file({"features": features, "lengths": lengths}, partial, metadata={"generator": self.generator})

    @classmethod
    def load(cls, path: Path) -> "ReplaySet":
        """Read what `save` wrote.

        Raises:
            WeightsError: the file is missing, damaged, or something else.
        """
        with reading(path, "replay set"), safe_open(path, "pt") as file:
            features = file.get_tensor("features").float() / _FULL
            pieces = features.split(file.get_tensor("lengths").tolist())
            return cls(tuple(pieces), file.metadata()["generator"])

    def motions(self, generator: MotionGenerator) -> list[Tensor]:
        """Decode each piece with a generator, (T_k, 68, 3) offsets from rest, canonical space."""
        ahead = generator.dims.look_ahead
        with torch.inference_mode():
            return [generator.decode(piece[None])[0][0, ahead:].clone() for piece in self.pieces]
