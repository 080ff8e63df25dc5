"""A photograph to try things on: NASA's portrait of Eileen Collins (public domain), which comes with scikit-image."""

import numpy as np

from rhapsode.errors import InstallationError


def example_picture() -> np.ndarray:
    """Give the photograph, (512, 512, 3) uint8 RGB.

    Raises:
        InstallationError: scikit-image is not installed.
    """
    try:
        from skimage import data
    except ImportError:
        raise InstallationError(
            "the example photograph: scikit-image, which carries it, is not installed",
            "install rhapsode with the extra train",
            "no-scikit-image",
        ) from None
    return np.asarray(data.astronaut())
