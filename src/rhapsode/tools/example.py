"""A photograph of a face to try the program on: NASA's portrait of Eileen Collins, in the public domain."""

from importlib.resources import as_file, files

import numpy as np

from rhapsode.media.picture import load_picture


def example_picture() -> np.ndarray:
    """Read the photograph, (512, 512, 3) uint8 RGB."""
    with as_file(files("rhapsode.tools") / "astronaut.jpg") as path:
        return load_picture(path)
