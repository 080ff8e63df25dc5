"""A Motion Generator on an encoder's features: small and convolutional, with a look-ahead of a few features.

Clips are few, so that little may be learnt between features and lips: a bottleneck, two convolutions of nine features
with a linear path beside them, and a basis of expressions. A style is a change of its weights, by name.
`motion.feature_stream.NumpyFeatureGenerator` runs the same weights.
"""

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn
from torch.nn.functional import gelu

from rhapsode.files import atomic_write, reading
from rhapsode.models.motion_generator import to_landmarks
from rhapsode.motion.dims import FeatureGeneratorDims

#: Features that each convolution sees, and both together.
KERNEL = 9
REACH = 2 * KERNEL - 1


class FeatureGenerator(nn.Module):
    """Map features, 50 a second, to expression offsets, 50 a second."""

    basis: Tensor

    def __init__(self, dims: FeatureGeneratorDims, dropout: float = 0.4) -> None:
        super().__init__()
        self.dims = dims
        self.dropout = nn.Dropout(dropout)
        self.embed = nn.Linear(dims.features, dims.hidden)
        self.conv1 = nn.Conv1d(dims.hidden, dims.hidden, KERNEL)
        self.conv2 = nn.Conv1d(dims.hidden, dims.components, KERNEL)
        self.skip = nn.Conv1d(dims.hidden, dims.components, REACH, bias=False)
        self.register_buffer("basis", torch.zeros(dims.components, 204))

    def weights(self, features: Tensor) -> Tensor:
        """Compute weights of the basis, (B, T, F) -> (B, T, K); beyond its ends a sound is held as it is there."""
        before = features[:, :1].expand(-1, REACH - 1 - self.dims.ahead, -1)
        after = features[:, -1:].expand(-1, self.dims.ahead, -1)
        x = self.embed(self.dropout(torch.cat([before, features, after], 1))).transpose(1, 2)
        nonlinear = self.conv2(self.dropout(gelu(self.conv1(self.dropout(x)))))
        return (nonlinear + self.skip(x)).transpose(1, 2)

    def forward(self, features: Tensor) -> Tensor:
        """Generate offsets from rest, (B, T, F) -> (B, T, 68, 3), canonical space."""
        return to_landmarks(self.weights(features), self.basis)

    def with_weight_delta(self, changes: Mapping[str, Tensor]) -> "FeatureGenerator":
        """Copy the generator and add changes to the weights of these names."""
        other = deepcopy(self)
        weights = other.state_dict()
        with torch.no_grad():
            for name, change in changes.items():
                weights[name].add_(change)
        return other

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


def to_motion_rate(values: Tensor, count: int) -> Tensor:
    """Interpolate linearly: (B, T, ...) at 50 a second -> (B, count, ...) at 60 a second, both from time 0 on."""
    place = torch.arange(count, device=values.device) * 5
    left = (place // 6).clamp(max=values.shape[1] - 1)
    right = (left + 1).clamp(max=values.shape[1] - 1)
    share = ((place % 6).to(values.dtype) / 6).reshape(1, -1, *[1] * (values.dim() - 2))
    return values[:, left] * (1 - share) + values[:, right] * share
