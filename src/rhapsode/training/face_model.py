"""Read the ICT face model, a linear model of identity and expression, and draw it.

    vertices = mean + sum_i w_i identity_i + sum_k e_k expression_k,      w_i ~ N(0, 1),  e_k in 0..1

The model (ICT-FaceKit light, USC Institute for Creative Technologies, MIT licence) is no part of the project: numbers
are learnt from it. A drawing is plain, but enough for the tracker to see a face, so that its points can be found on
the model's surface.
"""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from safetensors import safe_open

from rhapsode.face.units import UNITS
from rhapsode.files import reading

#: Side of a drawing, pixels, and how much of it the head takes.
SIZE, _SHARE = 768, 0.62
#: Points in each direction by which a face of the mesh is covered.
_DENSITY = 9
#: Where the light comes from (subject's left, up, front), its strength, and that of the light from everywhere.
_LIGHT, _DIRECT, _AMBIENT = (0.2, 0.5, 0.85), 0.6, 0.45
_GREY, _SKIN, _LIPS, _BROWS = (0.35, 0.40, 0.45), (0.80, 0.58, 0.48), (0.62, 0.28, 0.28), (0.20, 0.13, 0.10)
_TEETH, _SCLERA, _IRIS, _PUPIL = (0.90, 0.88, 0.80), (0.95, 0.95, 0.95), (0.30, 0.20, 0.12), (0.03, 0.03, 0.03)
#: Radius of iris and pupil, centimetres, and height of a brow above and below its landmarks.
_IRIS_RADIUS, _PUPIL_RADIUS, _ABOVE, _BELOW = 0.6, 0.25, (0, 0.25), (0, 0.2)


@dataclass(frozen=True)
class Drawing:
    """Hold a drawing of the model.

    Attributes:
        image: (SIZE, SIZE, 3) uint8 RGB.
        corners: (SIZE, SIZE, 4) vertices of the mesh's face that each pixel shows; -1 where it shows none.
        shares: (SIZE, SIZE, 4) float64, their weights; they add up to 1.
    """

    image: np.ndarray
    corners: np.ndarray
    shares: np.ndarray


class FaceModel:
    """Make faces of the model, in centimetres: x to the subject's left, y up, z to the front."""

    def __init__(self, path: Path) -> None:
        """Read the model.

        Args:
            path: `face_model.safetensors`, with the tensors mean (V, 3), identity (I, V, 3), expression (E, V, 3),
                landmarks68 and faces (F, 4), and names of expressions and parts in its metadata.

        Raises:
            WeightsError: the file is missing or is no face model.
        """
        with reading(path, "face model"), safe_open(path, "np") as file:
            facts = file.metadata()
            self.mean = file.get_tensor("mean").astype(np.float64)
            self.identity = file.get_tensor("identity")
            self.expression = file.get_tensor("expression")
            self.landmarks = file.get_tensor("landmarks68")
            faces = file.get_tensor("faces").astype(np.intp)
            self._names: list[str] = json.loads(facts["expressions"])
            self.parts: dict[str, list[int]] = json.loads(facts["parts"])
        self.faces = np.where(faces < 0, faces[:, [2]], faces)  # a triangle is a quad with a doubled corner

    @cached_property
    def units(self) -> np.ndarray:
        """Give the displacement of every vertex for each unit (`face.units.UNITS`), (51, V, 3) float32."""
        shapes = dict(zip(self._names, self.expression, strict=True))
        return np.stack([np.sum([shapes[part] for part in self._parts_of(unit)], axis=0) for unit in UNITS]).astype(
            np.float32
        )

    def _parts_of(self, unit: str) -> list[str]:
        """Name the model's expressions that make up a unit; the model has sides where ARKit has none."""
        for side in ("Left", "Right"):
            sided = f"{unit.removesuffix(side)}_{side[0]}"
            if unit.endswith(side) and sided in self._names:
                return [sided]
        return [unit] if unit in self._names else [f"{unit}_L", f"{unit}_R"]

    def person(self, generator: np.random.Generator) -> np.ndarray:
        """Draw the resting face of somebody at random, (V, 3)."""
        weights = generator.standard_normal(len(self.identity))
        return self.mean + np.tensordot(weights, self.identity, 1)

    def draw(self, vertices: np.ndarray) -> Drawing:
        """Draw a face from the front, orthographically; the head fills `_SHARE` of the height.

        Args:
            vertices: (V, 3), centimetres.
        """
        middle, scale = self._view(vertices)
        steps = (np.arange(_DENSITY) + 0.5) / _DENSITY
        u, v = (axis.ravel() for axis in np.meshgrid(steps, steps))
        shares = np.stack([(1 - u) * (1 - v), u * (1 - v), u * v, (1 - u) * v], axis=1)
        points = np.einsum("sk,fkd->fsd", shares, vertices[self.faces]).reshape(-1, 3)
        x = np.rint((points[:, 0] - middle[0]) * scale + SIZE / 2).astype(np.intp)
        y = np.rint((middle[1] - points[:, 1]) * scale + SIZE / 2).astype(np.intp)
        inside = np.flatnonzero((x >= 0) & (x < SIZE) & (y >= 0) & (y < SIZE))
        order = inside[np.argsort(points[inside, 2], kind="stable")]
        front = np.full(SIZE * SIZE, -1, np.intp)
        front[y[order] * SIZE + x[order]] = order  # what is nearest is written last
        seen = front >= 0
        corners, weights = np.full((SIZE * SIZE, 4), -1, np.intp), np.zeros((SIZE * SIZE, 4))
        corners[seen], weights[seen] = self.faces[front[seen] // len(shares)], shares[front[seen] % len(shares)]
        image = np.tile(np.array(_GREY), (SIZE * SIZE, 1))
        normals = np.einsum("sk,skd->sd", weights[seen], self.normals(vertices)[corners[seen]])
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        light = np.array(_LIGHT) / np.linalg.norm(_LIGHT)
        colours = np.einsum("sk,skd->sd", weights[seen], self._colours[corners[seen]])
        image[seen] = colours * (_AMBIENT + _DIRECT * np.clip(normals @ light, 0, 1))[:, None]
        picture = np.rint(np.clip(image, 0, 1) ** 0.7 * 255).astype(np.uint8).reshape(SIZE, SIZE, 3)
        smooth = cv2.GaussianBlur(picture, (0, 0), 0.8)
        return Drawing(smooth, corners.reshape(SIZE, SIZE, 4), weights.reshape(SIZE, SIZE, 4))

    def _view(self, vertices: np.ndarray) -> tuple[np.ndarray, float]:
        head = vertices[slice(*self.parts["face"])]
        low, high = head.min(0), head.max(0)
        return (low + high) / 2, SIZE * _SHARE / float(high[1] - low[1])

    def normals(self, vertices: np.ndarray) -> np.ndarray:
        """Give the normal of each vertex, (V, 3), of length 1."""
        corners = [vertices[self.faces[:, n]] for n in range(4)]
        doubled = (self.faces[:, 2] == self.faces[:, 3])[:, None]
        across = np.where(doubled, corners[2] - corners[1], corners[3] - corners[1])
        of_faces = np.cross(corners[2] - corners[0], across)
        normals = np.zeros_like(vertices)
        for n in range(4):
            np.add.at(normals, self.faces[:, n], of_faces)
        return normals / np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)

    @cached_property
    def _colours(self) -> np.ndarray:
        """Colour the mean face, (V, 3): lips, brows, eyes and teeth are what a tracker looks for."""
        colours = np.tile(np.array(_SKIN), (len(self.mean), 1))
        face = self.mean[slice(*self.parts["face"])]
        marks = self.mean[self.landmarks]
        lips = _within(face, marks[48:60, :2]) & (face[:, 2] > marks[[48, 54], 2].min() - 0.5)
        colours[: len(face)][lips] = _LIPS
        for brow in (marks[17:22, :2], marks[22:27, :2]):
            band = np.concatenate([brow + np.array(_ABOVE), brow[::-1] - np.array(_BELOW)])
            colours[: len(face)][_within(face, band) & (face[:, 2] > 0)] = _BROWS
        for part in ("upper_teeth", "lower_teeth"):
            colours[slice(*self.parts[part])] = _TEETH
        balls = np.arange(*self.parts["eyeballs"])
        for side in (-1, 1):
            ball = balls[np.sign(self.mean[balls, 0]) == side]
            pole = ball[self.mean[ball, 2].argmax()]
            away = np.linalg.norm(self.mean[ball, :2] - self.mean[pole, :2], axis=1)
            colours[ball] = _SCLERA
            colours[ball[away < _IRIS_RADIUS]] = _IRIS
            colours[ball[away < _PUPIL_RADIUS]] = _PUPIL
        return colours


def _within(points: np.ndarray, outline: np.ndarray) -> np.ndarray:
    """Tell which points (N, 3) lie within an outline (M, 2), seen from the front."""
    edge = outline.astype(np.float32).reshape(-1, 1, 2)
    return np.array([cv2.pointPolygonTest(edge, (float(x), float(y)), False) >= 0 for x, y, _ in points])
