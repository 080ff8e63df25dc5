"""The facial map (arXiv 2303.09799): the 68 landmarks joined by lines and projected by a camera, as a drawing."""

from typing import Final

import cv2
import numpy as np

#: Name and landmarks of each line, in the order of drawing, and whether it returns to its first point.
LINES: Final = (
    ("jaw", np.arange(0, 17), False),
    ("right brow", np.arange(17, 22), False),
    ("left brow", np.arange(22, 27), False),
    ("nose bridge", np.arange(27, 31), False),
    ("nostrils", np.arange(31, 36), False),
    ("right eye", np.arange(36, 42), True),
    ("left eye", np.arange(42, 48), True),
    ("outer lips", np.arange(48, 60), True),
    ("inner lips", np.arange(60, 68), True),
)
#: Side of a facial map as published, pixels.
FULL_SIZE: Final = 512
_SHIFT = 4


def project(landmarks: np.ndarray, camera: np.ndarray) -> np.ndarray:
    """Project points by a camera: (..., 3) -> (..., 2) pixels.

    Args:
        landmarks: (..., 3) points in any space.
        camera: (3, 4) camera matrix from homogeneous points of that space to homogeneous pixels. A weak-perspective
            camera has (0, 0, 0, 1) as its last row.
    """
    homogeneous = landmarks @ camera[:, :3].T + camera[:, 3]
    pixels: np.ndarray = homogeneous[..., :2] / homogeneous[..., 2:]
    return pixels


def draw_facial_map(
    landmarks: np.ndarray, camera: np.ndarray, size: int = FULL_SIZE, thickness: int | None = None
) -> np.ndarray:
    """Draw the landmarks of one frame.

    Args:
        landmarks: (68, 3) points in the space that the camera looks at.
        camera: (3, 4) as in `project`.
        size: side of the drawing, pixels.
        thickness: of the lines, pixels; as published, 2 of 512, where None.

    Returns:
        (size, size) uint8: smooth white lines on black.
    """
    pixels = np.rint(project(landmarks, camera) * 2**_SHIFT).astype(np.int32)
    drawing = np.zeros((size, size), np.uint8)
    width = thickness or max(1, round(2 * size / FULL_SIZE))
    for _, points, ring in LINES:
        cv2.polylines(drawing, [pixels[points]], ring, 255, width, cv2.LINE_AA, _SHIFT)
    return drawing
