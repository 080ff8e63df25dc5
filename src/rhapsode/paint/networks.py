"""The picture networks as the painter sees them, whatever runs them: torch or ONNX Runtime."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

import numpy as np

from rhapsode.render.mouth_window import WindowSize

Array = TypeVar("Array")


@dataclass(frozen=True)
class PortraitFeatures(Generic[Array]):
    """A portrait in a style as the networks encode it, once; all float32.

    NumPy arrays of one portrait here; in `rhapsode.models` torch tensors, with the portraits of a batch (B) in front.

    Attributes:
        rest: (3, S, S) the portrait, in units of its tone.
        patterns: (4, 3, S, S) its ISP images, in units of its tone.
        photo_mask: (4, S, S) in [0, 1], how much of each pixel of these shows the inside of the mouth in an extra
            photo; zero where Style Mapping made the image.
        tone: (3, 1, 1) its mean colour around the mouth, [0, 1].
        shapes: (4, 4) the mouth shapes of the ISP images, canonical units.
        features: input of the generator at each scale but the finest, (C, S / 4, S / 4) and so on; on ONNX Runtime also
            what its first convolution makes of the portrait, (C, S / 2, S / 2).
    """

    rest: Array
    patterns: Array
    photo_mask: Array
    tone: Array
    shapes: Array
    features: Sequence[Array]


class PictureNetworks(Protocol):
    """Style Mapping and Style-Aware Generator, ready to paint."""

    @property
    def window(self) -> WindowSize:
        """Give the square of the portrait that they paint."""
        ...

    def encode_portrait(
        self,
        rest: np.ndarray,
        references: np.ndarray,
        sources: np.ndarray,
        shapes: np.ndarray,
        photos: np.ndarray,
        has_photo: np.ndarray,
    ) -> PortraitFeatures[np.ndarray]:
        """Encode a portrait in a style, once.

        Args:
            rest: (3, S, S) float32, the portrait, [0, 1].
            references: (4, C, S, S) float32, the explicit renderer's drawings of the references, [0, 1].
            sources: (4, S, S, 2) float32, where their skin comes from, pixels.
            shapes: (4, 4) float32, the mouth shapes of the references, or of the photos that replace them.
            photos: (4, 4, S, S) float32, extra photos aligned to the portrait, [0, 1]: RGB, and how much of each pixel
                lies between the lips.
            has_photo: (4,) float32, 1 where there is such a photo, 0 where not.
        """
        ...

    def paint(self, portrait: PortraitFeatures[np.ndarray], drawn: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """Paint a mouth.

        Args:
            portrait: what `encode_portrait` gave.
            drawn: (C, S, S) float32, the explicit renderer's drawing, [0, 1].
            shape: (4,) float32, the mouth's shape, canonical units.

        Returns:
            (3, S, S) float32 RGB, about [0, 1].
        """
        ...
