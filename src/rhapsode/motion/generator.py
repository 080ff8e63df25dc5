"""The Motion Generator in plain NumPy: 60 times a second it makes one frame of motion from one frame of sound.

It computes what `models.motion_generator.MotionGenerator` computes, the torch module that is trained; a test holds the
two equal to 1e-5. Its state is handed in and out, so that any number of sounds share one generator.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors import safe_open
from scipy.special import erf, expit

from rhapsode.audio.mel import MEL_BANDS
from rhapsode.audio.projection import FeatureBank
from rhapsode.compute import SingleThreadedMatrix
from rhapsode.files import reading
from rhapsode.motion.dims import CMN_PRIOR_FRAMES, EncoderDims, GeneratorDims

#: Frames that the convolution spans, the newest included.
_KERNEL = 5


class GeneratorState(NamedTuple):
    """Hold what the generator remembers of a sound from one frame to the next.

    Attributes:
        weight: () float64, sum of the weights of the running mean of the voice's spectrum.
        total: (80,) float64, weighted sum of its spectra. Single precision would drift within hours.
        audio_encoder: (layers, H) float32, hidden state of the audio encoder; no layers where there is none.
        past: (4, F) float32, the last embedded frames.
        hidden: (layers, F) float32, hidden state.
    """

    weight: np.ndarray
    total: np.ndarray
    audio_encoder: np.ndarray
    past: np.ndarray
    hidden: np.ndarray

    def of_the_voice(self) -> "GeneratorState":
        """Keep the voice's mean spectrum, and forget the rest."""
        return self._replace(
            audio_encoder=np.zeros_like(self.audio_encoder),
            past=np.zeros_like(self.past),
            hidden=np.zeros_like(self.hidden),
        )


class NumpyMotionGenerator:
    """Make motion of sound.

    Attributes:
        dims: sizes.
        weights: float32 arrays by the names that they have in `MotionGenerator`.
    """

    def __init__(self, dims: GeneratorDims, weights: Mapping[str, np.ndarray]) -> None:
        """Take weights.

        Raises:
            ValueError: one is missing or has another shape than the sizes ask for.
        """
        self.dims = dims
        self.weights = {name: np.ascontiguousarray(value, np.float32) for name, value in weights.items()}
        for name, shape in _shapes(dims).items():
            found = self.weights[name].shape if name in self.weights else "nothing"
            if found != shape:
                raise ValueError(f"{name} has shape {found}, not {shape}")

    def step(
        self,
        mel: np.ndarray,
        state: GeneratorState | None = None,
        bank: FeatureBank | None = None,
        mix: float = 0.5,
    ) -> tuple[np.ndarray, GeneratorState]:
        """Make the motion of the next stretch of a sound, frame by frame, late by the look-ahead.

        Frames do not depend on how the sound is cut into stretches, to the bit.

        Args:
            mel: (2T, 80) log-mel, T at least 1.
            state: as returned for the stretch before; None at the beginning.
            bank: features of a voice on which those of this voice are projected (manifold projection).
            mix: 0 none of the projection .. 1 all.

        Returns:
            (T, 68, 3) float32 offsets from a resting face, canonical space; frame m belongs `look_ahead` frames before
            mel frame 2m, so that the first `look_ahead` frames of a sound belong to no time of it. And the state.
        """
        frames = []
        for pair in mel.reshape(-1, 2, MEL_BANDS):
            features, weight, total, audio_encoder = self._encode(pair, state)
            if bank is not None and mix > 0:
                features = bank.project(features[None], mix)[0]
            expression, past, hidden = self._decode(features, state)
            state = GeneratorState(weight, total, audio_encoder, past, hidden)
            frames.append(expression)
        if state is None:
            raise ValueError("step needs two frames of log-mel at least")
        return np.stack(frames), state

    @cached_property
    def key(self) -> str:
        """Twelve hexadecimal digits that name these weights, as `MotionGenerator.key` does."""
        digest = hashlib.sha256()
        for name, value in sorted(self.weights.items()):
            digest.update(name.encode())
            digest.update(value.astype(np.float16).tobytes())
        return digest.hexdigest()[:12]

    def with_weight_delta(self, changes: Mapping[str, np.ndarray]) -> "NumpyMotionGenerator":
        """A generator with changes added to the weights of these names; the others are shared, this one stays."""
        changed = {name: self.weights[name] + change for name, change in changes.items()}
        return NumpyMotionGenerator(self.dims, self.weights | changed)

    @classmethod
    def load(cls, path: Path) -> "NumpyMotionGenerator":
        """Read what `MotionGenerator.save` wrote.

        Raises:
            WeightsError: if the file is missing, damaged, or of another model.
        """
        with reading(path, "Motion Generator"), safe_open(path, "np") as file:
            sizes = json.loads(file.metadata()["dims"])
            encoder = sizes.pop("encoder")
            dims = GeneratorDims(**sizes, encoder=EncoderDims(**encoder) if encoder else None)
            return cls(dims, {name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118

    def _encode(
        self, mel: np.ndarray, state: GeneratorState | None
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """(2, 80) -> features (F,); weight and sum of the voice's mean spectrum, and the encoder's hidden state."""
        voice = "audio_encoder.voice." if self.dims.encoder else "audio_encoder."
        mean, std = self.weights[voice + "mean"], self.weights[voice + "std"]
        loud = expit(2 * (mel.mean(1, keepdims=True) - mean.mean()))
        weight = (state.weight if state else 0.0) + loud.cumsum(0, dtype=np.float64)
        total = (state.total if state else 0.0) + (loud * mel).cumsum(0, dtype=np.float64)
        average = ((total + CMN_PRIOR_FRAMES * mean) / (weight + CMN_PRIOR_FRAMES)).astype(np.float32)
        x = ((mel - average) / std).reshape(-1)
        if not self.dims.encoder:
            return x, weight[-1], total[-1], np.zeros((0, 0), np.float32)
        x = _gelu(self._linear("audio_encoder.embed.0", x))
        before = state.audio_encoder if state else None
        x, hidden = self._recur("audio_encoder.recurrent", self.dims.encoder.layers, x, before)
        return x, weight[-1], total[-1], hidden

    def _decode(self, features: np.ndarray, state: GeneratorState | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Features (F,) -> (68, 3); the last embedded frames, and the hidden state."""
        x = _gelu(self._linear("embed.0", features))
        past = state.past if state else np.repeat(x[None], _KERNEL - 1, axis=0)
        window = np.concatenate([past, x[None]])
        context = self._matrices["context"] @ window.reshape(-1) + self.weights["context.bias"]
        before = state.hidden if state else None
        x, hidden = self._recur("recurrent", self.dims.layers, x + _gelu(context), before)
        expression = self._matrices["basis"] @ self._linear("readout", x)
        return expression.reshape(68, 3), window[1:], hidden

    @cached_property
    def _matrices(self) -> dict[str, SingleThreadedMatrix]:
        """The weights that are multiplied with vectors, by name."""
        flat = {name: value for name, value in self.weights.items() if value.ndim == 2}
        # (out, in, tap) -> (out, tap, in), as the frames of the window stand one after another.
        kernel = self.weights["context.weight"].transpose(0, 2, 1)
        flat |= {"basis": self.weights["basis"].T, "context": kernel.reshape(len(kernel), -1)}
        return {name: SingleThreadedMatrix(value) for name, value in flat.items()}

    def _linear(self, name: str, x: np.ndarray) -> np.ndarray:
        y: np.ndarray = self._matrices[f"{name}.weight"] @ x + self.weights[f"{name}.bias"]
        return y

    def _recur(self, name: str, layers: int, x: np.ndarray, state: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """A stack of GRUs (torch's equations), one frame: (F,) -> (H,), and the hidden states (layers, H)."""
        hidden = []
        for layer in range(layers):
            into = self._matrices[f"{name}.weight_ih_l{layer}"] @ x + self.weights[f"{name}.bias_ih_l{layer}"]
            width = len(into) // 3
            before = state[layer] if state is not None else np.zeros(width, np.float32)
            back = self._matrices[f"{name}.weight_hh_l{layer}"] @ before + self.weights[f"{name}.bias_hh_l{layer}"]
            gates = expit(into[: 2 * width] + back[: 2 * width])
            new = np.tanh(into[2 * width :] + gates[:width] * back[2 * width :])
            x = new + gates[width:] * (before - new)
            hidden.append(x)
        return x, np.stack(hidden)


def _gelu(x: np.ndarray) -> np.ndarray:
    gelu: np.ndarray = np.float32(0.5) * x * (1 + erf(x * np.float32(0.5**0.5)))
    return gelu


def _shapes(dims: GeneratorDims) -> dict[str, tuple[int, ...]]:
    """The shape of every weight."""

    def gru(name: str, width: int, layers: int) -> dict[str, tuple[int, ...]]:
        return {
            f"{name}.{kind}_{way}_l{layer}": (3 * width, width) if kind == "weight" else (3 * width,)
            for layer in range(layers)
            for kind in ("weight", "bias")
            for way in ("ih", "hh")
        }

    def linear(name: str, into: int, out: int) -> dict[str, tuple[int, ...]]:
        return {f"{name}.weight": (out, into), f"{name}.bias": (out,)}

    voice, features, audio_encoder = "audio_encoder.", 2 * MEL_BANDS, {}
    if dims.encoder:
        voice, features = "audio_encoder.voice.", dims.encoder.hidden
        audio_encoder = linear("audio_encoder.embed.0", 2 * MEL_BANDS, features) | gru(
            "audio_encoder.recurrent", features, dims.encoder.layers
        )
    return {
        **audio_encoder,
        f"{voice}mean": (MEL_BANDS,),
        f"{voice}std": (MEL_BANDS,),
        **linear("embed.0", features, dims.hidden),
        "context.weight": (dims.hidden, dims.hidden, _KERNEL),
        "context.bias": (dims.hidden,),
        **gru("recurrent", dims.hidden, dims.layers),
        **linear("readout", dims.hidden, dims.components),
        "basis": (dims.components, 204),
    }
