"""The models that a style changes."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from rhapsode.bundle import DEFAULT, Bundle
from rhapsode.errors import StyleError
from rhapsode.learning.replay import ReplaySet
from rhapsode.models.generators import Generator, load_generator
from rhapsode.motion.head import HeadModel
from rhapsode.motion.model import GENERATOR, SpeechModel
from rhapsode.motion.stream import condensed_features


@dataclass(frozen=True)
class BaseModels:
    """Hold the models without style.

    Attributes:
        speech: audio encoder and Motion Generator as they run.
        generator: the same Motion Generator, to train further.
        head: the head model.
        replay: speech of others, as this generator hears it.
    """

    speech: SpeechModel
    generator: Generator
    head: HeadModel
    replay: ReplaySet

    @classmethod
    def load(cls, model: str | Path = DEFAULT) -> "BaseModels":
        """Load a model: "default", the one of the package, or a model folder; errors as `from_bundle`."""
        return cls.from_bundle(Bundle.load(model))

    @classmethod
    def from_bundle(cls, bundle: Bundle) -> "BaseModels":
        """Load the models of a bundle.

        Raises:
            StyleError: the replay set was made for another Motion Generator.
            WeightsError: a file is missing or damaged.
        """
        generator = load_generator(bundle.path(GENERATOR))
        replay = ReplaySet.load(bundle.path("replay.safetensors"))
        if replay.generator != generator.key:
            raise StyleError(
                f"{bundle.folder}: replay set made for Motion Generator {replay.generator}, not {generator.key}",
                "make the replay set of this model first",
                "replay-of-another-model",
            )
        return cls(SpeechModel.load(bundle), generator, HeadModel.load(bundle.path("head_motion.safetensors")), replay)

    def hear(self, samples: np.ndarray) -> Tensor:
        """Compute what `Generator.decode` takes of a sound, as a session hears it.

        Args:
            samples: (N,) float32 in [-1, 1] at 16 kHz.

        Returns:
            (T + look-ahead, H), T = `motion_frames(N)`, and the look-ahead that of `Generator`.
        """
        return torch.from_numpy(condensed_features(self.speech, samples))
