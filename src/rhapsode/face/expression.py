"""Expression: how a face differs from its own rest, in canonical space."""

import numpy as np
from scipy.interpolate import PchipInterpolator

from rhapsode.face.geometry import Pose, fit_pose, to_canonical
from rhapsode.face.mouth import lip_distance


def resting_face(canonical: np.ndarray) -> np.ndarray:
    """The median face over the fifth of the frames in which the mouth is most closed: (T, 68, 3) -> (68, 3)."""
    opening = lip_distance(canonical)
    return np.median(canonical[opening <= np.quantile(opening, 0.2)], axis=0)


def disentangle(landmarks: np.ndarray) -> tuple[np.ndarray, np.ndarray, Pose]:
    """Pull a tracked clip of one person apart.

    The pose is fitted twice, the second time on the person's own resting face, so that its shape does not pass for
    movement.

    Args:
        landmarks: (T, 68, 3), image pixels.

    Returns:
        The offsets from rest (T, 68, 3) and the resting face (68, 3) in canonical space, and the pose.
    """
    rest = resting_face(to_canonical(landmarks, fit_pose(landmarks)))
    pose = fit_pose(landmarks, rest)
    canonical = to_canonical(landmarks, pose)
    rest = resting_face(canonical)
    return canonical - rest, rest, pose


def resample(values: np.ndarray, times: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Values (T, ...) known at `times`, read at the times `wanted`; held still beyond both ends."""
    curve = PchipInterpolator(times, values, axis=0)
    return curve(np.clip(wanted, times[0], times[-1]))
