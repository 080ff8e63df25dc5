"""The mesh of a face in a region of a picture, 478 points, with lips, eyes and irises measured more finely."""

from collections.abc import Sequence
from typing import Final

import cv2
import numpy as np

from rhapsode.face.crop import Region
from rhapsode.face.networks import open_network

#: Points of a mesh; the last ten are the irises.
MESH_POINTS: Final = 478

# Which points of the mesh the finer outputs are, in their order: MediaPipe's tables. Right is the subject's right.
LIPS: Final = np.array([
    61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 185, 40, 39, 37, 0, 267, 269, 270, 409,
    78, 95, 88, 178, 87, 14, 317, 402, 318, 324, 308, 191, 80, 81, 82, 13, 312, 311, 310, 415,
    76, 77, 90, 180, 85, 16, 315, 404, 320, 307, 306, 184, 74, 73, 72, 11, 302, 303, 304, 408,
    62, 96, 89, 179, 86, 15, 316, 403, 319, 325, 292, 183, 42, 41, 38, 12, 268, 271, 272, 407,
])  # fmt: skip
_RIGHT_EYE: Final = np.array([
    33, 7, 163, 144, 145, 153, 154, 155, 133, 246, 161, 160, 159, 158, 157, 173,
    130, 25, 110, 24, 23, 22, 26, 112, 243, 247, 30, 29, 27, 28, 56, 190,
    226, 31, 228, 229, 230, 231, 232, 233, 244, 113, 225, 224, 223, 222, 221, 189,
    35, 124, 46, 53, 52, 65, 143, 111, 117, 118, 119, 120, 121, 128, 245, 156, 70, 63, 105, 66, 107, 55, 193,
])  # fmt: skip
_LEFT_EYE: Final = np.array([
    263, 249, 390, 373, 374, 380, 381, 382, 362, 466, 388, 387, 386, 385, 384, 398,
    359, 255, 339, 254, 253, 252, 256, 341, 463, 467, 260, 259, 257, 258, 286, 414,
    446, 261, 448, 449, 450, 451, 452, 453, 464, 342, 445, 444, 443, 442, 441, 413,
    265, 353, 276, 283, 282, 295, 372, 340, 346, 347, 348, 349, 350, 357, 465, 383, 300, 293, 334, 296, 336, 285, 417,
])  # fmt: skip
_RIGHT_IRIS: Final = np.arange(468, 473)
_LEFT_IRIS: Final = np.arange(473, 478)
#: How many of an eye's points, from the first, are the edge of its lids.
_LIDS: Final = 16
_OUTPUTS: Final = ("mesh", "lips", "right_eye", "left_eye", "right_iris", "left_iris", "score")


class MeshNetwork:
    """Measures faces that are known to be about where they are."""

    def __init__(self, threads: int = 1) -> None:
        """Load the network; `threads` as in `open_network`."""
        self._session = open_network("mesh", threads)
        self._side: int = self._session.get_inputs()[0].shape[1]

    def at(self, image: np.ndarray, regions: Sequence[Region]) -> tuple[np.ndarray, np.ndarray]:
        """The mesh of the face in each of several regions.

        Args:
            image: (H, W, 3) uint8 RGB.
            regions: N of them, each about 1.5 times as large as the face, which is upright in it.

        Returns:
            meshes: (N, 478, 3) float32, image pixels; z away from the viewer, 0 near the middle of the head.
            scores: (N,) float32, how surely there is a face in the region, 0 to 1. The mesh of a region without one
                means nothing.
        """
        cuts = np.stack([region.cut(image, self._side, cv2.BORDER_REPLICATE) for region in regions])
        *outputs, scores = self._session.run(_OUTPUTS, {"image": cuts})
        meshes = refine(*outputs) / np.float32(self._side)
        return np.stack([region.to_image(mesh) for region, mesh in zip(regions, meshes, strict=True)]), scores


def refine(
    mesh: np.ndarray,
    lips: np.ndarray,
    right_eye: np.ndarray,
    left_eye: np.ndarray,
    right_iris: np.ndarray,
    left_iris: np.ndarray,
) -> np.ndarray:
    """Lay the finer lips, eyes and irises into a mesh.

    Lips and eyes keep the depth of the mesh; an iris gets the mean depth of its lids.

    Args:
        mesh: (N, 468, 3)
        lips: (N, 80, 2)
        right_eye: (N, 71, 2)
        left_eye: (N, 71, 2)
        right_iris: (N, 5, 2)
        left_iris: (N, 5, 2)

    Returns:
        (N, 478, 3)
    """
    fine = np.empty((len(mesh), MESH_POINTS, 3), mesh.dtype)
    fine[:, : mesh.shape[1]] = mesh
    places = ((LIPS, lips), (_RIGHT_EYE, right_eye), (_LEFT_EYE, left_eye), (_RIGHT_IRIS, right_iris),
              (_LEFT_IRIS, left_iris))  # fmt: skip
    for points, found in places:
        fine[:, points, :2] = found
    for iris, eye in ((_RIGHT_IRIS, _RIGHT_EYE), (_LEFT_IRIS, _LEFT_EYE)):
        fine[:, iris, 2] = fine[:, eye[:_LIDS], 2].mean(1, keepdims=True)
    return fine
