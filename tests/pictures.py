"""Pictures that several tests make of the one photograph at hand."""

from functools import cache

import cv2
import numpy as np
from skimage import data

from rhapsode.face.tracker import FaceTracker
from rhapsode.render.cut_out import cut_out


@cache
def two_people(apart: int) -> np.ndarray:
    """(480, 460 + apart, 3) uint8 RGB: the astronaut, and before her right the same, mirrored and a little smaller.

    Args:
        apart: columns between their heads; from 300 on they stand side by side, at 125 their heads touch.
    """
    picture = np.asarray(data.astronaut())
    with FaceTracker() as tracker:
        person = tracker.person_mask(picture)
        unit = tracker.detect(picture)[0].eye_distance
    matte = cut_out(picture, person, unit).matte[:, ::-1]
    size = 440, 440
    other, share = (cv2.resize(one, size, interpolation=cv2.INTER_AREA) for one in (picture[:, ::-1], matte))
    made = cv2.copyMakeBorder(picture[:480], 0, 0, 0, max(apart - 52, 0), cv2.BORDER_REPLICATE)
    left = apart - 20
    wide = min(440, made.shape[1] - left)
    part = made[40:, left : left + wide]
    alpha = share[:, :wide, None] / 255
    part[:] = np.rint(alpha * other[:, :wide] + (1 - alpha) * part)
    return made
