"""The Motion Generator in plain NumPy: 60 times a second it makes one frame of motion from features of sound.

There are two. `FeatureGenerator`, small and convolutional, works on features of the windowed encoder; it ships.
`RecurrentGenerator` is the published one, on features of APC or on log-mel (`motion.mel_encoder`). Each computes what
the module in `models` computes that is trained; a test holds the two equal to 1e-5. Their state is handed in and out,
so that any number of sounds share one generator.
"""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import cached_property
from typing import Any, NamedTuple, TypeVar

import numpy as np

from rhapsode.motion.dims import FeatureGeneratorDims, GeneratorDims
from rhapsode.motion.layers import Weights, gelu, gru, gru_shapes, linear, linear_shapes, matrices

#: Frames that the convolution of the recurrent generator spans, the newest included.
_KERNEL = 5

_Self = TypeVar("_Self", bound="MotionGenerator")


class MotionGenerator(ABC):
    """Make motion of features. A style changes its weights.

    Attributes:
        dims: sizes.
        weights: float32 arrays by the names that they have in `models`.
        width: of the features that `step` takes.
        look_ahead: motion frames by which the motion is late against the features.
    """

    width: int
    look_ahead: int

    def __init__(self, dims: Any, weights: Weights, shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Take weights.

        Raises:
            ValueError: one is missing or has another shape than the sizes ask for.
        """
        self.dims = dims
        self.weights = {name: np.ascontiguousarray(weights[name], np.float32) for name in shapes if name in weights}
        for name, shape in shapes.items():
            found = self.weights[name].shape if name in self.weights else "nothing"
            if found != shape:
                raise ValueError(f"{name} has shape {found}, not {shape}")

    @abstractmethod
    def condense(self, features: np.ndarray) -> np.ndarray:
        """Compute what no style changes: the encoder's features (F,) -> those that `step` takes, (width,)."""

    @abstractmethod
    def step(self, features: np.ndarray, state: Any = None) -> tuple[np.ndarray, Any]:
        """Make the next frame of motion, late by the look-ahead.

        Args:
            features: (width,).
            state: as returned for the frame before; None at the beginning.

        Returns:
            (68, 3) float32 offsets from a resting face, canonical space, of the frame `look_ahead` before; the first
            `look_ahead` belong to no time of the sound. And the state.
        """

    @cached_property
    def key(self) -> str:
        """Twelve hexadecimal digits that name these weights, as `models` has them too."""
        return key_of(self.weights)

    def with_weight_delta(self: _Self, changes: Mapping[str, np.ndarray]) -> _Self:
        """Make a generator with changes added to the weights of these names; the others are shared, this one stays."""
        changed = {name: self.weights[name] + change for name, change in changes.items()}
        return type(self)(self.dims, self.weights | changed)  # type: ignore[call-arg]


def key_of(weights: Weights) -> str:
    """Name weights, as they are written in half precision, by twelve hexadecimal digits."""
    digest = hashlib.sha256()
    for name, value in sorted(weights.items()):
        digest.update(name.encode())
        digest.update(value.astype(np.float16).tobytes())
    return digest.hexdigest()[:12]


class FeatureGenerator(MotionGenerator):
    """Make motion of features of the windowed encoder: a bottleneck, and two convolutions beside a linear path."""

    dims: FeatureGeneratorDims

    def __init__(self, dims: FeatureGeneratorDims, weights: Weights) -> None:
        """Take weights; errors as `MotionGenerator`."""
        super().__init__(dims, weights, _feature_shapes(dims))
        self.width = dims.hidden
        self.look_ahead = dims.ahead
        flat = {name: value for name, value in self.weights.items() if value.ndim == 2}
        # Every convolution is one product: (out, in, tap) -> (out, tap and in), as frames stand one after another.
        for name in ("conv1", "conv2", "skip"):
            kernel = self.weights[f"{name}.weight"]
            flat[f"{name}.weight"] = kernel.transpose(0, 2, 1).reshape(len(kernel), -1)
        flat["basis"] = self.weights["basis"].T
        self._matrices = matrices(flat)

    def condense(self, features: np.ndarray) -> np.ndarray:
        """Embed features, (F,) -> (H,)."""
        return linear(self._matrices, self.weights, "embed", features)

    def step(
        self, features: np.ndarray, state: tuple[np.ndarray, np.ndarray] | None = None
    ) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
        """Make the next frame of motion, as `MotionGenerator.step` says."""
        kernel = self.dims.kernel
        seen, inner = state or (np.repeat(features[None], 2 * kernel - 2, 0), None)
        window = np.concatenate([seen, features[None]])
        if inner is None:
            inner = np.stack([self._convolve(window[place : place + kernel]) for place in range(kernel - 1)])
        inner = np.concatenate([inner, self._convolve(window[-kernel:])[None]])
        weights = linear(self._matrices, self.weights, "conv2", inner.reshape(-1))
        weights = weights + self._matrices["skip.weight"] @ window.reshape(-1)
        expression = self._matrices["basis"] @ linear(self._matrices, self.weights, "readout", weights)
        return expression.reshape(68, 3), (window[1:], inner[1:])

    def _convolve(self, window: np.ndarray) -> np.ndarray:
        """(kernel, H) -> (H,)."""
        return gelu(linear(self._matrices, self.weights, "conv1", window.reshape(-1)))


class RecurrentState(NamedTuple):
    """Hold what the recurrent generator remembers of a sound from one frame to the next.

    Attributes:
        past: (4, F) float32, the last embedded frames.
        hidden: (layers, F) float32, hidden state.
    """

    past: np.ndarray
    hidden: np.ndarray


class RecurrentGenerator(MotionGenerator):
    """Make motion of features by a convolution and a stack of GRUs, as published."""

    dims: GeneratorDims

    def __init__(self, dims: GeneratorDims, weights: Weights) -> None:
        """Take weights; errors as `MotionGenerator`."""
        super().__init__(dims, weights, _recurrent_shapes(dims))
        self.width = dims.features
        self.look_ahead = dims.look_ahead
        flat = {name: value for name, value in self.weights.items() if value.ndim == 2}
        # (out, in, tap) -> (out, tap, in), as the frames of the window stand one after another.
        kernel = self.weights["context.weight"].transpose(0, 2, 1)
        self._matrices = matrices(
            flat | {"basis": self.weights["basis"].T, "context.weight": kernel.reshape(len(kernel), -1)}
        )

    def condense(self, features: np.ndarray) -> np.ndarray:
        """Give the features as they are: a style may change all that follows."""
        return features

    def step(self, features: np.ndarray, state: RecurrentState | None = None) -> tuple[np.ndarray, RecurrentState]:
        """Make the next frame of motion, as `MotionGenerator.step` says."""
        x = gelu(linear(self._matrices, self.weights, "embed.0", features))
        past = state.past if state else np.repeat(x[None], _KERNEL - 1, axis=0)
        window = np.concatenate([past, x[None]])
        context = linear(self._matrices, self.weights, "context", window.reshape(-1))
        before = state.hidden if state else None
        x, hidden = gru(self._matrices, self.weights, "recurrent", self.dims.layers, x + gelu(context), before)
        expression = self._matrices["basis"] @ linear(self._matrices, self.weights, "readout", x)
        return expression.reshape(68, 3), RecurrentState(window[1:], hidden)


def _feature_shapes(dims: FeatureGeneratorDims) -> dict[str, tuple[int, ...]]:
    """Give the shape of every weight."""
    return {
        **linear_shapes("embed", dims.features, dims.hidden),
        "conv1.weight": (dims.hidden, dims.hidden, dims.kernel),
        "conv1.bias": (dims.hidden,),
        "conv2.weight": (dims.components, dims.hidden, dims.kernel),
        "conv2.bias": (dims.components,),
        "skip.weight": (dims.components, dims.hidden, 2 * dims.kernel - 1),
        **linear_shapes("readout", dims.components, dims.components),
        "basis": (dims.components, 204),
    }


def _recurrent_shapes(dims: GeneratorDims) -> dict[str, tuple[int, ...]]:
    """Give the shape of every weight."""
    return {
        **linear_shapes("embed.0", dims.features, dims.hidden),
        "context.weight": (dims.hidden, dims.hidden, _KERNEL),
        "context.bias": (dims.hidden,),
        **gru_shapes("recurrent", dims.hidden, dims.layers),
        **linear_shapes("readout", dims.hidden, dims.components),
        "basis": (dims.components, 204),
    }
