"""Another rate for a sound that arrives in pieces."""

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler


class SteadyResampler:
    """Resample pieces so that they join without clicks; the last samples come with the piece that follows."""

    def __init__(self, rate: int, wanted: int, channels: int) -> None:
        """Begin.

        Args:
            rate: samples per second of the pieces.
            wanted: samples per second of the result.
            channels: 1 or 2.
        """
        self._rate, self._layout = rate, "mono" if channels == 1 else "stereo"
        self._resampler = None if rate == wanted else AudioResampler("fltp", self._layout, wanted)

    def push(self, piece: np.ndarray) -> np.ndarray:
        """Give what a piece completes.

        Args:
            piece: (channels, N) float32 in [-1, 1].

        Returns:
            (channels, M) float32.
        """
        if self._resampler is None or not piece.shape[1]:
            return piece
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(piece), format="fltp", layout=self._layout)
        frame.sample_rate = self._rate
        parts = [part.to_ndarray() for part in self._resampler.resample(frame)]
        return np.concatenate([piece[:, :0], *parts], axis=1)
