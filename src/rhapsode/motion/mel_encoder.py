"""From a sound that is still arriving to features, by log-mel and the published audio encoder (APC): GRUs in NumPy.

It computes what `models.audio_encoder` computes. A model without an audio encoder takes the log-mel itself, less the
mean of the voice.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from scipy.special import expit

from rhapsode.audio.mel import MEL_BANDS, MelStream
from rhapsode.motion.dims import CMN_PRIOR_FRAMES, EncoderDims
from rhapsode.motion.layers import gelu, gru, gru_shapes, linear, linear_shapes, matrices

#: Samples that are taken at once; so few never complete more than one frame.
_PIECE = 64


class Voice(NamedTuple):
    """Hold the running mean of a voice's spectrum.

    Attributes:
        weight: () float64, sum of the weights.
        total: (80,) float64, weighted sum of the spectra. Single precision would drift within hours.
    """

    weight: np.ndarray
    total: np.ndarray


class MelEncoder:
    """Make features of log-mel. It keeps nothing of a sound.

    Attributes:
        dims: sizes; None for log-mel itself.
        width: of the features.
        look_ahead: 0 motion frames of sound beyond the frame: the generator on its features waits for later ones.
    """

    look_ahead = 0

    def __init__(self, dims: EncoderDims | None, weights: Mapping[str, np.ndarray]) -> None:
        """Take weights, float32 arrays by the names that they have in `models.audio_encoder`.

        Raises:
            ValueError: one is missing or has another shape than the sizes ask for.
        """
        self.dims = dims
        self.width = dims.hidden if dims else 2 * MEL_BANDS
        self.weights = weights
        for name, shape in _shapes(dims).items():
            found = weights[name].shape if name in weights else "nothing"
            if found != shape:
                raise ValueError(f"{name} has shape {found}, not {shape}")
        self._matrices = matrices(weights)

    def start(self) -> "MelFeatureStream":
        """Begin a sound."""
        return MelFeatureStream(self)

    def step(
        self, mel: np.ndarray, voice: Voice | None, hidden: np.ndarray | None
    ) -> tuple[np.ndarray, Voice, np.ndarray | None]:
        """Encode the next two frames of log-mel, (2, 80) -> features (F,); what is known of the voice, hidden state."""
        prefix = "voice." if self.dims else ""
        mean, std = self.weights[prefix + "mean"], self.weights[prefix + "std"]
        loud = expit(2 * (mel.mean(1, keepdims=True) - mean.mean()))
        weight = (voice.weight if voice else 0.0) + loud.cumsum(0, dtype=np.float64)
        total = (voice.total if voice else 0.0) + (loud * mel).cumsum(0, dtype=np.float64)
        average = ((total + CMN_PRIOR_FRAMES * mean) / (weight + CMN_PRIOR_FRAMES)).astype(np.float32)
        x = ((mel - average) / std).reshape(-1)
        if self.dims:
            x = gelu(linear(self._matrices, self.weights, "embed.0", x))
            x, hidden = gru(self._matrices, self.weights, "recurrent", self.dims.layers, x, hidden)
        return x, Voice(weight[-1], total[-1]), hidden


class MelFeatureStream:
    """Compute features of a sound that arrives piece by piece, one for each motion frame."""

    def __init__(self, encoder: MelEncoder) -> None:
        """Start before the first sample."""
        self._encoder = encoder
        self._voice: Voice | None = None
        self.restart()

    def restart(self) -> None:
        """Begin another sound of the same voice, whose mean spectrum is kept."""
        self._mel = MelStream()
        self._hidden: np.ndarray | None = None

    def push(self, levelled: np.ndarray) -> Iterator[np.ndarray]:
        """Take samples, (N,) float32 at 16 kHz, after gain control; give the features they complete, (F,) each."""
        for first in range(0, len(levelled), _PIECE):
            mel = self._mel.push(levelled[first : first + _PIECE])
            for pair in mel.reshape(-1, 2, MEL_BANDS):
                features, self._voice, self._hidden = self._encoder.step(pair, self._voice, self._hidden)
                yield features


def _shapes(dims: EncoderDims | None) -> dict[str, tuple[int, ...]]:
    """Give the shape of every weight."""
    if dims is None:
        return {"mean": (MEL_BANDS,), "std": (MEL_BANDS,)}
    return {
        "voice.mean": (MEL_BANDS,),
        "voice.std": (MEL_BANDS,),
        **linear_shapes("embed.0", 2 * MEL_BANDS, dims.hidden),
        **gru_shapes("recurrent", dims.hidden, dims.layers),
    }
