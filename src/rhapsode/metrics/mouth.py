"""How well a generated mouth follows the real one."""

import numpy as np

from rhapsode.face.landmarks import MOUTH
from rhapsode.motion.expression import mouth_opening


def opening_correlation(generated: np.ndarray, real: np.ndarray) -> float:
    """Pearson correlation of the mouth opening over time; both (T, 68, 3)."""
    return float(np.corrcoef(mouth_opening(generated), mouth_opening(real))[0, 1])


def opening_spread_ratio(generated: np.ndarray, real: np.ndarray) -> float:
    """Standard deviation of the generated mouth opening over that of the real one; 1 is natural."""
    return float(mouth_opening(generated).std() / mouth_opening(real).std())


def lmd(generated: np.ndarray, real: np.ndarray) -> float:
    """LMD: mean distance of the mouth landmarks, in the units of the input (T, 68, 3)."""
    return float(np.linalg.norm(generated[:, MOUTH] - real[:, MOUTH], axis=-1).mean())


def sound_lag(generated: np.ndarray, real: np.ndarray, fps: float, limit: float = 0.35) -> tuple[float, float]:
    """By how much a recording's sound comes late against its lips, seen by a generator that hears the sound.

    Args:
        generated: (T, 68, 3) motion made from the sound.
        real: (T, 68, 3) motion tracked in the picture, at the same times.
        fps: frames a second of both.
        limit: the largest lag tried either way, seconds.

    Returns:
        The lag in seconds (positive: sound late) and the correlation of the mouth openings once it is taken out.
    """
    a, b = mouth_opening(generated), mouth_opening(real)
    reach = int(limit * fps)
    scores = [
        np.corrcoef(a[max(shift, 0) : len(a) + min(shift, 0)], b[max(-shift, 0) : len(b) - max(shift, 0)])[0, 1]
        for shift in range(-reach, reach + 1)
    ]
    best = int(np.argmax(scores))
    return (best - reach) / fps, float(scores[best])
