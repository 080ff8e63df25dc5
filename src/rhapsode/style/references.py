"""Style Reference Images as landmark sets: for each key motion, the frame of a style clip that is nearest to it.

The four key motions follow syllable theory (arXiv 2303.09799): `None`, lips at rest; `M`, lips pressed; `R`, open and
spread; `O`, open and rounded. The templates are means over GRID's word timings (`training.key_motions`).
"""

from collections.abc import Callable
from functools import cache

import numpy as np
from safetensors.numpy import load_file

from rhapsode.bundle import Bundle
from rhapsode.face.landmarks import MOUTH
from rhapsode.files import reading

#: Rotation of the head that costs nothing, radians.
_FRONTAL = 0.15
#: Least time between two references, seconds.
_APART = 0.08
#: Candidates for each key motion, and how much farther than the nearest they may be.
_LOOKED_AT, _AS_GOOD = 12, 0.12


@cache
def key_motions() -> np.ndarray:
    """Load the templates, (4, 68, 3) float64 offsets from rest in canonical space, in the order None, M, R, O.

    Raises:
        WeightsError: if the file of the package is missing or damaged.
    """
    path = Bundle.load().path("key_motions.safetensors")
    with reading(path, "set of key motions"):
        return load_file(path)["key_motions"].astype(np.float64)


def reference_distances(expression: np.ndarray, templates: np.ndarray) -> np.ndarray:
    """Measure the distance of each frame from each key motion, (4, T), 0 for the same lips.

    Lips are compared in units of their range of motion: the widest opening of a person who hardly opens the mouth is
    still the most open one.

    Args:
        expression: (T, 68, 3) offsets from rest, canonical space.
        templates: (4, 68, 3) as `key_motions` gives them.
    """
    lips = expression[:, MOUTH].reshape(len(expression), -1)
    wanted = templates[:, MOUTH].reshape(len(templates), -1)
    size = np.sqrt(np.square(wanted[1:]).sum(1).mean())
    reach = np.quantile(np.sqrt(np.square(lips).sum(1)), 0.9)
    return np.sqrt(np.square(lips[None] / max(reach, 1e-6) - wanted[:, None] / size).sum(-1))


def reference_frames(expression: np.ndarray, templates: np.ndarray) -> np.ndarray:
    """Find the frame that is nearest to each key motion, (4,); arguments as in `reference_distances`."""
    return reference_distances(expression, templates).argmin(1)


def clear_frames(
    distances: np.ndarray, turned: np.ndarray, sharpness: Callable[[np.ndarray], np.ndarray], rate: float = 60.0
) -> np.ndarray:
    """Choose a frame for each key motion that is near to it and a good picture: sharp, frontal, apart from the others.

    Args:
        distances: (4, T) as `reference_distances` gives them.
        turned: (T,) rotation of the head from its median, radians.
        sharpness: (N,) frame numbers -> (N,) sharpness, greater is sharper.
        rate: frames a second.

    Returns:
        (4,) frame numbers.
    """
    # A frame that is hardly farther may be far sharper, and a turned head hides half of the mouth.
    cost = distances + np.maximum(turned - _FRONTAL, 0) / _FRONTAL
    chosen: list[int] = []
    for of_motion in cost:
        free = np.ones(len(of_motion), bool)
        for frame in chosen:
            free[max(0, frame - round(rate * _APART)) : frame + round(rate * _APART) + 1] = False
        of_motion = np.where(free if free.any() else True, of_motion, np.inf)
        near = np.argsort(of_motion, kind="stable")[:_LOOKED_AT]
        near = near[of_motion[near] <= of_motion[near[0]] + _AS_GOOD]
        chosen.append(int(near[np.argmax(sharpness(near))]))
    return np.array(chosen)
