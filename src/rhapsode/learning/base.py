"""The models that a style changes."""

from dataclasses import dataclass
from pathlib import Path

from rhapsode.bundle import DEFAULT, Bundle
from rhapsode.errors import StyleError
from rhapsode.learning.replay import ReplaySet
from rhapsode.models.motion_generator import MotionGenerator
from rhapsode.motion.head import HeadModel


@dataclass(frozen=True)
class BaseModels:
    """Hold the models without style.

    Attributes:
        generator: the Motion Generator.
        head: the head model.
        replay: speech of others, encoded by this generator.
    """

    generator: MotionGenerator
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
        generator = MotionGenerator.load(bundle.path("motion_generator.safetensors"))
        replay = ReplaySet.load(bundle.path("replay.safetensors"))
        if replay.generator != generator.key:
            raise StyleError(
                f"{bundle.folder}: replay set made for Motion Generator {replay.generator}, not {generator.key}",
                "make the replay set of this model first",
                "replay-of-another-model",
            )
        return cls(generator, HeadModel.load(bundle.path("head_motion.safetensors")), replay)
