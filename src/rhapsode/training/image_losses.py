"""The losses of the Style-Aware Generator: L_G, and the style-aware photometric loss L_sp (arXiv 2303.09799)."""

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from rhapsode.models.unet import he_init

#: W of L_sp for each region: background, skin, mouth, eyes.
REGION_WEIGHTS = (0.0, 1.0, 5.0, 3.0)
#: Offset of the root in `interior_loss`: differences far below it hardly count.
_ROOT_FROM = 0.01
_C1, _C2 = 0.01**2, 0.03**2


def photometric(painted: Tensor, pattern: Tensor, regions: Tensor) -> Tensor:
    """Compute L_sp = || W * (I' - I_m) ||_1, a mean over pixels; W = 5 mouth, 3 eyes, 1 skin, 0 elsewhere.

    I_m is the style pattern that matches best (arXiv 2303.09799). In training the style clip is the clip of the frame,
    and of its frames the best match is the frame itself.

    Args:
        painted: (N, 3, S, S) I', [0, 1].
        pattern: (N, 3, S, S) I_m.
        regions: (N, S, S) integers: 0 background, 1 skin, 2 mouth, 3 eyes.
    """
    weights = torch.tensor(REGION_WEIGHTS, device=painted.device)[regions.long()]
    return (weights[:, None] * (painted - pattern).abs()).mean()


def interior_loss(painted: Tensor, real: Tensor, inside: Tensor) -> Tensor:
    """Compare pictures (N, 3, S, S) between the lips; `inside` (N, S, S) is the share of each pixel there.

    It is the root of the difference: where some people show a tooth and others a dark cavity, the difference is least
    for a gray that nobody shows, its root for one of the two.
    """
    difference = ((painted - real).abs().mean(1) + _ROOT_FROM).sqrt() - _ROOT_FROM**0.5
    return (inside * difference).sum() / (inside.sum() + 1)


def gradient_loss(painted: Tensor, real: Tensor, scales: int = 3) -> Tensor:
    """Compare the image gradients of two pictures, (N, 3, S, S), at several scales."""
    loss = painted.new_zeros(())
    for scale in range(scales):
        if scale:
            painted, real = functional.avg_pool2d(painted, 2), functional.avg_pool2d(real, 2)
        for axis in (-1, -2):
            loss = loss + (painted.diff(dim=axis) - real.diff(dim=axis)).abs().mean()
    return loss / scales


def ssim_loss(painted: Tensor, real: Tensor) -> Tensor:
    """Compute 1 - SSIM over windows of 7 x 7 pixels; pictures (N, 3, S, S), [0, 1]."""

    def blur(x: Tensor) -> Tensor:
        return functional.avg_pool2d(x, 7, 1)

    a, b = blur(painted), blur(real)
    spread_a, spread_b = blur(painted**2) - a**2, blur(real**2) - b**2
    shared = blur(painted * real) - a * b
    value = (2 * a * b + _C1) * (2 * shared + _C2) / ((a**2 + b**2 + _C1) * (spread_a + spread_b + _C2))
    return 1 - value.mean()


def temporal_loss(painted: Tensor, real: Tensor) -> Tensor:
    """Compare the change between neighbours in time; (B, T, 3, S, S), frames 2n and 2n + 1 are neighbours."""

    def change(frames: Tensor) -> Tensor:
        return frames[:, 1::2] - frames[:, ::2]

    return (change(painted) - change(real)).abs().mean()


class PatchGAN(nn.Module):
    """Tell painted from real mouths, patch by patch (Isola et al. 2017), given the renderer's drawing.

    Args:
        condition: channels of the drawing.
        width: channels of the first layer.
    """

    def __init__(self, condition: int, width: int) -> None:
        super().__init__()
        widths = [3 + condition, width, 2 * width, 4 * width]
        self.layers = nn.ModuleList(
            nn.Sequential(nn.Conv2d(a, b, 4, stride=2, padding=1), nn.LeakyReLU(0.2)) for a, b in pairwise(widths)
        )
        he_init(self.layers)
        self.last = nn.Conv2d(widths[-1], 1, 3, padding=1)

    def forward(self, pictures: Tensor, condition: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Score pictures (N, 3, S, S): how real each patch is, (N, 1, S / 8, S / 8), and the features of each layer."""
        x = torch.cat([pictures, condition], 1)
        features = []
        for layer in self.layers:
            x = layer(x)
            features.append(x)
        return self.last(x), features


def adversarial_losses(
    discriminator: PatchGAN, painted: Tensor, real: Tensor, condition: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Compute the discriminator's hinge loss, the generator's adversarial loss, and the feature matching loss.

    Only the discriminator learns from the first and only the generator from the others, so that one optimizer serves
    both.

    Args:
        discriminator: the discriminator.
        painted: (N, 3, S, S) with the generator's gradient.
        real: (N, 3, S, S).
        condition: (N, C, S, S) the drawings.
    """
    truly, real_features = discriminator(real, condition)
    falsely, _ = discriminator(painted.detach(), condition)
    hinge = functional.relu(1 - truly).mean() + functional.relu(1 + falsely).mean()
    frozen = {name: value.detach() for name, value in discriminator.named_parameters()}
    believed, features = torch.func.functional_call(discriminator, frozen, (painted, condition))
    matching = [(a - b.detach()).abs().mean() for a, b in zip(features, real_features, strict=True)]
    return hinge, -believed.mean(), torch.stack(matching).mean()
