"""The convolutional network from picture to picture that Style Mapping and the Style-Aware Generator are made of."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


def double_convolution(entering: int, leaving: int) -> nn.Sequential:
    """Two 3 x 3 convolutions; no normalisation, which would wash a portrait's own colours out."""
    return nn.Sequential(
        nn.Conv2d(entering, leaving, 3, padding=1),
        nn.LeakyReLU(0.1, inplace=True),
        nn.Conv2d(leaving, leaving, 3, padding=1),
        nn.LeakyReLU(0.1, inplace=True),
    )


def he_init(module: nn.Module) -> None:
    """Draw a network's weights so that its signal keeps its size from layer to layer (He et al. 2015).

    torch's own choice shrinks it to two fifths with every layer; after ten nothing is left of the picture, and learning
    is many times slower.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, a=0.1)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


class UNet(nn.Module):
    """Down and up again, with features handed across at each scale.

    Its finest scale is half the picture: pixels are folded two by two into channels, and unfolded at the end. On a
    processor that is twice as fast as the same work on all pixels with few channels.

    Args:
        entering: channels of the input.
        leaving: channels of the output; it is zero before training, so that a difference starts from nothing.
        widths: channels at each scale, the finest first; each next scale is half as large.
        conditions: channels that are handed in at each scale but the finest.
    """

    def __init__(self, entering: int, leaving: int, widths: Sequence[int], conditions: Sequence[int] = ()) -> None:
        super().__init__()
        handed = [0, *(conditions or [0] * (len(widths) - 1))]
        before = [4 * entering, *(width + more for width, more in zip(widths, handed[1:], strict=False))]
        self.down = nn.ModuleList(double_convolution(a, b) for a, b in zip(before, widths, strict=True))
        self.up = nn.ModuleList(
            double_convolution(coarse + fine, fine) for coarse, fine in zip(widths[:0:-1], widths[-2::-1], strict=True)
        )
        he_init(self)
        self.last = nn.Conv2d(widths[0], 4 * leaving, 3, padding=1)
        nn.init.zeros_(self.last.weight)
        if self.last.bias is not None:
            nn.init.zeros_(self.last.bias)

    def forward(self, x: Tensor, conditions: Sequence[Tensor] = ()) -> Tensor:
        """Map pictures to pictures.

        Args:
            x: (B, entering, S, S); S divides by 2 to the number of scales.
            conditions: features for each scale but the finest, (B, C, S / 4, S / 4) and so on.

        Returns:
            (B, leaving, S, S).
        """
        kept: list[Tensor] = []
        x = functional.pixel_unshuffle(x, 2).contiguous(memory_format=torch.channels_last)
        for scale, block in enumerate(self.down):
            if scale:
                x = functional.avg_pool2d(x, 2)
                if conditions:
                    x = torch.cat([x, conditions[scale - 1]], 1)
            x = block(x)
            kept.append(x)
        for block, fine in zip(self.up, kept[-2::-1], strict=True):
            x = block(torch.cat([functional.interpolate(x, scale_factor=2.0, mode="nearest"), fine], 1))
        result: Tensor = functional.pixel_shuffle(self.last(x), 2)
        return result
