"""The Motion Generators in torch that a style can be learnt for."""

from pathlib import Path

from safetensors import safe_open

from rhapsode.files import reading
from rhapsode.models.feature_generator import FeatureGenerator
from rhapsode.models.motion_generator import MotionGenerator

Generator = FeatureGenerator | MotionGenerator


def load_generator(path: Path) -> Generator:
    """Read a generator of either kind, in evaluation mode.

    Raises:
        WeightsError: the file is missing, damaged, or of another model.
    """
    with reading(path, "Motion Generator"), safe_open(path, "pt") as file:
        published = "feature_generator" not in file.metadata()
    return MotionGenerator.load(path) if published else FeatureGenerator.load(path)
