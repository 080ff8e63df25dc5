"""The audio-visual offset of a clip, measured by a Motion Generator: what its lips should do against what they do."""

import hashlib
from functools import cache
from pathlib import Path

import numpy as np

from rhapsode.audio.mel import MOTION_RATE
from rhapsode.bundle import Bundle
from rhapsode.face.expression import disentangle, resample
from rhapsode.media.waveform import SAMPLE_RATE, Waveform
from rhapsode.metrics.mouth import opening_correlation, sound_lag
from rhapsode.motion.head import HeadModel
from rhapsode.motion.model import ENCODER, GENERATOR, SpeechModel
from rhapsode.motion.stream import StyledMotionModel, generate

#: Correlation of generated and real mouth opening from which a clip counts as in sync.
IN_SYNC = 0.25
#: Largest offset searched either way, seconds; some GRID clips are 0.4 s late.
LIMIT = 0.5
#: An offset is corrected only where the correlation then reaches the first value and gains the second. On unrelated
#: signals of 3 to 20 s the best offset reaches 0.36 by chance; in GRID, which is in sync, one frame often gains 0.02.
SURE_OF_OFFSET, MARGIN = 0.4, 0.03


class SyncModel:
    """Measure audio-visual offsets by a Motion Generator.

    Attributes:
        key: twelve hexadecimal digits that name its weights.
    """

    def __init__(self, weights: Path) -> None:
        """Read the weights; an audio encoder of their own lies beside them.

        Raises:
            WeightsError: the file is missing, damaged, or of another model.
        """
        beside = weights.with_name(ENCODER)
        speech = SpeechModel.read(weights, lambda: beside if beside.is_file() else Bundle.load().path(ENCODER))
        self._model = StyledMotionModel(speech.encoder, speech.generator, _shipped_head())
        self.key = hashlib.sha256(weights.read_bytes()).hexdigest()[:12]

    def measure(self, samples: np.ndarray, times: np.ndarray, landmarks: np.ndarray) -> tuple[float, float]:
        """Compare the mouth generated from the sound with the tracked one.

        Args:
            samples: (N,) float32 in [-1, 1], 16 kHz.
            times: (T,) seconds.
            landmarks: (T, 68, 3), image pixels.

        Returns:
            Seconds by which the sound is late, 0 unless another offset is clearly better, and the correlation of the
            mouth openings with that corrected, -1 to 1.
        """
        offsets, rest, _ = disentangle(landmarks)
        generated = generate(self._model, Waveform(samples, SAMPLE_RATE))
        moments = np.arange(len(generated)) / MOTION_RATE
        seen = (moments >= times[0]) & (moments <= times[-1])
        real = resample(offsets, times, moments[seen]) + rest
        generated = generated[seen] + rest
        # Three quarters of the clip overlap at every offset that is searched.
        limit = min(LIMIT, len(real) / MOTION_RATE / 4)
        # The correlation of a mouth that never moves is NaN.
        with np.errstate(invalid="ignore", divide="ignore"):
            as_recorded = float(np.nan_to_num(opening_correlation(generated, real)))
            av_offset, corrected = sound_lag(generated, real, MOTION_RATE, limit)
        return (av_offset, corrected) if corrected >= max(SURE_OF_OFFSET, as_recorded + MARGIN) else (0.0, as_recorded)


def shipped_sync_model() -> Path:
    """Give the path of the Motion Generator that comes with the package."""
    return Bundle.load().path(GENERATOR)


@cache
def load_sync_model(weights: Path) -> SyncModel:
    """Read a sync model once in each process."""
    return SyncModel(weights)


def _shipped_head() -> HeadModel:
    return HeadModel.load(Bundle.load().path("head_motion.safetensors"))
