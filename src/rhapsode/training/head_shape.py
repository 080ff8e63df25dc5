"""Learn from a face model which head belongs to a face.

    rhapsode train head-shape --face-model FILE --out MODEL

The tracker's points are found on the surface of the model's mean face. So are those of a surface around the head, where
rays from an axis through head and neck leave it. Heads are then drawn from the model at random, brought into canonical
space by their faces and made symmetric, and what is common to their points is a linear model of few numbers.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from rhapsode.errors import DataError
from rhapsode.face.geometry import fit_pose, to_canonical
from rhapsode.face.head_shape import COLUMNS, ROWS, TELLING, HeadShape, unfolded
from rhapsode.face.landmarks import MESH_TO_68
from rhapsode.face.tracker import FaceTracker
from rhapsode.files import atomic_write
from rhapsode.progress import Progress, no_progress
from rhapsode.training.expression_basis import FLIP, points_on
from rhapsode.training.face_model import FaceModel
from rhapsode.training.run import Run

#: The axis of head and neck, centimetres (y up, z to the front): the middle of the skull, and of the neck at its foot.
_SKULL, _NECK = (4.5, 1.0), (-14.0, -2.0)
#: Rows of the surface above the middle of the skull.
_CAP = 14
#: People that are left out and measured.
_HELD_OUT = 100
#: By how much of itself a triangle is enlarged, so that no ray slips through between two.
_EDGE = 1e-3


@dataclass(frozen=True)
class HeadShapeRecipe:
    """Settings of the head's shape."""

    face_model: Path
    """The face model, `face_model.safetensors`."""
    out: Path
    """Model folder; made where missing."""
    people: int = 600
    """Number of heads, drawn at random from the model."""
    parts: int = 20
    """Number of parts of the linear model."""
    seed: int = 0
    """Of the heads."""


def train(recipe: HeadShapeRecipe, progress: Progress = no_progress) -> Path:
    """Fit the linear model; `errors.json` in the run's folder has how well it tells heads that it has not seen.

    Returns:
        The head's shape, a file of the model: `face` (1 + K, 51, 3) and `head`, one side of it
        (1 + K, ROWS, COLUMNS / 2 + 1, 3), canonical space, the mean before the parts.

    Raises:
        DataError: the tracker finds no face in the drawing.
    """
    model = FaceModel(recipe.face_model)
    run = Run.open(recipe, "head_shape")
    with FaceTracker() as tracker:
        face = points_on(model, model.mean, tracker)
    if face is None:
        raise DataError(f"{recipe.face_model}: no face is found in a drawing of it", "check the file", "no-face")
    head = _around(model)
    generator = np.random.default_rng(recipe.seed)
    samples = []
    for n in range(recipe.people + _HELD_OUT):
        progress("learning", n, recipe.people + _HELD_OUT)
        samples.append(_canonical(model.person(generator), face, head))
    faces, heads = (np.stack(each) for each in zip(*samples, strict=True))
    shape = linear(faces[: recipe.people][:, TELLING], heads[: recipe.people], recipe.parts)
    atomic_write(run.path("head_shape.safetensors"), save(shape))
    errors = errors_of(shape, faces[recipe.people :], heads[recipe.people :])
    atomic_write(run.folder / "errors.json", (json.dumps(errors, indent=1) + "\n").encode())
    return run.finish(["head_shape.safetensors"], ["MIT (ICT-FaceKit)"], "ICT-FaceKit light, identities at random")


Places = tuple[np.ndarray, np.ndarray]  # (N, k) vertices between which points lie, and their weights


def _around(model: FaceModel) -> Places:
    """Find where rays from the axis leave the mean head, ROWS x (COLUMNS / 2 + 1) of them."""
    corners = np.concatenate([model.faces[:, [0, 1, 2]], model.faces[:, [0, 2, 3]]])
    above = np.linspace(np.pi / 2, 0, _CAP, endpoint=False)[:, None] + np.zeros(COLUMNS // 2 + 1)
    down = np.linspace(0, 1, ROWS - _CAP)[:, None]
    turn = np.linspace(-np.pi, 0, COLUMNS // 2 + 1)[None]  # from the back over the picture's left to the front
    rise = np.concatenate([above, np.zeros((ROWS - _CAP, COLUMNS // 2 + 1))])
    ways = np.stack([np.sin(turn) * np.cos(rise), np.sin(rise), np.cos(turn) * np.cos(rise)], axis=-1)
    start = np.zeros((ROWS, COLUMNS // 2 + 1, 3))
    start[:, :, 1:] = _SKULL
    start[_CAP:, :, 1:] += down[..., None] * (np.array(_NECK) - np.array(_SKULL))
    # The subject's left, x > 0 here, is the picture's right.
    return left_at(model.mean[corners], corners, start.reshape(-1, 3), ways.reshape(-1, 3))


def left_at(triangles: np.ndarray, corners: np.ndarray, starts: np.ndarray, ways: np.ndarray) -> Places:
    """Find where rays leave a surface for good (Moeller and Trumbore 1997).

    Args:
        triangles: (T, 3, 3) their corners.
        corners: (T, 3) numbers of the vertices at these corners.
        starts: (N, 3) where rays begin.
        ways: (N, 3) where they go.

    Raises:
        DataError: a ray meets nothing.
    """
    first, a, b = triangles[:, 0], triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]
    vertices, shares = [], []
    for start, way in zip(starts, ways, strict=True):
        across = np.cross(way, b)
        size = np.einsum("nd,nd->n", a, across)
        size = np.where(np.abs(size) < 1e-9, np.inf, size)
        from_first = start - first
        u = np.einsum("nd,nd->n", from_first, across) / size
        other = np.cross(from_first, a)
        v = other @ way / size
        far = np.where(
            (u > -_EDGE) & (v > -_EDGE) & (u + v < 1 + _EDGE), np.einsum("nd,nd->n", b, other) / size, -np.inf
        )
        best = int(far.argmax())
        if not np.isfinite(far[best]):
            raise DataError("the face model: its head is open", "use another model", "no-face")
        vertices.append(corners[best])
        shares.append([1 - u[best] - v[best], u[best], v[best]])
    return np.array(vertices), np.array(shares)


def _canonical(vertices: np.ndarray, face: Places, head: Places) -> tuple[np.ndarray, np.ndarray]:
    """Give the tracker's points, (478, 3), and half a symmetric head, (ROWS, COLUMNS / 2 + 1, 3), canonical space."""
    points, around = (np.einsum("nk,nkd->nd", shares, vertices[corners]) * FLIP for corners, shares in (face, head))
    pose = fit_pose(points[None, MESH_TO_68])
    half = to_canonical(around[None], pose)[0].reshape(ROWS, COLUMNS // 2 + 1, 3)
    half[:, [0, -1], 0] = 0
    return to_canonical(points[None], pose)[0], half


def linear(faces: np.ndarray, heads: np.ndarray, parts: int) -> dict[str, np.ndarray]:
    """Find the principal components of faces and heads together.

    Args:
        faces: (N, len(TELLING), 3), canonical space.
        heads: (N, ROWS, COLUMNS / 2 + 1, 3), likewise.
        parts: number of components.

    Returns:
        The tensors of the file: `face` and `head`, the mean before the components, which are scaled to vary by 1.
    """
    middle = faces.mean(0)
    _, mirrored = linear_sum_assignment(cdist(middle, middle * [-1, 1, 1], "sqeuclidean"))
    faces = (faces + faces[:, mirrored] * [-1, 1, 1]) / 2
    flat = np.concatenate([faces.reshape(len(faces), -1), heads.reshape(len(heads), -1)], axis=1)
    mean = flat.mean(0)
    _, values, ways = np.linalg.svd(flat - mean, full_matrices=False)
    scaled = ways[:parts] * (values[:parts, None] / np.sqrt(len(flat) - 1))
    split = faces[0].size
    model = np.concatenate([mean[None], scaled])
    return {
        "face": model[:, :split].reshape(-1, *faces.shape[1:]).astype(np.float16),
        "head": model[:, split:].reshape(-1, *heads.shape[1:]).astype(np.float16),
    }


def errors_of(shape: dict[str, np.ndarray], faces: np.ndarray, heads: np.ndarray) -> dict[str, float]:
    """Measure how far heads are from those told by their faces, and from the mean head, canonical units.

    Args:
        shape: as `linear` gives it.
        faces: (N, 478, 3) that were not learnt from.
        heads: (N, ROWS, COLUMNS / 2 + 1, 3) theirs.
    """
    model = HeadShape(shape["face"].astype(np.float32), unfolded(shape["head"].astype(np.float32)))
    told = np.stack([model.fit(face)[0] for face in faces])[:, :, : heads.shape[2]]
    mean = model.head[0][:, : heads.shape[2]]
    return {
        "told": float(np.linalg.norm(told - heads, axis=-1).mean()),
        "mean head": float(np.linalg.norm(mean - heads, axis=-1).mean()),
        "told, depth": float(np.abs(told - heads)[..., 2].mean()),
        "mean head, depth": float(np.abs(mean - heads)[..., 2].mean()),
    }
