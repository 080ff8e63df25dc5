"""How each unit of expression moves the points of a face; learnt from a face model (`training.expression_basis`)."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from safetensors.numpy import load_file

from rhapsode.bundle import Bundle
from rhapsode.face.landmarks import MESH_TO_68
from rhapsode.files import reading


@dataclass(frozen=True)
class ExpressionBasis:
    """Hold displacements at full expression; a face moves by their sum, weighted by its units.

    Attributes:
        mesh: (51, 478, 3) float32, of the mesh, canonical space; the order is that of `units.UNITS`.
        resting: (478, 3) float32, the mean face at rest, canonical space.
    """

    mesh: np.ndarray
    resting: np.ndarray

    @property
    def landmarks(self) -> np.ndarray:
        """Give the displacements of the 68 landmarks, (51, 68, 3)."""
        landmarks: np.ndarray = self.mesh[:, MESH_TO_68]
        return landmarks


@cache
def expression_basis() -> ExpressionBasis:
    """Load the basis that ships."""
    path = Bundle.load().path("expression_basis.safetensors")
    with reading(path, "expression basis"):
        tensors = load_file(path)
        return ExpressionBasis(tensors["displacements"].astype(np.float32), tensors["mesh"])
