"""Shading that a face model shows with an expression over that without it, for maps of furrows."""

from pathlib import Path

import numpy as np

from rhapsode.face import texture
from rhapsode.face.tracker import FaceTracker
from rhapsode.face.units import UNITS
from rhapsode.progress import Progress, no_progress
from rhapsode.training.face_model import SIZE, FaceModel

#: Where the light comes from (subject's left, up, front): from above and before, as in most pictures of people.
_LIGHT = np.array([0.0, 0.45, 0.9]) / np.hypot(0.45, 0.9)
#: Strength of that light, and of the light from everywhere.
_DIRECT, _AMBIENT = 0.6, 0.45
#: Of a picture's values, which are not linear in light.
_GAMMA = 2.2


def model_shades(path: Path, people: int, seed: int, progress: Progress = no_progress) -> np.ndarray:
    """Average over faces of the model how each unit changes the shade of the skin (Lambert's law, no cast shadows).

    Each pixel of the texture stays on its spot of skin, whose normal the expression turns.

    Args:
        path: `face_model.safetensors`.
        people: number of faces.
        seed: of the faces.
        progress: is told of each.

    Returns:
        (51, *texture.SHAPE) float32, logarithms of ratios of picture values at full expression.

    Raises:
        WeightsError: the file is missing or is no face model.
    """
    model, generator = FaceModel(path), np.random.default_rng(seed)
    total = np.zeros((len(UNITS), *texture.SHAPE))
    count = np.zeros(texture.SHAPE)
    with FaceTracker() as tracker:
        for n in range(people):
            progress("learning", n, people)
            face = model.person(generator) if n else model.mean
            drawing = model.draw(face)
            found = tracker.detect(drawing.image)
            if not found:
                continue
            mesh = found[0].mesh[:, :2]
            numbers = np.dstack(np.meshgrid(np.arange(SIZE), np.arange(SIZE))).astype(np.float32)
            place, seen = texture.unwrapped(numbers, mesh)
            column, row = np.moveaxis(np.clip(np.rint(place).astype(int), 0, SIZE - 1), -1, 0)
            corners, shares = drawing.corners[row, column], drawing.shares[row, column]
            seen = seen & (corners >= 0).all(-1) & (corners < model.parts["face"][1]).all(-1)
            corners = np.where(seen[..., None], corners, 0)
            before = _light(model, face, corners, shares)
            for unit, moved in enumerate(model.units):
                total[unit] += np.where(seen, np.log(_light(model, face + moved, corners, shares) / before), 0)
            count += seen
    return (total / np.maximum(count, 1) / _GAMMA).astype(np.float32)


def _light(model: FaceModel, face: np.ndarray, corners: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """Light that spots of a face send back, of those given by vertices and weights, (h, w)."""
    normals = np.einsum("yxk,yxkd->yxd", shares, model.normals(face)[corners])
    normals /= np.maximum(np.linalg.norm(normals, axis=-1, keepdims=True), 1e-6)
    light: np.ndarray = _AMBIENT + _DIRECT * np.clip(normals @ _LIGHT, 0, 1)
    return light
