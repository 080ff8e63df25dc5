"""By how much the sound of a clip is late against its lips, as a Motion Generator hears it."""

import hashlib
from functools import cache
from pathlib import Path

import numpy as np

from rhapsode.audio.mel import MOTION_RATE
from rhapsode.bundle import Bundle
from rhapsode.face.expression import disentangle, resample
from rhapsode.media.waveform import SAMPLE_RATE, Waveform
from rhapsode.metrics.mouth import opening_correlation, sound_lag
from rhapsode.models.motion_generator import MotionGenerator

#: Correlation of the generated and the real mouth opening from which a clip counts as in step.
SURE = 0.25
#: The largest lag tried either way, seconds; GRID holds clips that are 0.4 s late.
LIMIT = 0.5
#: A clip is moved only where the correlation then reaches the first and gains the second. Of 20 s or of 3 s, chance
#: alone finds 0.36 somewhere; and in GRID, which is in step, a frame to either side often gains 0.02.
SURE_OF_LAG, MARGIN = 0.4, 0.03


class SyncModel:
    """A Motion Generator that listens for what the lips must be doing.

    Attributes:
        key: twelve hexadecimal digits that name its weights.
    """

    def __init__(self, weights: Path) -> None:
        self._generator = MotionGenerator.load(weights)
        self.key = hashlib.sha256(weights.read_bytes()).hexdigest()[:12]

    def measure(self, samples: np.ndarray, times: np.ndarray, landmarks: np.ndarray) -> tuple[float, float]:
        """Compare the mouth that the sound asks for with the one that is seen.

        Args:
            samples: (N,) float32, 16 kHz.
            times: (T,) seconds.
            landmarks: (T, 68, 3), image pixels.

        Returns:
            Seconds by which the sound is late, 0 unless another lag is clearly better, and the correlation of the
            mouth openings with that taken out.
        """
        offsets, rest, _ = disentangle(landmarks)
        generated = self._generator.generate(Waveform(samples, SAMPLE_RATE))
        moments = np.arange(len(generated)) / MOTION_RATE
        seen = (moments >= times[0]) & (moments <= times[-1])
        real = resample(offsets, times, moments[seen]) + rest
        generated = generated[seen] + rest
        # A lag is looked for where three quarters of the clip still overlap.
        limit = min(LIMIT, len(real) / MOTION_RATE / 4)
        # A mouth that never moves agrees with nothing: its correlation is not a number.
        with np.errstate(invalid="ignore", divide="ignore"):
            as_recorded = float(np.nan_to_num(opening_correlation(generated, real)))
            av_offset, moved = sound_lag(generated, real, MOTION_RATE, limit)
        return (av_offset, moved) if moved >= max(SURE_OF_LAG, as_recorded + MARGIN) else (0.0, as_recorded)


def shipped_sync_model() -> Path:
    """The weights that come with the package."""
    return Bundle.load().path("motion_generator.safetensors")


@cache
def load_sync_model(weights: Path) -> SyncModel:
    """The ear with these weights; read once in each process."""
    return SyncModel(weights)
