"""Keypoints, pose and expression as learnt networks, for the `paper` configuration (arXiv 2303.09799).

    C_k = c_k R + tau + eps_k

The default configuration measures all of these with the tracked mesh. Here one network finds canonical keypoints in
the portrait, a second estimates rotation, translation and expression from any picture, and the moving keypoints define
a backward warp. All of it exports to ONNX.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from rhapsode.models.unet import he_init

#: Reach of a keypoint, in units of half the picture's side.
_REACH = 0.25


class KeypointExtractor(nn.Module):
    """Find the canonical keypoints of a person: (B, 3, S, S) -> (B, K, 3), the picture reaching from -1 to 1."""

    def __init__(self, keypoints: int, width: int) -> None:
        super().__init__()
        self.look = _features(width)
        self.read = nn.Linear(4 * width, 3 * keypoints)

    def forward(self, picture: Tensor) -> Tensor:
        """Find keypoints of pictures (B, 3, S, S), [0, 1]."""
        return torch.tanh(self.read(self.look(picture))).view(picture.shape[0], -1, 3)


class PoseExpression(nn.Module):
    """Estimate rotation (B, 3, 3), translation (B, 3) and expression (B, K, 3) of pictures (B, 3, S, S)."""

    def __init__(self, keypoints: int, width: int) -> None:
        super().__init__()
        self.look = _features(width)
        self.read = nn.Linear(4 * width, 3 + 3 + 3 * keypoints)
        # Start from no rotation, translation or expression.
        nn.init.normal_(self.read.weight, std=1e-3)
        nn.init.zeros_(self.read.bias)

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Estimate pose and expression of pictures (B, 3, S, S), [0, 1]."""
        vector, translation, expression = self.read(self.look(picture)).split([3, 3, self.read.out_features - 6], -1)
        return rotation(vector), translation, expression.reshape(picture.shape[0], -1, 3)


def rotation(vector: Tensor) -> Tensor:
    """Convert rotation vectors (B, 3), radians, to matrices (B, 3, 3) by Rodrigues' formula.

    R = I + sin(t) / t K + (1 - cos(t)) / t^2 K^2, with t the vector's length and K its cross-product matrix.
    """
    x, y, z = vector.unbind(-1)
    zero = torch.zeros_like(x)
    skew = torch.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).view(-1, 3, 3)
    # Never zero, so that the gradient exists everywhere; 1 - cos(t) = 2 sin(t / 2)^2 keeps its digits near zero.
    angle = (vector.square().sum(-1) + 1e-12).sqrt()[:, None, None]
    first, second = angle.sin() / angle, 2 * (angle / 2).sin().square() / angle.square()
    return torch.eye(3, dtype=vector.dtype, device=vector.device) + first * skew + second * (skew @ skew)


def posed(canonical: Tensor, turn: Tensor, translation: Tensor, expression: Tensor) -> Tensor:
    """Pose keypoints: C_k = c_k R + tau + eps_k, (B, K, 3)."""
    return canonical @ turn + translation[:, None] + expression


def sources(before: Tensor, after: Tensor, side: int) -> Tensor:
    """Find where each pixel comes from when keypoints move (a backward warp).

    Args:
        before: (B, K, 3) C_k, the picture reaching from -1 to 1.
        after: (B, K, 3) C'_k.
        side: pixels of the picture's side.

    Returns:
        (B, side, side, 2) x and y, pixels.
    """
    line = torch.linspace(-1, 1, side, device=before.device, dtype=before.dtype)
    places = torch.stack(torch.meshgrid(line, line, indexing="xy"), -1)
    distance = torch.cdist(places.flatten(0, 1).expand(after.shape[0], -1, -1), after[..., :2]) / _REACH
    share = functional.softmax(-(distance**2), -1)
    moved = places.flatten(0, 1) + share @ (before - after)[..., :2]
    return ((moved + 1) * ((side - 1) / 2)).view(after.shape[0], side, side, 2)


def _features(width: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for entering, leaving in ((3, width), (width, 2 * width), (2 * width, 4 * width), (4 * width, 4 * width)):
        layers += [nn.Conv2d(entering, leaving, 3, stride=2, padding=1), nn.LeakyReLU(0.1)]
    network = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(4), nn.Conv2d(4 * width, 4 * width, 4), nn.Flatten())
    he_init(network)
    return network
