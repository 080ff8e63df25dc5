"""How well a generated mouth follows the real one in time."""

import numpy as np

from rhapsode.face.mouth import lip_distance

#: A mouth whose opening varies by less than this, canonical units, does not move.
_STILL = 1e-9


def opening_correlation(generated: np.ndarray, real: np.ndarray) -> float:
    """Pearson correlation of the mouth opening over time; both (T, 68, 3). Of a mouth that does not move, NaN."""
    return _correlation(lip_distance(generated), lip_distance(real))


def opening_spread_ratio(generated: np.ndarray, real: np.ndarray) -> float:
    """Standard deviation of the generated mouth opening over that of the real one; 1 is natural."""
    return float(lip_distance(generated).std() / lip_distance(real).std())


def sound_lag(generated: np.ndarray, real: np.ndarray, fps: float, limit: float = 0.35) -> tuple[float, float]:
    """By how much a recording's sound comes late against its lips, seen by a generator that hears the sound.

    Read the other way round it is the audio-visual offset of the generator: by how much its mouth moves late.

    Args:
        generated: (T, 68, 3) motion made from the sound.
        real: (T, 68, 3) motion tracked in the picture, at the same times.
        fps: frames a second of both.
        limit: the largest lag tried either way, seconds.

    Returns:
        The lag in seconds (positive: sound late) and the correlation of the mouth openings once it is taken out; NaN
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
