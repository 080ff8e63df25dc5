"""Augment samples for the picture networks: other teeth, other light, colors and sharpness, and mirror images.

Their people are few, and what they learn must serve paintings and any skin.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

from rhapsode.render.mouth_window import ALONG
from rhapsode.training.picture_sample import PictureSample

#: Pixels by which photos may be misaligned.
_SHIFT = 1
#: A binomial blur, about one pixel wide.
_BLUR = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]) / 16
#: Weights of red, green and blue in luma (ITU-R BT.601).
_LUMA = torch.tensor([0.299, 0.587, 0.114])


def change_teeth(real: Tensor, inside: Tensor, photos: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """Give a person other teeth: what lies between the lips is stretched, shifted and lit anew, in all pictures alike.

    The training people are few, and a network learns by heart whose teeth are whose. The changed teeth are visible in
    the photos alone, so that it learns to look there.

    Args:
        real: (N, 3, S, S) target frames, [0, 1].
        inside: (N, S, S) share of each pixel between the lips.
        photos: (4, 4, S, S) photos of the person: RGB and the share of each pixel between the lips.
        rng: random numbers.

    Returns:
        Target frames and photos.
    """
    stretch, right, down, light, contrast = (2 * torch.rand(5, generator=rng) - 1).tolist()
    stretch, contrast = math.exp(0.2 * stretch), math.exp(0.3 * contrast)
    color = math.exp(0.3 * light) * torch.exp(0.1 * torch.randn(3, 1, 1, generator=rng))
    affine = torch.tensor([[stretch, 0, 0.15 * right], [0, 1, 0.06 * down]])
    changed = []
    for pictures, between in ((real, inside[:, None]), (photos[:, :3], photos[:, 3:])):
        grid = functional.affine_grid(affine.expand(len(pictures), 2, 3), list(pictures.shape), align_corners=False)
        moved = functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)
        # Only what lies between the lips in both places is teeth; the rest stays.
        both = between * functional.grid_sample(between, grid, align_corners=False)
        middle = (both * moved).sum((2, 3), keepdim=True) / (both.sum((2, 3), keepdim=True) + 1e-3)
        lit = (color * (middle + contrast * (moved - middle))).clamp(0, 1)
        changed.append(pictures + both * (lit - pictures))
    return changed[0], torch.cat([changed[1], photos[:, 3:]], 1)


def augment(sample: PictureSample, rng: torch.Generator) -> PictureSample:
    """Show one portrait in other light, colors and sharpness, or in a mirror; all its pictures alike."""

    def some(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(*shape, generator=rng)

    # Photos are never perfectly aligned, nor lit quite alike.
    shift = torch.randint(-_SHIFT, _SHIFT + 1, (2,), generator=rng).tolist()
    light = torch.cat([some(0.9, 1.1, 3, 1, 1), torch.ones(1, 1, 1)])
    sample = sample._replace(photos=(sample.photos.roll(shift, (-2, -1)) * light).clamp(0, 1))
    colors = torch.eye(3)
    gray = some(0, 1, 1)
    # A third of the pictures loses much or all of its color, some get more of it.
    fade = float(some(0, 1, 1) if gray < 0.25 else some(-0.2, 0.3, 1))
    colors = (1 - fade) * colors + fade * _LUMA.expand(3, 3)
    colors = (colors + some(-0.08, 0.08, 3, 3)) * some(0.75, 1.25, 3, 1) * some(0.6, 1.3, 1)
    if gray < 0.08:
        colors = colors.mean(0, keepdim=True).expand(3, 3)
    gamma = torch.exp(some(-0.4, 0.4, 1))
    level = some(-0.05, 0.05, 1)
    soft = float(some(0, 1, 1)) < 0.25

    def change(pictures: Tensor) -> Tensor:
        changed = torch.einsum("ij,...jyx->...iyx", colors, pictures.clamp(1e-4, 1) ** gamma) + level
        changed = changed.clamp(0, 1) * (1 - behind) + color * behind
        return _blur(changed) if soft else changed

    def change_rgb(pictures: Tensor) -> Tensor:
        return torch.cat([change(pictures[:, :3]), pictures[:, 3:]], 1)

    if float(some(0, 1, 1)) < 0.3:
        return _mirror(sample) if float(some(0, 1, 1)) < 0.5 else sample
    behind, color = _background(sample.rest.shape[-1], rng), some(0, 1, 3, 1, 1) * float(some(0, 1, 1))
    sample = sample._replace(
        rest=change(sample.rest),
        references=change_rgb(sample.references),
        real_references=change(sample.real_references),
        drawn=change_rgb(sample.drawn),
        real=change(sample.real),
        photos=change_rgb(sample.photos),
    )
    return _mirror(sample) if float(some(0, 1, 1)) < 0.5 else sample


def _background(side: int, rng: torch.Generator) -> Tensor:
    """Draw where a plain background hides the edge of a window, (side, side) in [0, 1]; nowhere, half the time.

    In the clips a window shows hardly anything but skin; half of that of a face seen from the side is background.
    """
    turn, reach, there = torch.rand(3, generator=rng).tolist()
    if there < 0.5:
        return torch.zeros(side, side)
    angle = 2 * math.pi * turn
    line = torch.linspace(-1, 1, side)
    along = math.cos(angle) * line[None] + math.sin(angle) * line[:, None]
    return ((along - (0.55 + 0.4 * reach)) * side / 4).clamp(0, 1)


def _mirror(sample: PictureSample) -> PictureSample:
    flipped = PictureSample(*(value if value.ndim <= 2 else value.flip(-1) for value in sample))
    for drawings in (flipped.references, flipped.drawn):
        drawings[:, ALONG] = 1 - drawings[:, ALONG]
    # The last axis of `sources` is x and y, so that the flip above has exchanged these.
    side = sample.rest.shape[-1]
    sources = flipped.sources.flip(-1).flip(-2) * torch.tensor([-1.0, 1.0]) + torch.tensor([side - 1.0, 0.0])
    return flipped._replace(sources=sources)


def _blur(pictures: Tensor) -> Tensor:
    flat = pictures.reshape(-1, 1, *pictures.shape[-2:])
    flat = functional.pad(flat, (2, 2, 2, 2), mode="replicate")
    flat = functional.conv2d(functional.conv2d(flat, _BLUR.view(1, 1, 1, 5)), _BLUR.view(1, 1, 5, 1))
    return flat.view_as(pictures)
