"""The network that reads a face's expression off its mesh: how far each unit goes, apart from whose face it is.

Three layers on the mesh in canonical space, seen from the front, where neither turn nor size of the head show. It is
distilled from MediaPipe's network, whose units have the same names and scale (`training.expression_network`).
"""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Final

import numpy as np
from safetensors.numpy import load_file

from rhapsode.bundle import Bundle
from rhapsode.compute import single_threaded_matmul
from rhapsode.face.geometry import fit_pose, to_canonical
from rhapsode.face.landmarks import MESH_TO_68
from rhapsode.face.units import UNITS
from rhapsode.files import reading

#: Name in a model folder.
FILE: Final = "face/expression_network.safetensors"
#: The points of the mesh that it reads, (146,): those that MediaPipe's network for expressions reads, in its order.
POINTS: Final = np.array([
    0, 1, 4, 5, 6, 7, 8, 10, 13, 14, 17, 21, 33, 37, 39, 40, 46, 52, 53, 54, 55, 58, 61, 63, 65, 66, 67, 70, 78, 80,
    81, 82, 84, 87, 88, 91, 93, 95, 103, 105, 107, 109, 127, 132, 133, 136, 144, 145, 146, 148, 149, 150, 152, 153,
    154, 155, 157, 158, 159, 160, 161, 162, 163, 168, 172, 173, 176, 178, 181, 185, 191, 195, 197, 234, 246, 249, 251,
    263, 267, 269, 270, 276, 282, 283, 284, 285, 288, 291, 293, 295, 296, 297, 300, 308, 310, 311, 312, 314, 317, 318,
    321, 323, 324, 332, 334, 336, 338, 356, 361, 362, 365, 373, 374, 375, 377, 378, 379, 380, 381, 382, 384, 385, 386,
    387, 388, 389, 390, 397, 398, 400, 402, 405, 409, 415, 454, 466, 468, 469, 470, 471, 472, 473, 474, 475, 476, 477,
])  # fmt: skip
#: Frames that are read at once.
_BATCH: Final = 512


class ExpressionNetwork:
    """Hold the weights.

    Attributes:
        neutral: (51,) float32, units of people who speak with no expression, the mean over people.
        spread: (51,) float32, how far these differ from person to person, standard deviation.
        lasting: (51,) float32, what lasts of the units of these people (`face.lasting`), the mean over them.
        resting: (51,) float32, what they show while their mouths rest, likewise.
    """

    def __init__(self, weights: Mapping[str, np.ndarray]) -> None:
        """Take weights: `mean` and `scale` of the points, matrices `0` to `2` with `.bias`, and the attributes.

        Raises:
            KeyError: one is missing.
            ValueError: their shapes do not fit together.
        """
        held = {name: np.asarray(value, np.float32) for name, value in weights.items()}
        self.neutral, self.spread = held["neutral"], held["spread"]
        self.lasting, self.resting = held["lasting"], held["resting"]
        self._mean, self._scale = held["mean"], held["scale"]
        # Columns of a product are one row of each matrix.
        self._layers = [(np.ascontiguousarray(held[f"{n}"].T), held[f"{n}.bias"]) for n in range(3)]
        sizes = [len(POINTS) * 2, *(matrix.shape[1] for matrix, _ in self._layers)]
        fit = all(matrix.shape == (rows, len(bias)) for (matrix, bias), rows in zip(self._layers, sizes, strict=False))
        of_people = self.neutral, self.spread, self.lasting, self.resting
        if not fit or any(len(one) != len(UNITS) for one in (*of_people, self._layers[-1][1])):
            raise ValueError("the layers do not fit together")

    @classmethod
    def load(cls, path: Path | None = None) -> "ExpressionNetwork":
        """Read the weights that ship, or those of a file that `training.expression_network` wrote.

        Raises:
            WeightsError: the file is missing, damaged, or something else.
        """
        path = path or Bundle.load().path(FILE)
        with reading(path, "expression network"):
            return cls(load_file(path))

    def units(self, mesh: np.ndarray) -> np.ndarray:
        """Tell the expression of each mesh, (T, 478, 3) image pixels -> (T, 51) float32 in [0, 1], as in `UNITS`."""
        seen = [self._read(points_of(mesh[first : first + _BATCH])) for first in range(0, len(mesh), _BATCH)]
        return np.concatenate([np.empty((0, len(UNITS)), np.float32), *seen])

    def _read(self, points: np.ndarray) -> np.ndarray:
        values = (points - self._mean) * self._scale
        for matrix, bias in self._layers[:-1]:
            values = np.tanh(single_threaded_matmul(values, matrix) + bias)
        matrix, bias = self._layers[-1]
        told: np.ndarray = 0.5 * (1 + np.tanh(0.5 * (single_threaded_matmul(values, matrix) + bias)))
        return told


@cache
def expression_network() -> ExpressionNetwork:
    """Give the network that ships, read once."""
    return ExpressionNetwork.load()


def points_of(mesh: np.ndarray) -> np.ndarray:
    """Take what the network reads off meshes: (T, 478, 3) image pixels -> (T, 292) float32, canonical x and y."""
    pose = fit_pose(mesh[:, MESH_TO_68])
    seen: np.ndarray = to_canonical(mesh[:, POINTS], pose)[..., :2].reshape(len(mesh), -1).astype(np.float32)
    return seen
