"""From a sound that is still arriving to expression: the windowed encoder on ONNX Runtime, the generator in NumPy.

A whole sound goes the same way in the same steps, so that both agree to the bit. The product does not use this yet.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import safe_open
from scipy.special import erf

from rhapsode.audio.mel import motion_frames
from rhapsode.audio.whisper_mel import BANDS, HOP, SILENCE, WhisperMelStream
from rhapsode.files import reading
from rhapsode.motion.dims import FRONT_BACK, FeatureGeneratorDims, WindowedDims
from rhapsode.onnx_runtime import onnxruntime

_QUIET = np.zeros(1600, np.float32)


def state_names(layers: int) -> list[str]:
    """Name the inputs of an encoder step that hold its state, in order; its outputs are called `next_NAME`.

    `recent_mel` (1, 3, 80), `position` (1,), and for each layer `keys`, `values` (1, back + ahead, W) and `waiting`
    (1, ahead, W), as `models.windowed_encoder.EncoderState` has them.
    """
    parts = [f"{part}_{layer}" for layer in range(layers) for part in ("keys", "values", "waiting")]
    return ["recent_mel", "position", *parts]


class EncoderModel:
    """Run a windowed encoder that `models.windowed_export` wrote. It keeps nothing of a sound.

    Attributes:
        frames: features (1/50 s) a step.
        delay: features of a stream that belong to no moment of its sound: feature m comes out in place m + delay.
    """

    def __init__(self, session: Any, wide: bool = False) -> None:
        """Take a session of ONNX Runtime; `wide` as in `load`."""
        self._session = session
        facts = session.get_modelmeta().custom_metadata_map
        dims = WindowedDims(**json.loads(facts["dims"]))
        ahead = dims.ahead_wide if wide else dims.ahead
        self.frames = int(facts["frames"])
        self.delay = 1 + sum(ahead)
        self._names = state_names(len(ahead))
        self._shapes = {f"waiting_{layer}": (1, rows, dims.width) for layer, rows in enumerate(ahead)}
        for part in ("keys", "values"):
            self._shapes |= {f"{part}_{layer}": (1, dims.back + rows, dims.width) for layer, rows in enumerate(ahead)}

    @classmethod
    def load(cls, path: Path, wide: bool = False) -> "EncoderModel":
        """Read an ONNX file, to run on one thread.

        Args:
            path: the file.
            wide: the setting for files, with a look-ahead of 0.5 s in every layer.

        Raises:
            WeightsError: the file is missing, damaged, of another model, or ONNX Runtime is too old for it.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        with reading(path, "windowed encoder"):
            model = path.read_bytes()
            try:
                session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
            except Exception as error:  # ONNX Runtime's errors have no common class of their own
                raise ValueError(str(error)) from error
            return cls(session, wide)

    def start(self) -> dict[str, np.ndarray]:
        """Make the state before a sound has begun."""
        state = {name: np.zeros(shape, np.float32) for name, shape in self._shapes.items()}
        state["recent_mel"] = np.full((1, FRONT_BACK + 1, BANDS), SILENCE, np.float32)
        state["position"] = np.array([-1], np.int64)
        return state

    def step(self, mel: np.ndarray, state: Mapping[str, np.ndarray]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Encode the next 2N frames of the spectrum, N = `frames`: (2N, 80) -> features (N, W), and the state."""
        features, *after = self._session.run(None, {"mel": mel[None], **state})
        return features[0], dict(zip(self._names, after, strict=True))


class FeatureStream:
    """Compute features of a sound that arrives piece by piece."""

    def __init__(self, model: EncoderModel) -> None:
        self._model, self._state = model, model.start()
        self._mel = WhisperMelStream()
        self._waiting = np.full((1, BANDS), SILENCE, np.float32)  # the stream begins with a frame of silence
        self._skip = model.delay

    def push(self, levelled: np.ndarray) -> Iterator[np.ndarray]:
        """Take samples, (N,) float32 at 16 kHz at the target loudness; give the features of each step, (M, W)."""
        # In small pieces, so that a frame is computed by itself however much arrives at once.
        pieces = [self._mel.push(levelled[first : first + HOP]) for first in range(0, len(levelled), HOP)]
        self._waiting = np.concatenate([self._waiting, *pieces])
        count = 2 * self._model.frames
        while len(self._waiting) >= count:
            mel, self._waiting = self._waiting[:count], self._waiting[count:]
            features, self._state = self._model.step(mel, self._state)
            skipped = min(self._skip, len(features))
            self._skip -= skipped
            if skipped < len(features):
                yield features[skipped:]


class NumpyFeatureGenerator:
    """Run `models.feature_generator.FeatureGenerator` in plain NumPy.

    Attributes:
        dims: sizes.
        weights: float32 arrays by the names that they have there.
        reach: features that an expression depends on.
    """

    def __init__(self, dims: FeatureGeneratorDims, weights: Mapping[str, np.ndarray]) -> None:
        """Take weights."""
        self.dims = dims
        self.weights = {name: np.ascontiguousarray(value, np.float32) for name, value in weights.items()}
        # Every convolution as one product: (out, in, tap) -> (tap and in, out).
        self._kernels = {
            name: np.ascontiguousarray(self.weights[f"{name}.weight"].transpose(2, 1, 0).reshape(-1, outputs))
            for name in ("conv1", "conv2", "skip")
            for outputs in (len(self.weights[f"{name}.weight"]),)
        }
        self.reach: int = self.weights["skip.weight"].shape[2]
        self._kernel: int = self.weights["conv1.weight"].shape[2]

    @classmethod
    def load(cls, path: Path) -> "NumpyFeatureGenerator":
        """Read what `FeatureGenerator.save` wrote.

        Raises:
            WeightsError: the file is missing, damaged, or of another model.
        """
        with reading(path, "feature generator"), safe_open(path, "np") as file:
            dims = FeatureGeneratorDims(**json.loads(file.metadata()["feature_generator"]))
            return cls(dims, {name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118

    def with_weight_delta(self, changes: Mapping[str, np.ndarray]) -> "NumpyFeatureGenerator":
        """Make a generator with changes added to the weights of these names; this one stays as it is."""
        changed = {name: self.weights[name] + change for name, change in changes.items()}
        return NumpyFeatureGenerator(self.dims, self.weights | changed)

    def embed(self, features: np.ndarray) -> np.ndarray:
        """Embed features, (N, F) -> (N, H)."""
        embedded: np.ndarray = features @ self.weights["embed.weight"].T + self.weights["embed.bias"]
        return embedded

    def decode(self, embedded: np.ndarray) -> np.ndarray:
        """Compute weights of the basis, (N + reach - 1, H) -> (N, K), row by row: N changes no row."""
        count = len(embedded) - self.reach + 1
        rows = [self._decode_one(embedded[row : row + self.reach]) for row in range(count)]
        return np.stack(rows) if rows else np.zeros((0, self.dims.components), np.float32)

    def _decode_one(self, window: np.ndarray) -> np.ndarray:
        """(reach, H) -> (K,)."""
        kernel = self._kernel
        windows = np.stack([window[place : place + kernel].ravel() for place in range(kernel)])
        x = windows @ self._kernels["conv1"] + self.weights["conv1.bias"]
        x = np.float32(0.5) * x * (1 + erf(x * np.float32(0.5**0.5)))
        weights: np.ndarray = x.ravel() @ self._kernels["conv2"] + self.weights["conv2.bias"]
        return weights + window.ravel() @ self._kernels["skip"]


class FeatureExpressionStream:
    """Generate expression offsets, 60 a second, of a sound that arrives piece by piece."""

    def __init__(self, encoder: EncoderModel, generator: NumpyFeatureGenerator) -> None:
        self._features, self._generator = FeatureStream(encoder), generator
        self._embedded: np.ndarray | None = None
        self._weights: list[np.ndarray] = []  # of the basis, 50 a second, from number `_first` on
        self._first = self._frame = 0

    def push(self, levelled: np.ndarray) -> Iterator[np.ndarray]:
        """Take samples, (N,) float32 at 16 kHz at the target loudness; give the frames they complete, (68, 3) each."""
        generator = self._generator
        for features in self._features.push(levelled):
            embedded = generator.embed(features)
            if self._embedded is None:
                self._embedded = np.repeat(embedded[:1], generator.reach - 1 - generator.dims.ahead, axis=0)
            self._embedded = np.concatenate([self._embedded, embedded])
            self._weights += list(generator.decode(self._embedded))
            self._embedded = self._embedded[1 - generator.reach :]
            yield from self._interpolated()

    def _interpolated(self) -> Iterator[np.ndarray]:
        """Give the motion frames whose neighbours among the 50 a second are known."""
        while True:
            left, sixths = divmod(5 * self._frame, 6)
            if left + (sixths > 0) >= self._first + len(self._weights):
                return
            self._weights, self._first = self._weights[left - self._first :], left
            weights = self._weights[0]
            if sixths:
                weights = weights + np.float32(sixths / 6) * (self._weights[1] - weights)
            self._frame += 1
            yield (weights @ self._generator.weights["basis"]).reshape(68, 3)


def generate(encoder: EncoderModel, generator: NumpyFeatureGenerator, levelled: np.ndarray) -> np.ndarray:
    """Generate the expression offsets of a whole sound, as if it arrived.

    Args:
        encoder: makes its features.
        generator: makes expression of them.
        levelled: (N,) float32 in [-1, 1] at 16 kHz, at the target loudness.

    Returns:
        (T, 68, 3) float32, canonical space, 60 a second, T = `motion_frames(N)`.
    """
    stream, count = FeatureExpressionStream(encoder, generator), motion_frames(len(levelled))
    frames = list(stream.push(levelled))
    while len(frames) < count:
        frames += stream.push(_QUIET)
    return np.stack(frames[:count]).astype(np.float32)
