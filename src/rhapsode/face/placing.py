"""Lay a mesh on five points that somebody has set, where no detector sees a face: drawings, masks, animals."""

from collections.abc import Sequence
from functools import cache
from typing import Final, Protocol

import cv2
import numpy as np
from safetensors.numpy import load_file
from scipy.interpolate import RBFInterpolator

from rhapsode.bundle import Bundle
from rhapsode.face.crop import Region
from rhapsode.face.face import Face
from rhapsode.face.points import FivePoints
from rhapsode.face.search import PRESENT
from rhapsode.files import reading

#: Mesh points about the right and the left eye, on the tip of the nose, at the right and the left corner of the mouth.
_FIVE: Final = ([33, 133, 159, 145], [263, 362, 386, 374], [4], [61], [291])
#: How far a measured mesh may lie from the points, in distances between the eyes: the mean beyond which it is not of
#: that face, and that below which it is as near as anybody points.
_ELSEWHERE, _THERE = 0.15, 0.04
#: Crops that are measured: so many times as large as the points say, the picture blurred by such a part of them.
_LOOKS: Final = ((1.0, 0.0), (1.0, 0.01), (0.85, 0.01), (1.2, 0.01), (1.0, 0.02))


class MeasuresFaces(Protocol):
    """Measures the mesh of a face that is known to be about where it is."""

    def faces_at(self, image: np.ndarray, regions: Sequence[Region]) -> list[Face]:
        """The face in each of several regions, whatever its score."""
        ...


def place(image: np.ndarray, given: FivePoints, tracker: MeasuresFaces) -> Face:
    """Lay a mesh on five points.

    The points say where to measure. What is measured is believed if it has its eyes, nose and mouth about there; else
    the mean mesh is taken. It is then bent so that its points lie where they were set.

    Args:
        image: (H, W, 3) uint8 RGB.
        given: in its pixels.
        tracker: measures.
    """
    region = Region.around_five_points(given.points)
    found = []
    for zoom, blur in _LOOKS:
        soft = image if blur == 0 else cv2.GaussianBlur(image, (0, 0), max(blur * region.size, 0.5))
        found += tracker.faces_at(soft, [region.turned(0.0, zoom)])
    best = min(found, key=lambda face: _gap(face.mesh, given))
    if best.score > PRESENT and _gap(best.mesh, given) < _ELSEWHERE:
        return best if _gap(best.mesh, given) < _THERE else Face(_bent(best.mesh, given), best.score)
    return Face(_bent(_laid(mean_mesh(), given), given), measured=False)


@cache
def mean_mesh() -> np.ndarray:
    """Load the mean of resting faces seen from the front, (478, 3) float64, canonical space."""
    path = Bundle.load().path("face/mean_mesh.safetensors")
    with reading(path, "mean mesh"):
        return load_file(path)["mean_mesh"].astype(np.float64)


def _five(mesh: np.ndarray) -> np.ndarray:
    """The five points of a mesh, (5, 2)."""
    return np.stack([mesh[points, :2].mean(0) for points in _FIVE]).astype(np.float64)


def _gap(mesh: np.ndarray, given: FivePoints) -> float:
    """How far the five points of a mesh lie from those set, the mean in distances between the eyes."""
    right, left = given.points[:2]
    return float(np.linalg.norm(_five(mesh) - given.points, axis=1).mean() / np.linalg.norm(left - right))


def _laid(mesh: np.ndarray, given: FivePoints) -> np.ndarray:
    """A mesh in canonical space turned, scaled and shifted onto the points, least squares, (478, 3) pixels."""
    ours, theirs = _five(mesh), given.points
    a, b = (ours - ours.mean(0)) @ [1, 1j], (theirs - theirs.mean(0)) @ [1, 1j]
    factor = np.vdot(a, b) / np.vdot(a, a).real
    placed = factor * ((mesh[:, :2] - ours.mean(0)) @ [1, 1j]) + theirs.mean(0) @ [1, 1j]
    return np.column_stack([placed.real, placed.imag, abs(factor) * mesh[:, 2]])


def _bent(mesh: np.ndarray, given: FivePoints) -> np.ndarray:
    """A mesh bent, as a thin plate, so that its five points lie where they were set, (478, 3) float32."""
    bend = RBFInterpolator(_five(mesh), given.points, kernel="thin_plate_spline", degree=1)
    return np.column_stack([bend(mesh[:, :2].astype(np.float64)), mesh[:, 2]]).astype(np.float32)
