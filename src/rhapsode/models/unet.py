"""A U-Net, the picture-to-picture network of Style Mapping and the Style-Aware Generator."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional


def double_convolution(entering: int, leaving: int) -> nn.Sequential:
    """Build two 3 x 3 convolutions, without normalisation, which would remove a portrait's own colors."""
    return nn.Sequential(
        nn.Conv2d(entering, leaving, 3, padding=1),
        nn.LeakyReLU(0.1, inplace=True),
        nn.Conv2d(leaving, leaving, 3, padding=1),
        nn.LeakyReLU(0.1, inplace=True),
    )


def he_init(module: nn.Module) -> None:
    """Initialise the convolutions of a network so that activations keep their variance (He et al. 2015).

    With torch's default they shrink to two fifths with every layer, and training is many times slower.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, a=0.1)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


class UNet(nn.Module):
    """An encoder and decoder with skip connections at each scale.

    The finest scale is half the picture's resolution: 2 x 2 pixels are folded into channels, and unfolded at the end.
    On a CPU that is twice as fast as the same work on all pixels with few channels.

    Args:
        entering: channels of the input.
        leaving: channels of the output, which is zero before training.
        widths: channels at each scale, the finest first; each next scale is half as large.
        conditions: channels of the conditioning features at each scale but the finest.
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
            x: (B, entering, S, S); 2 to the number of scales divides S.
            conditions: features for each scale but the finest, (B, C, S / 4, S / 4) and so on.

        Returns:
            (B, leaving, S, S).
        """
        return self.after_first(self.first(functional.pixel_unshuffle(x, 2)), conditions)

    @property
    def first(self) -> nn.Conv2d:
        """Give the first convolution, of 2 x 2 pixels in channels."""
        convolution = self.down[0][0]  # type: ignore[index]
        assert isinstance(convolution, nn.Conv2d)
        return convolution

    def after_first(self, x: Tensor, conditions: Sequence[Tensor] = ()) -> Tensor:
        """Go on from what the first convolution gives, (B, widths[0], S / 2, S / 2); otherwise as `forward`."""
        kept: list[Tensor] = []
        x = x.contiguous(memory_format=torch.channels_last)
        for scale, block in enumerate(self.down):
            if scale:
                x = functional.avg_pool2d(x, 2)
                if conditions:
                    x = torch.cat([x, conditions[scale - 1]], 1)
            x = block(x) if scale else block[1:](x)  # type: ignore[index]
            kept.append(x)
        for block, fine in zip(self.up, kept[-2::-1], strict=True):
            x = block(torch.cat([functional.interpolate(x, scale_factor=2.0, mode="nearest"), fine], 1))
        result: Tensor = functional.pixel_shuffle(self.last(x), 2)
        return result
