"""A Motion Generator on features of the windowed encoder: small and convolutional, with a short look-ahead.

Clips are few, so that little may be learnt between features and lips: a bottleneck, two convolutions with a linear path
beside them, a read-out, and a basis of expressions. A style changes all but the bottleneck. This is the model in torch,
for training; `motion.generator.FeatureGenerator` runs the same weights.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.functional import gelu

from rhapsode.files import atomic_write, reading
from rhapsode.models.motion_generator import changed_copy, to_landmarks
from rhapsode.motion.dims import FeatureGeneratorDims
from rhapsode.motion.generator import key_of


class FeatureGenerator(nn.Module):
    """Map features to expression offsets, both 60 a second."""

    basis: Tensor

    def __init__(self, dims: FeatureGeneratorDims, dropout: float = 0.4) -> None:
        super().__init__()
        self.dims = dims
        self.dropout = nn.Dropout(dropout)
        self.embed = nn.Linear(dims.features, dims.hidden)
        self.conv1 = nn.Conv1d(dims.hidden, dims.hidden, dims.kernel)
        self.conv2 = nn.Conv1d(dims.hidden, dims.components, dims.kernel)
        self.skip = nn.Conv1d(dims.hidden, dims.components, 2 * dims.kernel - 1, bias=False)
        # Nothing is gained by it in training; the statistics of a style are folded into it.
        self.readout = nn.Linear(dims.components, dims.components)
        nn.init.eye_(self.readout.weight)
        nn.init.zeros_(self.readout.bias)
        self.readout.requires_grad_(False)
        self.register_buffer("basis", torch.zeros(dims.components, 204))

    @property
    def look_ahead(self) -> int:
        """Motion frames by which `decode` is late against the features."""
        return self.dims.ahead

    def condense(self, features: Tensor) -> Tensor:
        """Compute what no style changes: features (..., F) -> (..., H)."""
        condensed: Tensor = self.embed(features)
        return condensed

    def decode(self, condensed: Tensor) -> Tensor:
        """Generate motion from condensed features, (B, T, H) -> (B, T, 68, 3), late by the look-ahead."""
        return to_landmarks(self._weights(condensed), self.basis)

    def _weights(self, condensed: Tensor) -> Tensor:
        before = condensed[:, :1].expand(-1, 2 * self.dims.kernel - 2, -1)
        x = torch.cat([before, condensed], 1).transpose(1, 2)
        weights = self.conv2(self.dropout(gelu(self.conv1(self.dropout(x))))) + self.skip(x)
        mixed: Tensor = self.readout(weights.transpose(1, 2))
        return mixed

    def weights(self, features: Tensor) -> Tensor:
        """Compute weights of the basis for whole sounds, (B, T, F) -> (B, T, K)."""
        after = features[:, -1:].expand(-1, self.dims.ahead, -1)
        condensed = self.condense(self.dropout(torch.cat([features, after], 1)))
        return self._weights(condensed)[:, self.dims.ahead :]

    def forward(self, features: Tensor) -> Tensor:
        """Generate offsets from rest of whole sounds, (B, T, F) -> (B, T, 68, 3), canonical space."""
        return to_landmarks(self.weights(features), self.basis)

    def styled_parameters(self) -> list[nn.Parameter]:
        """Give the parameters that a style changes."""
        return [each for name, each in self.named_parameters() if not name.startswith("embed.")]

    def without_dropout(self) -> "FeatureGenerator":
        """Switch dropout off, in training too; gives the generator itself."""
        self.dropout.p = 0.0
        return self

    @property
    def key(self) -> str:
        """Name these weights, as `save` would write them, by twelve hexadecimal digits."""
        return key_of({name: value.detach().cpu().numpy() for name, value in self.state_dict().items()})

    def with_weight_delta(self, changes: Mapping[str, Tensor]) -> "FeatureGenerator":
        """Copy the generator and add changes to the weights of these names."""
        return changed_copy(self, changes)

    def save(self, path: Path) -> None:
        """Write weights and sizes to one safetensors file, in half precision."""
        tensors = {name: value.detach().half().contiguous() for name, value in self.state_dict().items()}
        atomic_write(path, save(tensors, metadata={"feature_generator": json.dumps(asdict(self.dims))}))

    @classmethod
    def load(cls, path: Path) -> "FeatureGenerator":
        """Read what `save` wrote, in evaluation mode.

        Raises:
            WeightsError: the file is missing, damaged, or of another model.
        """
        with reading(path, "feature generator", "train one"), safe_open(path, "pt") as file:
            generator = cls(FeatureGeneratorDims(**json.loads(file.metadata()["feature_generator"])))
            generator.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
        return generator.eval()
