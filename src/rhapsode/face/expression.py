"""Expression: offsets of a face from its own rest, in canonical space."""

import numpy as np
from scipy.interpolate import PchipInterpolator

from rhapsode.face.geometry import Pose, fit_pose, to_canonical
from rhapsode.face.mouth import lip_distance


def resting_face(canonical: np.ndarray) -> np.ndarray:
    """Take the median face of the fifth of the frames with the most closed mouth: (T, 68, 3) -> (68, 3)."""
    opening = lip_distance(canonical)
    return np.median(canonical[opening <= np.quantile(opening, 0.2)], axis=0)


def disentangle(landmarks: np.ndarray) -> tuple[np.ndarray, np.ndarray, Pose]:
    """Separate pose, resting face and expression of a tracked clip of one person.

    The pose is fitted twice, the second time to the person's own resting face, so that the shape of the face does not
    count as motion.

    Args:
        landmarks: (T, 68, 3), image pixels.

    Returns:
        Offsets from rest (T, 68, 3) and the resting face (68, 3), canonical space; and the pose.
    """
    rest = resting_face(to_canonical(landmarks, fit_pose(landmarks)))
    pose = fit_pose(landmarks, rest)
    canonical = to_canonical(landmarks, pose)
    rest = resting_face(canonical)
    return canonical - rest, rest, pose


def resample(values: np.ndarray, times: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Interpolate values over time by a monotone cubic (PCHIP), constant beyond both ends.

    Args:
        values: (T, ...).
        times: (T,) seconds, rising.
        wanted: (N,) seconds.

    Returns:
        (N, ...).
    """
    curve = PchipInterpolator(times, values, axis=0)
    return curve(np.clip(wanted, times[0], times[-1]))
