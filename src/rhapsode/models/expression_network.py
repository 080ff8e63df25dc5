"""The expression network in PyTorch, to train; `face.expression_network` runs it."""

from collections.abc import Mapping
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from rhapsode.face.expression_network import POINTS
from rhapsode.face.units import UNITS


class TorchExpressionNetwork(nn.Module):
    """Points of a face, as `face.expression_network.points_of` takes them, to its units."""

    mean: Tensor
    scale: Tensor

    def __init__(self, widths: tuple[int, int], points: Tensor) -> None:
        """Start with random weights.

        Args:
            widths: of the two layers between.
            points: (N, 292), whose mean and spread become those of the input.
        """
        super().__init__()
        self.register_buffer("mean", points.mean(0))
        self.register_buffer("scale", 1 / points.std(0))
        sizes = [2 * len(POINTS), *widths, len(UNITS)]
        self.layers = nn.ModuleList(nn.Linear(a, b) for a, b in pairwise(sizes))

    def forward(self, points: Tensor) -> Tensor:
        """Map (B, 292) to units in [0, 1], (B, 51)."""
        values = (points - self.mean) * self.scale
        *before, last = self.layers
        for layer in before:
            values = torch.tanh(layer(values))
        return torch.sigmoid(last(values))

    def tensors(self) -> Mapping[str, np.ndarray]:
        """Give the weights that `face.expression_network` reads, float16."""
        held = {"mean": self.mean, "scale": self.scale}
        for name, value in self.layers.named_parameters():
            held[name.removesuffix(".weight")] = value
        return {name: value.detach().cpu().numpy().astype(np.float16) for name, value in held.items()}
