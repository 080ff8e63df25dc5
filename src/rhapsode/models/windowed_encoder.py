"""The windowed audio encoder: a convolutional front and a few layers of attention within a window of the sound.

The front and the layers have the shape of Whisper's (Radford et al., 2022), so that a training can start from them. Two
things differ, so that a sound of any length can be encoded as it arrives. A moment attends to `WindowedDims.back`
features before it and to a few after it. And the sinusoidal positions repeat every `WindowedDims.period` features: each
frequency is rounded to a whole number of turns in a period, so that the table joins its own beginning.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.functional import gelu, linear, pad, scaled_dot_product_attention

from rhapsode.audio.whisper_mel import BANDS, SILENCE
from rhapsode.files import atomic_write, reading
from rhapsode.motion.dims import FRONT_AHEAD, FRONT_BACK, WindowedDims

#: Added to the logits of masked keys; finite, since before the beginning of a sound every key is masked.
_MASKED = -1e4


class LayerState(NamedTuple):
    """State of a layer between chunks."""

    keys: Tensor
    """(B, back + ahead, W)."""
    values: Tensor
    """(B, back + ahead, W)."""
    waiting: Tensor
    """(B, ahead, W) inputs whose window is not complete yet."""


class EncoderState(NamedTuple):
    """State of the encoder between chunks."""

    recent_mel: Tensor
    """(B, 3, 80) the last frames."""
    position: Tensor
    """(1,) number of the next feature of the front."""
    layers: tuple[LayerState, ...]
    """Of each layer."""


class Layer(nn.Module):
    """Pre-norm attention within a window, and a feed-forward network."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.attention_out = nn.Linear(width, width)
        self.feed_forward_norm = nn.LayerNorm(width)
        self.feed_forward_in = nn.Linear(width, 4 * width)
        self.feed_forward_out = nn.Linear(4 * width, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """Process whole sequences, (B, T, W) -> (B, T, W); `mask` (T queries, T keys) is added to the logits."""
        q, k, v = self.qkv(self.attention_norm(x)).chunk(3, -1)
        return self._add(x, self._attend(q, k, v, mask))

    def step(self, x: Tensor, state: LayerState, mask: Tensor) -> tuple[Tensor, LayerState]:
        """Process the next chunk of a stream.

        Args:
            x: (B, N, W).
            state: as returned for the chunk before.
            mask: (N, back + ahead + N), queries by keys, added to the logits.

        Returns:
            (B, N, W), late by what the layer looks ahead, and the state.
        """
        count, late = x.shape[1], state.waiting.shape[1]
        joined = torch.cat([state.waiting, x], 1)
        # Keys and values come from the newest inputs, queries from those whose window is now complete.
        width, weight, bias = self.attention_out.in_features, self.qkv.weight, self.qkv.bias
        k, v = linear(self.attention_norm(x), weight[width:], bias[width:]).chunk(2, -1)
        k, v = torch.cat([state.keys, k], 1), torch.cat([state.values, v], 1)
        complete = joined[:, :count]
        q = linear(self.attention_norm(complete), weight[:width], bias[:width])
        y = self._add(complete, self._attend(q, k, v, mask))
        return y, LayerState(k[:, count:], v[:, count:], joined[:, count : count + late])

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
        q, k, v = (each.reshape(*each.shape[:2], self.heads, -1).transpose(1, 2) for each in (q, k, v))
        return scaled_dot_product_attention(q, k, v, attn_mask=mask.to(q.dtype)).transpose(1, 2).flatten(2)

    def _add(self, x: Tensor, attended: Tensor) -> Tensor:
        """Add the attention, and then the feed-forward network, to what came in."""
        x = x + self.attention_out(attended)
        return x + self.feed_forward_out(gelu(self.feed_forward_in(self.feed_forward_norm(x))))


class WindowedEncoder(nn.Module):
    """Map Whisper's log-mel, 100 frames a second, to features, 50 a second."""

    positions: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, dims: WindowedDims) -> None:
        super().__init__()
        self.dims = dims
        self.conv1 = nn.Conv1d(BANDS, dims.width, 3)
        self.conv2 = nn.Conv1d(dims.width, dims.width, 3, stride=2)
        self.layers: Any = nn.ModuleList(Layer(dims.width, dims.heads) for _ in dims.ahead)
        self.register_buffer("positions", periodic_positions(dims.width, dims.period), persistent=False)
        self.register_buffer("mean", torch.zeros(dims.width))
        self.register_buffer("std", torch.ones(dims.width))

    def forward(self, mel: Tensor, wide: bool = False, position: Tensor | int = 0) -> Tensor:
        """Encode whole sounds, with silence beyond their ends.

        Args:
            mel: (B, 2T, 80) log-mel of `audio.whisper_mel`.
            wide: the setting for files instead of the live one.
            position: number of the first feature in the table of positions, or one for each sound, (B,).

        Returns:
            (B, T, W), each of about zero mean and unit spread over speech.
        """
        x = self._front(pad(mel, (0, 0, FRONT_BACK, FRONT_AHEAD - 1), value=SILENCE))
        moments = torch.arange(x.shape[1], device=x.device)
        places = torch.as_tensor(position, device=x.device).reshape(-1, 1) + moments
        x = x + self.positions[places % self.dims.period].to(x.dtype)
        behind = moments[:, None] - moments
        for layer, ahead in zip(self.layers, self.dims.ahead_wide if wide else self.dims.ahead, strict=True):
            masked = (behind > self.dims.back) | (behind < -ahead)
            x = layer(x, torch.zeros(masked.shape, device=x.device).masked_fill(masked, _MASKED))
        return (x - self.mean) / self.std

    def start(self, batch: int = 1, wide: bool = False) -> EncoderState:
        """Make the state before a sound has begun."""
        width, like = self.dims.width, self.conv1.weight
        layers = []
        for ahead in self.dims.ahead_wide if wide else self.dims.ahead:
            keys = like.new_zeros(batch, self.dims.back + ahead, width)
            layers.append(LayerState(keys, keys.clone(), like.new_zeros(batch, ahead, width)))
        mel = like.new_full((batch, FRONT_BACK + 1, BANDS), SILENCE)
        return EncoderState(mel, torch.full((1,), -1, device=like.device), tuple(layers))

    def step(self, mel: Tensor, state: EncoderState) -> tuple[Tensor, EncoderState]:
        """Encode the next chunk of a stream.

        The frames of a stream begin with one of silence, frame -1, so that an even number of frames completes half as
        many features. The first feature of a stream has the number -1 - (all that the layers look ahead); those below 0
        belong to no moment of the sound.

        Args:
            mel: (B, 2N, 80) log-mel.
            state: as returned for the chunk before, or `start`.

        Returns:
            (B, N, W) and the state.
        """
        joined = torch.cat([state.recent_mel, mel], 1)
        x = self._front(joined)
        count = x.shape[1]
        steps = torch.arange(count, device=x.device)
        x = x + self.positions[torch.remainder(state.position + steps, self.dims.period)]
        newest, layers = state.position + count - 1, []
        for layer, before in zip(self.layers, state.layers, strict=True):
            kept, late = before.keys.shape[1], before.waiting.shape[1]
            keys = torch.arange(kept + count, device=x.device)
            after = keys - steps[:, None]  # by how much a key is later than the earliest in its query's window
            unborn = newest - (kept + count - 1) + keys < 0
            masked = (after < 0) | (after > kept) | unborn
            x, remembered = layer.step(x, before, masked.to(x.dtype) * _MASKED)
            newest = newest - late
            layers.append(remembered)
        return (x - self.mean) / self.std, EncoderState(joined[:, -3:], state.position + count, tuple(layers))

    def _front(self, mel: Tensor) -> Tensor:
        """(B, 2T + 3, 80) -> (B, T, W): two frames before those of the first feature, and one after the last."""
        return gelu(self.conv2(gelu(self.conv1(mel.transpose(1, 2))))).transpose(1, 2)

    def save(self, path: Path) -> None:
        """Write weights and sizes to one safetensors file, in half precision."""
        tensors = {name: value.detach().half().contiguous() for name, value in self.state_dict().items()}
        atomic_write(path, save(tensors, metadata={"windowed_encoder": json.dumps(asdict(self.dims))}))

    @classmethod
    def load(cls, path: Path) -> "WindowedEncoder":
        """Read what `save` wrote, in evaluation mode.

        Raises:
            WeightsError: the file is missing, damaged, or of another model.
        """
        with reading(path, "windowed encoder", "train one"), safe_open(path, "pt") as file:
            sizes = json.loads(file.metadata()["windowed_encoder"])
            sizes |= {name: tuple(sizes[name]) for name in ("ahead", "ahead_wide")}
            encoder = cls(WindowedDims(**sizes))
            encoder.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
        return encoder.eval()

    def start_from(self, whisper: Mapping[str, Tensor]) -> None:
        """Copy the front and as many layers as there are from Whisper's encoder (`training.whisper`)."""
        names = {"conv1": "conv1", "conv2": "conv2"}
        for number in range(len(self.layers)):
            ours, theirs = f"layers.{number}", f"layer_{number}"
            names |= {
                f"{ours}.attention_norm": f"{theirs}/self_attention/layer_norm",
                f"{ours}.qkv": f"{theirs}/self_attention/linear_0",
                f"{ours}.attention_out": f"{theirs}/self_attention/linear_1",
                f"{ours}.feed_forward_norm": f"{theirs}/ffn/layer_norm",
                f"{ours}.feed_forward_in": f"{theirs}/ffn/linear_0",
                f"{ours}.feed_forward_out": f"{theirs}/ffn/linear_1",
            }
        weights = self.state_dict()
        with torch.no_grad():
            for ours, theirs in names.items():
                weight, bias = ("gamma", "beta") if "norm" in ours else ("weight", "bias")
                weights[f"{ours}.weight"].copy_(whisper[f"{theirs}/{weight}"])
                weights[f"{ours}.bias"].copy_(whisper[f"{theirs}/{bias}"])


def periodic_positions(width: int, period: int) -> Tensor:
    """Compute Whisper's sinusoidal positions, each frequency rounded to whole turns in a period: (period, width)."""
    half = width // 2
    turns = torch.exp(-torch.arange(half) * (torch.log(torch.tensor(10000.0)) / (half - 1)))
    rounded = (turns * period / (2 * torch.pi)).round() * (2 * torch.pi / period)
    angles = torch.arange(period)[:, None] * rounded
    return torch.cat([angles.sin(), angles.cos()], 1)
