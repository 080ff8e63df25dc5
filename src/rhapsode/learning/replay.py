"""What a generator rehearses a manner on: speech by others, as its ear hears it; `training.replay` makes it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.numpy import save_file
from torch import Tensor

from rhapsode.bundle import Bundle
from rhapsode.errors import WeightsError
from rhapsode.files import reading
from rhapsode.models.motion_generator import MotionGenerator

#: The features lie in [-1, 1] and are kept as whole numbers up to this.
_FULL = 127


@dataclass(frozen=True)
class ReplaySet:
    """Speech of several people.

    Attributes:
        pieces: (T_k + look-ahead, F) each, what `MotionGenerator.move` takes; as much longer than the motion of it as
            the generator hears ahead.
        generator: `MotionGenerator.key` of the generator whose ear it was.
    """

    pieces: tuple[Tensor, ...]
    generator: str

    def save(self, path: Path) -> None:
        """Write one safetensors file, a byte a number.

        Raises:
            WeightsError: if what was features is not between -1 and 1: the generator has no audio encoder.
        """
        if max(float(piece.abs().max()) for piece in self.pieces) > 1:
            raise WeightsError(f"{path}: the Motion Generator hears log-mel; rehearse one that has an audio encoder")
        features = np.round(torch.cat(self.pieces).numpy() * _FULL).astype(np.int8)
        lengths = np.array([len(piece) for piece in self.pieces], np.int64)
        save_file({"features": features, "lengths": lengths}, path, metadata={"generator": self.generator})

    @classmethod
    def load(cls, path: Path) -> "ReplaySet":
        """Read what `save` wrote.

        Raises:
            WeightsError: if the file is missing, damaged, or something else.
        """
        with reading(path, "replay"), safe_open(path, "pt") as file:
            features = file.get_tensor("features").float() / _FULL
            pieces = features.split(file.get_tensor("lengths").tolist())
            return cls(tuple(pieces), file.metadata()["generator"])

    @classmethod
    def shipped(cls) -> "ReplaySet":
        """The one that comes with the package.

        Raises:
            WeightsError: if it is missing or damaged.
        """
        return cls.load(Bundle.load().path("replay.safetensors"))

    def moved(self, generator: MotionGenerator) -> list[Tensor]:
        """The motion that a generator makes of each piece, (T_k, 68, 3)."""
        ahead = generator.dims.look_ahead
        with torch.inference_mode():
            return [generator.decode(piece[None])[0][0, ahead:].clone() for piece in self.pieces]
