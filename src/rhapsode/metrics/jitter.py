"""Jitter: how much a motion trembles.

Articulation lies under 8 Hz (syllables come at 4 to 6 a second, and each is one opening and closing); what landmarks
do above that is the trembling of a tracker or of a generator. A motion filmed at 25 frames a second holds nothing
above 12.5 Hz, and 8 Hz leaves something to compare. Accelerations were considered and not taken: they grow with the
speed of honest speech, so a lively mouth would pass for a trembling one.
"""

import numpy as np
from scipy.signal import butter, sosfiltfilt

#: Hertz above which motion is no articulation.
CUTOFF = 8.0


def jitter(motion: np.ndarray, fps: float) -> float:
    """Root mean square distance of the landmarks from their own path below 8 Hz, units of the input.

    Args:
        motion: (T, N, 3) or (T, N, 2).
        fps: frames a second, above 16.
    """
    # As steep as this because a wide syllable at 5 Hz would otherwise leak through and count as trembling.
    high_pass = butter(8, CUTOFF, "highpass", fs=fps, output="sos")
    trembling = sosfiltfilt(high_pass, motion, axis=0, padlen=min(27, len(motion) - 1))
    return float(np.sqrt(np.square(trembling).sum(-1).mean()))


def jitter_ratio(generated: np.ndarray, real: np.ndarray, fps: float) -> float:
    """Jitter of generated motion over that of the real one, which includes the tracker's; both as in `jitter`."""
    return jitter(generated, fps) / jitter(real, fps)
