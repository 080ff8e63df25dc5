"""Head motion and blinks: the same figures for tracked people and for generated motion."""

from dataclasses import dataclass

import numpy as np
from scipy.signal import savgol_filter
from scipy.spatial.transform import Rotation

from rhapsode.face.expression import disentangle
from rhapsode.face.landmarks import LID_PAIRS

#: Closure of the lids from which an eye counts as shut.
SHUT = 0.4
#: Half the window of the smoothing before speeds are computed, seconds: the tracker jitters faster than heads move.
_SMOOTHING = 0.15


@dataclass(frozen=True)
class HeadStatistics:
    """Describe rotation about the mean pose: nod, turn and tilt (axes x, y, z), each (3,).

    Attributes:
        spread: standard deviation, degrees.
        reach: from the lowest angle to the highest, degrees.
        speed: root mean square of the angular velocity, degrees a second.
    """

    spread: np.ndarray
    reach: np.ndarray
    speed: np.ndarray


def head_statistics(rotation: np.ndarray, fps: float) -> HeadStatistics:
    """Measure how a head moves.

    Args:
        rotation: (T, 3) rotation vectors, radians, as in `Pose` and in `Motion`; a third of a second at least.
        fps: frames a second.
    """
    turned = Rotation.from_rotvec(rotation)
    angles = np.degrees((turned * turned.mean().inv()).as_rotvec())
    velocity = savgol_filter(angles, 2 * round(_SMOOTHING * fps) + 1, 2, deriv=1, delta=1 / fps, axis=0)
    return HeadStatistics(angles.std(0), np.ptp(angles, axis=0), np.sqrt(np.square(velocity).mean(0)))


def lid_closure(landmarks: np.ndarray) -> np.ndarray:
    """Measure how far tracked lids are down, mean of both eyes: (T, 68, 3) pixels -> (T,), 0 the median, 1 shut."""
    _, _, pose = disentangle(landmarks)
    upper, lower = landmarks[:, LID_PAIRS[:, 0]], landmarks[:, LID_PAIRS[:, 1]]
    gap = np.linalg.norm(upper - lower, axis=-1).mean(1) / pose.scale
    closure: np.ndarray = 1 - gap / np.median(gap)
    return closure


def blinks(closure: np.ndarray, times: np.ndarray) -> np.ndarray:
    """Find blinks.

    Args:
        closure: (T,) as `lid_closure` gives it, or the lids of a `Motion`.
        times: (T,) seconds.

    Returns:
        (N, 2) seconds at which blinks begin and end. Eyes shut from the first frame on count as none; eyes still shut
        at the last frame count as opening there.
    """
    shut = closure > SHUT
    begins = np.flatnonzero(shut[1:] & ~shut[:-1]) + 1
    opens = np.append(np.flatnonzero(~shut[1:] & shut[:-1]) + 1, len(shut) - 1)
    ends = opens[np.searchsorted(opens, begins)]
    return np.stack([times[begins], times[ends]], axis=1)
