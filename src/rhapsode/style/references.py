"""Style Reference Images as landmark sets: of each key motion, the frame of a style clip that is most like it.

The four key motions follow syllable theory (arXiv 2303.09799): `None`, lips at rest; `M`, lips pressed; `R`, open and
spread; `O`, open and rounded. The templates are means over GRID's word timings (`training.key_motions`).
"""

from functools import cache
from importlib.resources import as_file, files

import numpy as np
from safetensors.numpy import load_file

from rhapsode.face.landmarks import MOUTH
from rhapsode.weights import reading


@cache
def key_motions() -> np.ndarray:
    """The templates, (4, 68, 3) float64 offsets from rest, canonical space, in the order None, M, R, O.

    Raises:
        WeightsError: if the file of the package is missing or damaged.
    """
    with as_file(files("rhapsode.weights") / "key_motions.safetensors") as path, reading(path, "set of key motions"):
        return load_file(path)["key_motions"].astype(np.float64)


def reference_frames(expression: np.ndarray, templates: np.ndarray) -> np.ndarray:
    """The frame that is most like each key motion.

    The lips are compared, in units of their spread: by a person who hardly opens the mouth, the widest opening is still
    the most open one.

    Args:
        expression: (T, 68, 3) offsets from rest, canonical space.
        templates: (4, 68, 3) as `key_motions` gives them.

    Returns:
        (4,) frame numbers.
    """
    lips = expression[:, MOUTH].reshape(len(expression), -1)
    wanted = templates[:, MOUTH].reshape(len(templates), -1)
    size = np.sqrt(np.square(wanted[1:]).sum(1).mean())
    reach = np.quantile(np.sqrt(np.square(lips).sum(1)), 0.9)
    distance = np.square(lips[None] / max(reach, 1e-6) - wanted[:, None] / size).sum(-1)
    return distance.argmin(1)
