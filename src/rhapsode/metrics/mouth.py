"""How well a generated mouth follows the real one over time."""

import numpy as np

from rhapsode.face.mouth import lip_distance

#: A mouth whose opening varies by less than this, canonical units, does not move.
_STILL = 1e-9


def opening_correlation(generated: np.ndarray, real: np.ndarray) -> float:
    """Compute the Pearson correlation of the mouth openings of (T, 68, 3) and (T, 68, 3); NaN for a still mouth."""
    return _correlation(lip_distance(generated), lip_distance(real))


def opening_spread_ratio(generated: np.ndarray, real: np.ndarray) -> float:
    """Divide the standard deviation of the generated mouth opening by that of the real one; 1 is natural."""
    return float(lip_distance(generated).std() / lip_distance(real).std())


def sound_lag(generated: np.ndarray, real: np.ndarray, fps: float, limit: float = 0.35) -> tuple[float, float]:
    """Measure by how much a recording's sound is late against its lips, from motion generated from the sound.

    For a recording in sync it is the offset of the generator: by how much its mouth moves late.

    Args:
        generated: (T, 68, 3) motion made from the sound.
        real: (T, 68, 3) motion tracked in the picture, at the same times.
        fps: frames a second of both.
        limit: largest lag searched either way, seconds.

    Returns:
        The lag in seconds (positive: sound late) and the correlation of the mouth openings with the lag corrected; NaN
        for both where a mouth does not move.
    """
    a, b = lip_distance(generated), lip_distance(real)
    reach = int(limit * fps)
    scores = np.array(
        [
            _correlation(a[max(shift, 0) : len(a) + min(shift, 0)], b[max(-shift, 0) : len(b) - max(shift, 0)])
            for shift in range(-reach, reach + 1)
        ]
    )
    if np.isnan(scores).all():
        return float("nan"), float("nan")
    best = int(np.nanargmax(scores))
    return (best - reach) / fps, float(scores[best])


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    if min(a.std(), b.std()) < _STILL:
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])
