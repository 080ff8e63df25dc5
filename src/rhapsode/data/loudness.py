"""Loudness normalisation of whole recordings, for training and evaluation."""

import numpy as np
import pyloudnorm

from rhapsode.audio.agc import MAX_GAIN_DB, TARGET_LUFS
from rhapsode.media.waveform import Waveform

_METER_BLOCK = 0.4  # seconds: the gating block of BS.1770, and so the shortest sound that it measures


def normalise_loudness(waveform: Waveform, target_lufs: float = TARGET_LUFS) -> Waveform:
    """Normalise the loudness of a whole sound; `audio.agc` does so for a sound that is still arriving.

    Loudness is measured as in ITU-R BS.1770 (pyloudnorm). The gain stops at `MAX_GAIN_DB` and where the peak
    reaches 1. Silence (nothing above BS.1770's gate of -70 LUFS) is returned unchanged.

    Args:
        waveform: the sound.
        target_lufs: wanted integrated loudness in LUFS.

    Returns:
        The sound at that loudness, same length and rate.
    """
    samples = waveform.samples
    if not len(samples) or not samples.any():
        return waveform
    # A sound shorter than one block is repeated before it is measured.
    least = int(np.ceil(_METER_BLOCK * waveform.rate)) + 1
    measured = np.resize(samples, max(least, len(samples))).astype(np.float64)
    # Where nothing is above its gate, the meter returns log(0) = -inf.
    with np.errstate(divide="ignore", invalid="ignore"):
        loudness = float(pyloudnorm.Meter(waveform.rate).integrated_loudness(measured))
    if not np.isfinite(loudness):
        return waveform
    gain = 10 ** (min(target_lufs - loudness, MAX_GAIN_DB) / 20)
    gain = min(gain, 1 / float(np.abs(samples).max()))
    return Waveform((samples * np.float32(gain)).clip(-1, 1), waveform.rate)
