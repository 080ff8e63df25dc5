"""Learn from a face model how each unit of expression moves the tracker's points.

    rhapsode train expression-basis --face-model FILE --out MODEL

Faces of the model are drawn and tracked, and so each of the tracker's points is found on the model's surface. There the
model tells how the point moves. Lips are found on open mouths, where no lip hides the other. Left and right are
balanced.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from rhapsode.errors import DataError
from rhapsode.face.geometry import fit_pose, to_canonical
from rhapsode.face.landmarks import MESH_TO_68
from rhapsode.face.mesh import LIPS, MESH_POINTS
from rhapsode.face.tracker import FaceTracker
from rhapsode.face.units import UNITS, mirrored_unit
from rhapsode.files import atomic_write
from rhapsode.progress import Progress, no_progress
from rhapsode.training.face_model import SIZE, Drawing, FaceModel
from rhapsode.training.run import Run

#: How far the jaw is open in the drawing on which lips are found.
_OPEN = 0.35
#: Pixels about a point in which the face's surface is looked for.
_NEAR = 40
#: From the model's axes to the picture's: the subject's left is the picture's right, up becomes down, front near.
FLIP = np.array([1.0, -1.0, -1.0])


@dataclass(frozen=True)
class ExpressionBasisRecipe:
    """Settings of the expression basis."""

    face_model: Path
    """The face model, `face_model.safetensors`."""
    out: Path
    """Model folder; made where missing."""
    people: int = 12
    """Number of faces, drawn at random from the model."""
    seed: int = 0
    """Of the faces."""


def train(recipe: ExpressionBasisRecipe, progress: Progress = no_progress) -> Path:
    """Average over faces how each unit moves the points of the mesh.

    Returns:
        The expression basis, a file of the model: `displacements` (51, 478, 3) and `mesh` (478, 3), the mean of the
        resting faces, canonical space.

    Raises:
        DataError: the tracker finds no face in the drawings.
    """
    model = FaceModel(recipe.face_model)
    run = Run.open(recipe, "expression_basis")
    generator = np.random.default_rng(recipe.seed)
    meshes, displacements = [], []
    with FaceTracker() as tracker:
        for n in range(recipe.people):
            progress("learning", n, recipe.people)
            face = model.person(generator) if n else model.mean
            mesh, units = _measure(model, face, tracker)
            if mesh is not None:
                meshes.append(mesh)
                displacements.append(units)
    if not meshes:
        raise DataError(f"{recipe.face_model}: no face is found in drawings of it", "check the file", "no-face")
    mesh, moved = _balanced(np.mean(meshes, axis=0), np.mean(displacements, axis=0))
    tensors = {"displacements": moved.astype(np.float16), "mesh": mesh.astype(np.float32)}
    atomic_write(run.path("expression_basis.safetensors"), save(tensors))
    return run.finish(
        ["expression_basis.safetensors"], ["MIT (ICT-FaceKit)"], "ICT-FaceKit light, identities at random"
    )


def _balanced(mesh: np.ndarray, displacements: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Average a mesh (478, 3) and its displacements (51, 478, 3) with their mirror images."""
    flip = np.array([-1.0, 1.0, 1.0])
    # Each point becomes the one that lies nearest to it in the mirror; no two become the same.
    _, points = linear_sum_assignment(cdist(mesh, mesh * flip, "sqeuclidean"))
    units = [UNITS.index(mirrored_unit(unit)) for unit in UNITS]
    mirrored = (displacements * flip)[units][:, points]
    return (mesh + (mesh * flip)[points]) / 2, (displacements + mirrored) / 2


def _measure(model: FaceModel, face: np.ndarray, tracker: FaceTracker) -> tuple[np.ndarray | None, np.ndarray]:
    """Find the mesh on a face: its points (478, 3), and their displacements (51, 478, 3), canonical space."""
    found = points_on(model, face, tracker)
    if found is None:
        return None, np.empty(0)
    corners, shares = found
    place = np.einsum("nk,nkd->nd", shares, face[corners])
    moved = np.einsum("nk,unkd->und", shares, model.units[:, corners].astype(np.float64))
    pose = fit_pose((place * FLIP)[None, MESH_TO_68])
    turned = np.einsum("uni,ij->unj", moved * FLIP, pose.matrices[0]) / pose.scale[0]
    return to_canonical((place * FLIP)[None], pose)[0], turned


def points_on(model: FaceModel, face: np.ndarray, tracker: FaceTracker) -> tuple[np.ndarray, np.ndarray] | None:
    """Find the tracker's points on a face of the model.

    Args:
        model: draws it.
        face: (V, 3) at rest.
        tracker: finds it.

    Returns:
        (478, 4) vertices between which each point lies, and their weights; None where the tracker finds no face.
    """
    jaw = model.units[UNITS.index("jawOpen")]
    corners, shares = np.zeros((MESH_POINTS, 4), np.intp), np.zeros((MESH_POINTS, 4))
    for opening, points in ((0.0, np.arange(MESH_POINTS)), (_OPEN, LIPS)):
        drawing = model.draw(face + opening * jaw)
        found = tracker.detect(drawing.image)
        if not found:
            return None
        for point in points:
            corners[point], shares[point] = _surface(drawing, found[0].mesh[point, :2], model.parts["face"][1])
    return corners, shares


def _surface(drawing: Drawing, point: np.ndarray, skin: int) -> tuple[np.ndarray, np.ndarray]:
    """The vertices that the skin nearest to a point of a drawing lies between, and their weights."""
    column, row = (int(np.clip(round(float(value)), _NEAR, SIZE - 1 - _NEAR)) for value in point)
    near = np.s_[row - _NEAR : row + _NEAR + 1, column - _NEAR : column + _NEAR + 1]
    corners = drawing.corners[near]
    rows, columns = np.nonzero((corners >= 0).all(-1) & (corners < skin).all(-1))
    if not len(rows):
        raise DataError("the face model: a point of the mesh lies off its skin", "use another model", "no-face")
    away = (rows + row - _NEAR - point[1]) ** 2 + (columns + column - _NEAR - point[0]) ** 2
    best = int(away.argmin())
    return corners[rows[best], columns[best]], drawing.shares[near][rows[best], columns[best]]
