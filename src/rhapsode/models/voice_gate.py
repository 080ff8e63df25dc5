"""The voice gate in PyTorch, to train; `audio.voice_gate` runs it."""

from pathlib import Path

import torch
from safetensors.torch import save
from torch import Tensor, nn

from rhapsode.audio.voice_gate import VoiceGate
from rhapsode.files import atomic_write


class TorchVoiceGate(nn.Module):
    """Features, 60 a second, to the logit of a voice a little later."""

    def __init__(self, features: int, width: int, dropout: float = 0.3) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.embed = nn.Linear(features, width)
        self.gru = nn.GRU(width, width, batch_first=True)
        self.out = nn.Linear(width, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, T, F) to logits (B, T)."""
        heard = self.gru(torch.tanh(self.embed(self.dropout(features))))[0]
        return self.out(heard)[..., 0]

    def to_numpy(self, encoder: str = "") -> VoiceGate:
        """Give the form that the product runs; `encoder` as there."""
        return VoiceGate({name: value.numpy() for name, value in self._tensors().items()}, encoder)

    def save(self, path: Path, encoder: str) -> None:
        """Write one safetensors file."""
        atomic_write(path, save(self._tensors(), metadata={"encoder": encoder}))

    def _tensors(self) -> dict[str, Tensor]:
        # PyTorch and NumPy agree on the order of the gates: reset, update, candidate.
        held = {name: value.detach().cpu().contiguous() for name, value in self.state_dict().items()}
        tensors: dict[str, Tensor] = {}
        for ours, weight, bias in (
            ("embed", "embed.weight", "embed.bias"),
            ("gru.input", "gru.weight_ih_l0", "gru.bias_ih_l0"),
            ("gru.state", "gru.weight_hh_l0", "gru.bias_hh_l0"),
            ("out", "out.weight", "out.bias"),
        ):
            tensors |= {ours: held[weight], f"{ours}.bias": held[bias]}
        return tensors
