"""Tell the person in a picture from what is behind."""

from typing import Final

import cv2
import numpy as np

from rhapsode.face.networks import open_network

_SQUEEZE: Final = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP


class PersonNetwork:
    """Tells for every pixel how surely it belongs to a person near the camera."""

    def __init__(self, threads: int = 1) -> None:
        """Load the network; `threads` as in `open_network`."""
        self._session = open_network("person", threads)
        self._side: int = self._session.get_inputs()[0].shape[1]

    def mask(self, image: np.ndarray) -> np.ndarray:
        """How surely each pixel belongs to a person, (H, W) float32 in [0, 1].

        The network sees the picture squeezed to a square of 256 pixels: finer than that the mask is not.

        Args:
            image: (H, W, 3) uint8 RGB.
        """
        height, width = image.shape[:2]
        back = np.diag([width / self._side, height / self._side, 1.0])[:2]
        squeezed = cv2.warpAffine(image, back, (self._side, self._side), flags=_SQUEEZE)
        (masks,) = self._session.run(["mask"], {"image": squeezed[None]})
        mask = cv2.resize(masks[0], (width, height), interpolation=cv2.INTER_LINEAR)
        return np.clip(mask, 0.0, 1.0)
