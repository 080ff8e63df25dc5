"""One loudness for a sound that is still arriving: a gain that follows what was heard so far."""

import numpy as np

TARGET_LUFS = -23.0
"""Loudness that the models read, after EBU R 128."""

MAX_GAIN_DB = 40.0
"""Largest gain for a faint sound; beyond it there is mostly noise to amplify."""

_BLOCK = 160  # samples, 10 ms: the gain of one is told by those before it
_SILENCE = -70.0  # dB: what is below is not listened to, as by BS.1770's gate
_NEAR = 12.0  # dB under the level that still belong to the voice
_ABOVE = 10.0  # dB over it at which another, louder sound has begun
_LEAST, _MOST = 0.1, 5.0  # seconds of a voice that its level is averaged over, as they are heard
_RELEASE = 80.0  # dB a second by which the level falls before a voice is known; slower the longer it was heard


class AutomaticGainControl:
    """Brings a sound to the loudness that the models hear, as `normalise_loudness` does a whole one."""

    def __init__(self) -> None:
        self._level = TARGET_LUFS
        self._known = 0.0
        self._power = 0.0
        self._filled = 0
        self._gains = (1.0, 1.0)  # at the beginning of the block and at its end

    def push(self, samples: np.ndarray) -> np.ndarray:
        """The samples that follow, (N,) float32 in [-1, 1] at 16 kHz -> the same, levelled."""
        levelled = np.empty(len(samples), np.float32)
        done = 0
        while done < len(samples):
            piece = samples[done : done + _BLOCK - self._filled]
            share = np.arange(self._filled, self._filled + len(piece)) / _BLOCK
            gain = self._gains[0] + (self._gains[1] - self._gains[0]) * share
            levelled[done : done + len(piece)] = np.clip(piece * gain, -1, 1)
            # One by one, so that the sum is the same in whatever pieces they come.
            for value in piece.tolist():
                self._power += value * value
            self._filled += len(piece)
            done += len(piece)
            if self._filled == _BLOCK:
                self._follow(10 * float(np.log10(self._power / _BLOCK + 1e-12)))
                self._power, self._filled = 0.0, 0
        return levelled

    def _follow(self, loudness: float) -> None:
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
