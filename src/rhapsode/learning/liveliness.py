"""How a face's expression goes with what is said: brows that rise with stress, a smile that deepens in pauses."""

from typing import Final

import numpy as np

from rhapsode.audio.mel import MOTION_RATE
from rhapsode.data.store import PreparedClip
from rhapsode.face.geometry import fit_pose, to_canonical
from rhapsode.face.lasting import balanced
from rhapsode.face.mouth import lip_distance
from rhapsode.face.units import UNITS
from rhapsode.motion.emphasis import DRIVES, emphasis

#: Units that accompany speech; the others make it, never show (cheekPuff, noseSneer), or blink.
_LIVELY: Final = ("brow", "eyeSquint", "eyeWide", "mouthSmile", "mouthFrown", "mouthDimple")
_LIVELY_UNITS: Final = np.array([unit.startswith(_LIVELY) for unit in UNITS])
#: How far units are expected to follow a drive, before a clip is seen: their standard deviation over people.
_EXPECTED: Final = 0.1
#: Seconds over which units change: a clip tells one independent value in each.
_INDEPENDENT: Final = 0.4
_BLINKS: Final = (UNITS.index("eyeBlinkLeft"), UNITS.index("eyeBlinkRight"))
#: Lids further shut than usual are taken for a blink.
_BLINK: Final = 0.25


def liveliness(clip: PreparedClip) -> np.ndarray:
    """Learn how far the units of expression follow stress and pauses.

    A ridge regression; what the opening of the mouth explains is set apart, since a smile is read otherwise of a mouth
    that speaks. The fewer seconds there are, and the less they agree, the nearer to 0 the result is.

    Args:
        clip: of one person who speaks.

    Returns:
        (2, 51) float32, change of each unit at 1 of each of `emphasis.DRIVES`.
    """
    units = clip.units.astype(np.float64)
    opening = lip_distance(to_canonical(clip.landmarks, fit_pose(clip.landmarks)))
    drives = emphasis(clip.samples)
    moments = np.arange(len(drives)) / MOTION_RATE
    driven = np.stack([np.interp(clip.times, moments, drive) for drive in drives.T], axis=1)
    shut = units[:, _BLINKS].mean(1)
    used = shut - np.median(shut) < _BLINK
    causes = np.column_stack([driven, opening, opening**2])[used]
    causes -= causes.mean(0)
    change = units[used][:, _LIVELY_UNITS]
    change -= change.mean(0)
    seconds = len(clip.times) * float(np.median(np.diff(clip.times)))
    each = seconds / _INDEPENDENT / len(clip.times)  # independent values in a frame
    followed = np.zeros((len(DRIVES), len(UNITS)))
    followed[:, _LIVELY_UNITS] = _ridge(causes, change, each)[: len(DRIVES)]
    return np.stack([balanced(one) for one in followed]).astype(np.float32)


def _ridge(causes: np.ndarray, change: np.ndarray, each: float) -> np.ndarray:
    """Regress changes (T, U) on causes (T, K), of which the first are the drives, whose slopes are shrunk; (K, U)."""
    plain = np.linalg.lstsq(causes, change, rcond=None)[0]
    noise = np.square(change - causes @ plain).mean(0)
    scale = np.trace(causes.T @ causes) / len(causes)
    slopes = np.empty_like(plain)
    for unit, (values, variance) in enumerate(zip(change.T, noise, strict=True)):
        penalty = np.full(causes.shape[1], 1e-6 * scale * len(causes))
        penalty[: len(DRIVES)] += variance / (each * _EXPECTED**2)
        slopes[:, unit] = np.linalg.solve(causes.T @ causes + np.diag(penalty), causes.T @ values)
    return slopes
