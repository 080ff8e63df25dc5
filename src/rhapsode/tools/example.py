"""A photograph to try things on: NASA's portrait of Eileen Collins (public domain), which comes with scikit-image."""

from importlib.util import find_spec
from pathlib import Path

import numpy as np

from rhapsode.errors import InstallationError
from rhapsode.media.picture import load_picture


def example_picture() -> np.ndarray:
    """Give the photograph, (512, 512, 3) uint8 RGB.

    Its file is read from the package: scikit-image itself makes a cache of downloads, in a home folder.

    Raises:
        InstallationError: scikit-image is not installed.
    """
    package = find_spec("skimage")
    for folder in (package.submodule_search_locations if package else None) or ():
        if (file := Path(folder) / "data/astronaut.png").is_file():
            return load_picture(file)
    raise InstallationError(
        "the example photograph: scikit-image, which carries it, is not installed",
        "install rhapsode with the extra train",
        "no-scikit-image",
    )
