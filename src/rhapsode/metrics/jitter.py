"""Jitter: motion too fast for speech.

Articulation lies below 8 Hz (4 to 6 syllables a second, each one opening and closing); faster motion of landmarks is
jitter of a tracker or of a generator. Video of 25 frames a second holds nothing above 12.5 Hz, so 8 Hz leaves something
to compare. Accelerations would not do: they grow with the speed of speech, so a lively mouth would count as jitter.
"""

import numpy as np
from scipy.signal import butter, sosfiltfilt

#: Hertz above which motion counts as jitter.
CUTOFF = 8.0


def jitter(motion: np.ndarray, fps: float) -> float:
    """Compute the root mean square distance of the landmarks from their path below 8 Hz, units of the input.

    Args:
        motion: (T, N, 3) or (T, N, 2).
        fps: frames a second, above 16.
    """
    # Steep, since a wide syllable at 5 Hz would otherwise leak through.
    high_pass = butter(8, CUTOFF, "highpass", fs=fps, output="sos")
    fast = sosfiltfilt(high_pass, motion, axis=0, padlen=min(27, len(motion) - 1))
    return float(np.sqrt(np.square(fast).sum(-1).mean()))


def jitter_ratio(generated: np.ndarray, real: np.ndarray, fps: float) -> float:
    """Divide the jitter of generated motion by that of real motion, which includes the tracker's."""
    return jitter(generated, fps) / jitter(real, fps)
