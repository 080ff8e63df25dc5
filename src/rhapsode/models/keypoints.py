"""Keypoints, pose and expression as learnt networks, for the `paper` configuration (arXiv 2303.09799).

    C_k = c_k R + tau + eps_k

The default configuration measures all of these with the tracked mesh. Here an extractor finds canonical keypoints in
the portrait, a second network reads rotation, translation and expression from any picture, and the keypoints that move
say where the skin around them comes from.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from rhapsode.models.unet import he_init

#: Reach of a keypoint, in units of half the picture's side.
_REACH = 0.25


class KeypointExtractor(nn.Module):
    """Canonical keypoints of a person: (B, 3, S, S) -> (B, K, 3), the picture reaching from -1 to 1."""

    def __init__(self, keypoints: int, width: int) -> None:
        super().__init__()
        self.look = _look(width)
        self.read = nn.Linear(4 * width, 3 * keypoints)

    def forward(self, picture: Tensor) -> Tensor:
        """Find them."""
        return torch.tanh(self.read(self.look(picture))).view(len(picture), -1, 3)


class PoseExpression(nn.Module):
    """Rotation (B, 3, 3), translation (B, 3) and expression (B, K, 3) of what a picture (B, 3, S, S) shows."""

    def __init__(self, keypoints: int, width: int) -> None:
        super().__init__()
        self.look = _look(width)
        self.read = nn.Linear(4 * width, 3 + 3 + 3 * keypoints)
        # At first nothing is turned, shifted or moved.
        nn.init.normal_(self.read.weight, std=1e-3)
        nn.init.zeros_(self.read.bias)

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Read them."""
        vector, translation, expression = self.read(self.look(picture)).split([3, 3, self.read.out_features - 6], -1)
        return rotation(vector), translation, expression.reshape(len(picture), -1, 3)


def rotation(vector: Tensor) -> Tensor:
    """Rotation vectors (B, 3), radians, as matrices (B, 3, 3)."""
    x, y, z = vector.unbind(-1)
    zero = torch.zeros_like(x)
    skew = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).view(-1, 3, 3)
    return torch.linalg.matrix_exp(skew)


def posed(canonical: Tensor, turn: Tensor, translation: Tensor, expression: Tensor) -> Tensor:
    """C_k = c_k R + tau + eps_k: keypoints (B, K, 3) of a picture."""
    return canonical @ turn + translation[:, None] + expression


def sources(before: Tensor, after: Tensor, side: int) -> Tensor:
    """Where the skin of each pixel comes from when keypoints move.

    Args:
        before: (B, K, 3) C_k, the picture reaching from -1 to 1.
        after: (B, K, 3) C'_k.
        side: pixels of the picture's side.

    Returns:
        (B, side, side, 2), pixels.
    """
    line = torch.linspace(-1, 1, side, device=before.device, dtype=before.dtype)
    places = torch.stack(torch.meshgrid(line, line, indexing="xy"), -1)
    distance = torch.cdist(places.flatten(0, 1).expand(len(after), -1, -1), after[..., :2]) / _REACH
    share = functional.softmax(-(distance**2), -1)
    moved = places.flatten(0, 1) + share @ (before - after)[..., :2]
    return ((moved + 1) * ((side - 1) / 2)).view(len(after), side, side, 2)


def _look(width: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for entering, leaving in ((3, width), (width, 2 * width), (2 * width, 4 * width), (4 * width, 4 * width)):
        layers += [nn.Conv2d(entering, leaving, 3, stride=2, padding=1), nn.LeakyReLU(0.1)]
    network = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(4), nn.Conv2d(4 * width, 4 * width, 4), nn.Flatten())
    he_init(network)
    return network
