"""What a painter asks of the picture networks, in NumPy arrays: whoever runs them, torch or ONNX Runtime."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from rhapsode.render.mouth_window import WindowSize


@dataclass(frozen=True)
class PortraitArrays:
    """What is made once of a portrait in a style.

    Attributes:
        rest: (3, S, S) float32, the portrait, in units of its tone.
        patterns: (4, 3, S, S) float32, its ISP images, in units of its tone.
        photo_mask: (4, S, S) float32, how much of each pixel of these shows the inside of the person's own mouth.
        tone: (3, 1, 1) float32, its mean colour around the mouth, [0, 1].
        shapes: (4, 4) float32, the mouth shapes of the ISP images.
        features: what the generator is handed at each scale but the finest, (C, S / 4, S / 4) and so on.
    """

    rest: np.ndarray
    patterns: np.ndarray
    photo_mask: np.ndarray
    tone: np.ndarray
    shapes: np.ndarray
    features: tuple[np.ndarray, ...]


class PictureNetworks(Protocol):
    """Style Mapping and Style-Aware Generator, ready to paint."""

    @property
    def window(self) -> WindowSize:
        """The square of the portrait that they paint."""
        ...

    def encode_portrait(
        self,
        rest: np.ndarray,
        references: np.ndarray,
        sources: np.ndarray,
        shapes: np.ndarray,
        own: np.ndarray,
        has_photo: np.ndarray,
    ) -> PortraitArrays:
        """Look at a portrait in a style, once.

        Args:
            rest: (3, S, S) float32, the portrait, [0, 1].
            references: (4, C, S, S) float32, the explicit renderer's drawings of the references, [0, 1].
            sources: (4, S, S, 2) float32, where their skin comes from, pixels.
            shapes: (4, 4) float32, their mouth shapes, or those of the pictures that take their place.
            own: (4, 4, S, S) float32, other pictures of the person, laid on the portrait, [0, 1], with how much of each
                pixel lies between the lips.
            has_photo: (4,) float32, 1 where there is such a picture, 0 where not.
        """
        ...

    def paint(self, arrays: PortraitArrays, drawn: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """Paint a mouth, (3, S, S) float32, about [0, 1].

        Args:
            arrays: what `encode_portrait` gave.
            drawn: (C, S, S) float32, the explicit renderer's drawing, [0, 1].
            shape: (4,) float32, the mouth's shape.
        """
        ...
