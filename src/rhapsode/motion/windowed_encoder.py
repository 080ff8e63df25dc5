"""From a sound that is still arriving to features, by the windowed encoder on ONNX Runtime.

It looks a few seconds back and a fixed time ahead: 0.1 s in the live setting, 1.5 s in the wide one, for files. One set
of weights serves both. A whole sound goes the same way in the same steps as one that arrives, to the bit. Each step
reads all weights, so that files, which can wait, take long ones.
"""

import json
import math
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from rhapsode.audio.mel import MOTION_RATE
from rhapsode.audio.whisper_mel import BANDS, FEATURE_RATE, HOP, SILENCE, WhisperMelStream
from rhapsode.files import reading
from rhapsode.motion.dims import FRONT_BACK, WindowedDims
from rhapsode.onnx_runtime import onnxruntime

#: Features (1/50 s) a step in the wide setting: a feature then takes a quarter of the time that it takes by twos.
_WIDE_STEP = 25


def state_names(layers: int) -> list[str]:
    """Name the inputs of an encoder step that hold its state, in order; its outputs are called `next_NAME`.

    `recent_mel` (1, 3, 80), `position` (1,), and for each layer `keys`, `values` (1, back + ahead, W) and `waiting`
    (1, ahead, W), as `models.windowed_encoder.EncoderState` has them.
    """
    parts = [f"{part}_{layer}" for layer in range(layers) for part in ("keys", "values", "waiting")]
    return ["recent_mel", "position", *parts]


class WindowedEncoder:
    """Run a windowed encoder that `models.windowed_export` wrote. It keeps nothing of a sound.

    Attributes:
        dims: sizes.
        width: of the features.
        frames: features (1/50 s) a step.
        delay: features of a stream that belong to no moment of its sound: feature m comes out in place m + delay.
        look_ahead: motion frames (1/60 s) of sound beyond the frame that a feature belongs to.
    """

    def __init__(self, session: Any, wide: bool = False) -> None:
        """Take a session of ONNX Runtime; `wide` as in `load`."""
        self._session = session
        facts = session.get_modelmeta().custom_metadata_map
        self.dims = dims = WindowedDims(**json.loads(facts["dims"]))
        ahead = dims.ahead_wide if wide else dims.ahead
        self.width = dims.width
        self.frames = _WIDE_STEP if wide else int(facts["frames"])
        self.delay = 1 + sum(ahead)
        # A motion frame lies between two features, and needs the later one.
        self.look_ahead = math.ceil((dims.look_ahead(wide) + 1 / FEATURE_RATE) * MOTION_RATE)
        self._names = state_names(len(ahead))
        self._shapes = {f"waiting_{layer}": (1, rows, dims.width) for layer, rows in enumerate(ahead)}
        for part in ("keys", "values"):
            self._shapes |= {f"{part}_{layer}": (1, dims.back + rows, dims.width) for layer, rows in enumerate(ahead)}

    @classmethod
    def load(cls, path: Path, wide: bool = False) -> "WindowedEncoder":
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
        with reading(path, "audio encoder"):
            model = path.read_bytes()
            try:
                session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
            except Exception as error:  # ONNX Runtime's errors have no common class of their own
                raise ValueError(str(error)) from error
            return cls(session, wide)

    @cached_property
    def wide(self) -> "WindowedEncoder":
        """Give the same weights in the setting for files."""
        return WindowedEncoder(self._session, wide=True)

    def start(self) -> "WindowedStream":
        """Begin a sound."""
        return WindowedStream(self)

    def start_state(self) -> dict[str, np.ndarray]:
        """Make the state before a sound has begun."""
        state = {name: np.zeros(shape, np.float32) for name, shape in self._shapes.items()}
        state["recent_mel"] = np.full((1, FRONT_BACK + 1, BANDS), SILENCE, np.float32)
        state["position"] = np.array([-1], np.int64)
        return state

    def step(self, mel: np.ndarray, state: Mapping[str, np.ndarray]) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Encode the next 2N frames of the spectrum, N = `frames`: (2N, 80) -> features (N, W), and the state."""
        features, *after = self._session.run(None, {"mel": mel[None], **state})
        return features[0], dict(zip(self._names, after, strict=True))

    def encode(self, mel: np.ndarray) -> np.ndarray:
        """Encode a whole sound that ends in silence: Whisper's log-mel (2T, 80) -> features (T, W), 50 a second."""
        count, rows = len(mel) // 2, 2 * self.frames
        # A stream begins with a frame of silence, and ends with as much as the features are late by.
        missing = -(1 + len(mel)) % rows + rows * -(-self.delay // self.frames)
        padded = np.concatenate([mel[:0], np.full((1, BANDS), SILENCE, np.float32), mel])
        padded = np.concatenate([padded, np.full((missing + rows, BANDS), SILENCE, np.float32)])
        state, features = self.start_state(), []
        for first in range(0, len(padded) - rows + 1, rows):
            step, state = self.step(padded[first : first + rows], state)
            features.append(step)
        return np.concatenate(features)[self.delay : self.delay + count]


class WindowedStream:
    """Compute features of a sound that arrives piece by piece, one for each motion frame."""

    def __init__(self, encoder: WindowedEncoder) -> None:
        """Start before the first sample."""
        self._encoder = encoder
        self.restart()

    def restart(self) -> None:
        """Begin another sound."""
        self._state, self._mel = self._encoder.start_state(), WhisperMelStream()
        self._waiting = np.full((1, BANDS), SILENCE, np.float32)  # the stream begins with a frame of silence
        self._skip = self._encoder.delay
        self._known: list[np.ndarray] = []  # features, 50 a second, from number `_first` on
        self._first = self._frame = 0

    def push(self, levelled: np.ndarray) -> Iterator[np.ndarray]:
        """Take the samples that follow and give the features that they complete.

        Args:
            levelled: (N,) float32 at 16 kHz, after gain control.

        Yields:
            (W,) float32, 60 a second, that of time 0 first.
        """
        # In small pieces, so that a frame of the spectrum is computed by itself however much arrives at once.
        for first in range(0, len(levelled), HOP):
            self._waiting = np.concatenate([self._waiting, self._mel.push(levelled[first : first + HOP])])
            count = 2 * self._encoder.frames
            while len(self._waiting) >= count:
                mel, self._waiting = self._waiting[:count], self._waiting[count:]
                features, self._state = self._encoder.step(mel, self._state)
                skipped = min(self._skip, len(features))
                self._skip -= skipped
                self._known += list(features[skipped:])
                yield from self._interpolated()

    def _interpolated(self) -> Iterator[np.ndarray]:
        """Give the features of the motion frames whose neighbours among the 50 a second are known."""
        while True:
            left, sixths = divmod(5 * self._frame, 6)
            if left + (sixths > 0) >= self._first + len(self._known):
                return
            self._known, self._first = self._known[left - self._first :], left
            feature = self._known[0]
            if sixths:
                feature = feature + np.float32(sixths / 6) * (self._known[1] - feature)
            self._frame += 1
            yield feature


def to_motion_rate(features: np.ndarray, count: int) -> np.ndarray:
    """Interpolate linearly, as a stream does: (T, W) at 50 a second -> (count, W) at 60 a second, from time 0 on."""
    place = np.arange(count) * 5
    left = np.minimum(place // 6, len(features) - 1)
    right = np.minimum(left + 1, len(features) - 1)
    share = (place % 6 / 6).astype(np.float32)[:, None]
    result: np.ndarray = features[left] + share * (features[right] - features[left])
    return result
