"""Likeness of two faces, by a face descriptor that was not trained here."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Identity:
    """Compare faces by dlib's face descriptor (King 2017), where it is installed (the extra `identity`).

    Attributes:
        describe: from (H, W, 3) uint8 to a descriptor (128,), or to None where no face is found; None where dlib is
            missing.
    """

    describe: Callable[[np.ndarray], np.ndarray | None] | None

    @classmethod
    def load(cls) -> "Identity":
        """Load the descriptor, or an empty one where its packages are not installed."""
        models = importlib.util.find_spec("face_recognition_models")
        if importlib.util.find_spec("dlib") is None or models is None or not models.submodule_search_locations:
            return cls(None)
        import dlib

        folder = Path(next(iter(models.submodule_search_locations))) / "models"
        find = dlib.get_frontal_face_detector()
        align = dlib.shape_predictor(str(folder / "shape_predictor_5_face_landmarks.dat"))
        network = dlib.face_recognition_model_v1(str(folder / "dlib_face_recognition_resnet_model_v1.dat"))

        def describe(picture: np.ndarray) -> np.ndarray | None:
            found = find(picture, 0) or find(picture, 1)
            if not found:
                return None
            return np.array(network.compute_face_descriptor(picture, align(picture, found[0])))

        return cls(describe)

    def likeness(self, one: np.ndarray, other: np.ndarray) -> float | None:
        """Compute the cosine of the descriptors of two pictures (H, W, 3) uint8, 1 the same; None without a face."""
        if self.describe is None:
            return None
        a, b = self.describe(one), self.describe(other)
        if a is None or b is None:
            return None
        return float(a @ b / (np.linalg.norm(a) * np.linalg.norm(b)))
