"""Head pose: from image pixels to canonical space and back, exactly.

Canonical space is centred between the eyes; the outer eye corners of the mean face are 1 apart; x runs to the viewer's
right, y down, z away from the viewer. A weak-perspective pose maps it to pixels:

    image = scale * R(rotation) @ canonical + translation
"""

from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np
from safetensors.numpy import load_file
from scipy.spatial.transform import Rotation

from rhapsode.bundle import Bundle
from rhapsode.face.landmarks import STABLE
from rhapsode.files import reading

#: Least distance between the outer corners of the eyes, pixels: in a smaller face lips are two or three pixels high,
#: and a closed mouth looks like an open one.
MIN_EYE_DISTANCE: Final = 24.0
#: Pivot of the head, canonical space: the base of the skull, below and behind the face, (3,).
SKULL_BASE: Final = np.array([0.0, 0.85, 0.95])


@dataclass(frozen=True)
class Pose:
    """The pose of a head in T pictures.

    Attributes:
        rotation: (T, 3) rotation vectors, radians; 0 is the mean face seen from the front.
        translation: (T, 3) pixels, where the canonical origin lies.
        scale: (T,) pixels in one canonical unit.
    """

    rotation: np.ndarray
    translation: np.ndarray
    scale: np.ndarray

    @property
    def matrices(self) -> np.ndarray:
        """Give the rotations as matrices, (T, 3, 3)."""
        return Rotation.from_rotvec(self.rotation).as_matrix()


@cache
def mean_face() -> np.ndarray:
    """Load the mean of the training speakers' resting faces, (68, 3) float64, canonical space."""
    path = Bundle.load().path("mean_face.safetensors")
    with reading(path, "mean face"):
        return load_file(path)["mean_face"].astype(np.float64)


def fit_pose(landmarks: np.ndarray, shape: np.ndarray | None = None) -> Pose:
    """Fit the similarity transform from a resting face to the landmarks of each picture.

    Only points that speech hardly moves are used (`landmarks.STABLE`), so that an open mouth does not tilt the head.
    Least squares by singular value decomposition (Umeyama 1991).

    Args:
        landmarks: (T, 68, 3), image pixels.
        shape: (68, 3), the resting face in canonical space; the mean face where none is given.
    """
    reference = (mean_face() if shape is None else shape)[STABLE].astype(np.float64)
    observed = landmarks[:, STABLE].astype(np.float64)
    centre, centres = reference.mean(0), observed.mean(1)
    a, b = reference - centre, observed - centres[:, None]
    u, s, vt = np.linalg.svd(np.einsum("tni,nj->tij", b, a))
    sign = np.ones_like(s)
    sign[:, 2] = np.sign(np.linalg.det(u @ vt))
    rotation = (u * sign[:, None, :]) @ vt
    scale = (s * sign).sum(1) / (a**2).sum()
    translation = centres - scale[:, None] * (rotation @ centre)
    return Pose(Rotation.from_matrix(rotation).as_rotvec(), translation, scale)


def to_canonical(landmarks: np.ndarray, pose: Pose) -> np.ndarray:
    """Undo the pose: (T, N, 3) image pixels -> (T, N, 3) canonical space; the inverse of `to_image`."""
    centred = (landmarks - pose.translation[:, None]) / pose.scale[:, None, None]
    return np.einsum("tni,tij->tnj", centred, pose.matrices)


def to_image(canonical: np.ndarray, pose: Pose) -> np.ndarray:
    """Apply the pose: (T, N, 3) canonical space -> (T, N, 3) image pixels; the inverse of `to_canonical`."""
    turned = np.einsum("tni,tji->tnj", canonical, pose.matrices)
    return pose.scale[:, None, None] * turned + pose.translation[:, None]


def mean_shape(landmarks: np.ndarray, iterations: int = 5) -> np.ndarray:
    """Average many faces in canonical space, by generalised Procrustes analysis.

    Args:
        landmarks: (T, 68, 3), image pixels, heads seen roughly from the front.
        iterations: number of times that the mean and the poses are fitted in turn.

    Returns:
        (68, 3): outer eye corners 1 apart, level and equally deep; centred between them; left and right balanced.
    """
    shape = _upright(landmarks[0])
    for _ in range(iterations):
        shape = _upright(to_canonical(landmarks, fit_pose(landmarks, shape)).mean(0))
    return shape


def _upright(face: np.ndarray) -> np.ndarray:
    """Normalise a face (68, 3): eye corners 1 apart, level, centred on the origin; brow above chin."""
    x = face[45] - face[36]
    y = face[8] - face[27]
    x = x / np.linalg.norm(x)
    y = y - x * (x @ y)
    y = y / np.linalg.norm(y)
    basis = np.stack([x, y, np.cross(x, y)])
    centred = (face - (face[36] + face[45]) / 2) @ basis.T
    return centred / np.linalg.norm(face[45] - face[36])
