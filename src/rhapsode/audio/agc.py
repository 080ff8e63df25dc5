"""Automatic gain control: the loudness that the models expect, for a sound that is still arriving."""

import numpy as np

#: Loudness that the models were trained on, LUFS, after EBU R 128; taken for dB of mean square here.
TARGET_LUFS = -23.0
#: Most that a faint sound is amplified, dB; beyond it there is mostly noise to amplify.
MAX_GAIN_DB = 40.0

_BLOCK = 160  # samples, 10 ms: the gain of a block follows from those before it
_SILENCE = -70.0  # dB: what is below does not count, as with BS.1770's gate
_NEAR = 12.0  # dB under the level that still belong to the voice
_ABOVE = 10.0  # dB over it at which another, louder sound has begun
_LEAST, _MOST = 0.1, 5.0  # seconds of a voice over which its level is averaged, growing as it goes on
_RELEASE = 80.0  # dB a second by which the level falls before a voice is known; slower the longer it went on


class AutomaticGainControl:
    """Bring a sound to `TARGET_LUFS`, by a gain that follows the level so far."""

    def __init__(self) -> None:
        """Start before the first sample."""
        self._level = TARGET_LUFS
        self._known = 0.0
        self._power = 0.0
        self._filled = 0
        self._gains = (1.0, 1.0)  # at the beginning of the block and at its end

    def push(self, samples: np.ndarray) -> np.ndarray:
        """Level the samples that follow, (N,) float32 in [-1, 1] at 16 kHz -> the same form."""
        levelled = np.empty(len(samples), np.float32)
        done = 0
        while done < len(samples):
            piece = samples[done : done + _BLOCK - self._filled]
            share = np.arange(self._filled, self._filled + len(piece)) / _BLOCK
            gain = self._gains[0] + (self._gains[1] - self._gains[0]) * share
            levelled[done : done + len(piece)] = np.clip(piece * gain, -1, 1)
            # Summed one by one, so that the sum does not depend on the pieces in which the samples come.
            powers = np.square(piece, dtype=np.float64)
            self._power = float(np.add.accumulate(np.concatenate([[self._power], powers]))[-1])
            self._filled += len(piece)
            done += len(piece)
            if self._filled == _BLOCK:
                self._follow(10 * float(np.log10(self._power / _BLOCK + 1e-12)))
                self._power, self._filled = 0.0, 0
        return levelled

    def _follow(self, loudness: float) -> None:
        """Set the gain of the next block by the loudness of the last one, dB."""
        seconds = _BLOCK / 16000
        if loudness > self._level + _ABOVE:
            self._level, self._known = loudness - _ABOVE / 2, 0.0
        elif loudness > self._level - _NEAR:
            self._known = min(self._known + seconds, _MOST)
            self._level += seconds / (_LEAST + self._known) * (loudness - self._level)
        elif loudness > _SILENCE:
            self._level -= seconds * _RELEASE / (1 + 40 * self._known)
        gain = 10 ** (min(TARGET_LUFS - self._level, MAX_GAIN_DB) / 20)
        self._gains = self._gains[1], gain
