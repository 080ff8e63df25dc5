"""The Motion Generator as trained, to speak with: plain NumPy, frame after frame, for a sound of any length.

What it does is what `motion.generator.MotionGenerator` does, which is there to be trained; a test holds the two equal.
Nothing of a sound is kept in it, so that any number of voices can share one.
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

from rhapsode.audio.mel import LOG_FLOOR, MEL_BANDS, log_mel
from rhapsode.audio.projection import FeatureBank
from rhapsode.files import reading
from rhapsode.media.waveform import Waveform
from rhapsode.motion.dims import CMN_PRIOR_FRAMES, EncoderDims, GeneratorDims

#: Frames that the convolution sees, the newest included.
_REACH = 5


class GeneratorState(NamedTuple):
    """What is remembered between stretches of a sound.

    Attributes:
        weight: (1,) how much of the voice was heard, the sum of the weights of the running mean.
        total: (80,) the sum of its spectra.
        audio_encoder: (layers, H) hidden state of the encoder; no layers where there is none.
        past: (4, F) the last embedded frames.
        hidden: (layers, F) hidden state.
    """

    weight: np.ndarray
    total: np.ndarray
    audio_encoder: np.ndarray
    past: np.ndarray
    hidden: np.ndarray


class NumpyMotionGenerator:
    """A Motion Generator that speaks.

    Attributes:
        dims: its sizes.
        weights: float32 arrays by the names that they have in `MotionGenerator`.
    """

    def __init__(self, dims: GeneratorDims, weights: Mapping[str, np.ndarray]) -> None:
        """Take weights.

        Raises:
            ValueError: if one is missing or has another shape than the sizes ask for.
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
        """Expression offsets for the next stretch of a sound, late by the look-ahead.

        Args:
            mel: (2T, 80) log-mel.
            state: what was returned for the stretch before; nothing at the beginning.
            bank: features of a voice that this one is brought to (manifold projection).
            mix: how far, 0 to 1.

        Returns:
            (T, 68, 3) float32, of which frame m belongs `look_ahead` frames before mel frame 2m (the first
            `look_ahead` frames of a sound belong to no moment of it), and the state.
        """
        features, weight, total, audio_encoder = self._encode(mel, state)
        if bank is not None and mix > 0:
            features = bank.project(features, mix)
        expression, past, hidden = self._decode(features, state)
        return expression, GeneratorState(weight, total, audio_encoder, past, hidden)

    def generate(self, sound: Waveform, bank: FeatureBank | None = None, mix: float = 0.5) -> np.ndarray:
        """Expression offsets for a sound of any loudness.

        Args:
            sound: 16 kHz mono.
            bank: features of a voice that this one is brought to (manifold projection).
            mix: how far, 0 to 1.

        Returns:
            (T, 68, 3) float32, canonical space, 60 a second, T = `mel.motion_frames(N)`.
        """
        from rhapsode.data.loudness import normalise_loudness  # measures by a package that learning brings

        mel = log_mel(normalise_loudness(sound).samples)
        silence = np.full((2 * self.dims.look_ahead, MEL_BANDS), LOG_FLOOR, np.float32)
        features = self._encode(np.concatenate([mel, silence]), None)[0]
        if bank is not None and mix > 0:
            features = bank.project(features, mix)
        return self._decode(features, None)[0][self.dims.look_ahead :]

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
        """(2T, 80) -> features (T, F); what was heard of the voice, its sum, and the encoder's hidden state."""
        voice = "audio_encoder.voice." if self.dims.encoder else "audio_encoder."
        mean, std = self.weights[voice + "mean"], self.weights[voice + "std"]
        loud = expit(2 * (mel.mean(1, keepdims=True) - mean.mean()))
        weight = (state.weight if state else np.float32(0)) + loud.cumsum(0)
        total = (state.total if state else np.float32(0)) + (loud * mel).cumsum(0)
        average = (total + np.float32(CMN_PRIOR_FRAMES) * mean) / (weight + np.float32(CMN_PRIOR_FRAMES))
        x = ((mel - average) / std).reshape(-1, 2 * MEL_BANDS)
        audio_encoder = state.audio_encoder if state else None
        if self.dims.encoder:
            x = _gelu(self._linear("audio_encoder.embed.0", x))
            x, audio_encoder = self._recur("audio_encoder.recurrent", self.dims.encoder.layers, x, audio_encoder)
        return x, weight[-1], total[-1], np.zeros((0, 0), np.float32) if audio_encoder is None else audio_encoder

    def _decode(self, features: np.ndarray, state: GeneratorState | None) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Features (T, F) -> (T, 68, 3); the last embedded frames, and the hidden state."""
        x = _gelu(self._linear("embed.0", features))
        past = state.past if state else np.repeat(x[:1], _REACH - 1, axis=0)
        joined = np.concatenate([past, x])
        kernel = self.weights["context.weight"]
        seen = self.weights["context.bias"] + sum(joined[n : n + len(x)] @ kernel[..., n].T for n in range(_REACH))
        x, hidden = self._recur("recurrent", self.dims.layers, x + _gelu(seen), state.hidden if state else None)
        expression = self._linear("readout", x) @ self.weights["basis"]
        return expression.reshape(-1, 68, 3), joined[1 - _REACH :].copy(), hidden

    def _linear(self, name: str, x: np.ndarray) -> np.ndarray:
        return x @ self.weights[f"{name}.weight"].T + self.weights[f"{name}.bias"]

    def _recur(self, name: str, layers: int, x: np.ndarray, state: np.ndarray | None) -> tuple[np.ndarray, np.ndarray]:
        """A stack of GRUs, (T, F) -> (T, H), and its hidden state (layers, H)."""
        last = []
        for layer in range(layers):
            into, back = self.weights[f"{name}.weight_ih_l{layer}"], self.weights[f"{name}.weight_hh_l{layer}"]
            bias, width = self.weights[f"{name}.bias_hh_l{layer}"], back.shape[1]
            given = x @ into.T + self.weights[f"{name}.bias_ih_l{layer}"]
            hidden = state[layer] if state is not None else np.zeros(width, np.float32)
            x = np.empty((len(given), width), np.float32)
            own = np.empty(3 * width, np.float32)
            for n, one in enumerate(given):
                np.matmul(back, hidden, out=own)
                own += bias
                gates = expit(one[: 2 * width] + own[: 2 * width])
                fresh = np.tanh(one[2 * width :] + gates[:width] * own[2 * width :])
                hidden = x[n] = fresh + gates[width:] * (hidden - fresh)
            last.append(hidden)
        return x, np.stack(last)


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
        "context.weight": (dims.hidden, dims.hidden, _REACH),
        "context.bias": (dims.hidden,),
        **gru("recurrent", dims.hidden, dims.layers),
        **linear("readout", dims.hidden, dims.components),
        "basis": (dims.components, 204),
    }
