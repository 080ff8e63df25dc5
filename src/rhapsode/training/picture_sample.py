"""What the picture networks learn from: one portrait, or a batch of them."""

from typing import NamedTuple

from torch import Tensor


class PictureSample(NamedTuple):
    """Portraits with their references, photos and target frames; without the leading B for one portrait."""

    rest: Tensor
    """(B, 3, S, S) the portraits, [0, 1]."""
    references: Tensor
    """(B, 4, C, S, S) the explicit renderer's drawings of the references, [0, 1]."""
    sources: Tensor
    """(B, 4, S, S, 2) where each pixel of these comes from, pixels."""
    real_references: Tensor
    """(B, 4, 3, S, S) the frames that were retrieved for the references, [0, 1]."""
    retrieved: Tensor
    """(B,) 1 where there are such frames, else 0."""
    drawn: Tensor
    """(B, T, C, S, S) the explicit renderer's drawings of the target frames, [0, 1]."""
    real: Tensor
    """(B, T, 3, S, S) the target frames, [0, 1]."""
    regions: Tensor
    """(B, T, S, S) labels as `MouthWindow.regions` gives them."""
    shapes: Tensor
    """(B, 4 + T, 4) mouth shapes of references (or of the photos that replace them) and targets, canonical units."""
    photos: Tensor
    """(B, 4, 4, S, S) extra photos: RGB and the share of each pixel between the lips, [0, 1]."""
    has_photo: Tensor
    """(B, 4) 1 where there is a photo, else 0."""
