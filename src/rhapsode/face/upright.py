"""Tell whether a face that seems to stand on its head does so, by where its body is.

A face whose lower half is dark, as behind a black mask, looks to a detector like one on its head: the mask is its hair.
"""

from typing import Final

import cv2
import numpy as np

from rhapsode.face.crop import Region
from rhapsode.face.face import Face
from rhapsode.face.person import PersonNetwork

#: Degrees that a face stands turned in its picture, from which it stands on its head.
ON_ITS_HEAD: Final = 120.0
#: In distances between the outer corners of the eyes: side of the square that is looked at, from its middle to the near
#: and far end of where the body is, and half of the width in which it is.
_SIDE, _NEAR, _FAR, _WIDTH = 12.0, 1.9, 3.2, 2.0
#: From the eyes down to the middle of a face, likewise.
_MIDDLE: Final = 0.6
#: By how much more of the place beyond the crown than of that beyond the chin must be a person.
_MORE: Final = 0.03
_CORNERS: Final = [36, 45]


def stands_on_its_head(face: Face) -> bool:
    """Tell whether a face stands on its head in its picture."""
    across = _across(face)
    return abs(float(np.degrees(np.arctan2(across[1], across[0])))) > ON_ITS_HEAD


def body_lies_above(image: np.ndarray, face: Face, network: PersonNetwork) -> bool:
    """Tell whether more of a person lies beyond the crown of a face than beyond its chin.

    So it was for 16 of 20 faces behind a black mask that were taken to stand on their heads, and for none of 24 in
    pictures on their heads, hair beyond the crown or no body at all included.

    Args:
        image: (H, W, 3) uint8 RGB.
        face: found in it, at any turn.
        network: finds the person.
    """
    across, size = _across(face), _SIDE * face.eye_distance
    down = np.array([-across[1], across[0]])
    x, y = face.landmarks[_CORNERS, :2].mean(0) + _MIDDLE * down
    region = Region(float(x), float(y), size, float(np.arctan2(across[1], across[0])))
    side = 256
    mask = network.mask(region.cut(image, side, cv2.BORDER_CONSTANT))
    near, far, half = (round(part / _SIDE * side) for part in (_NEAR, _FAR, _WIDTH))
    middle = side // 2
    seen = mask[:, middle - half : middle + half].mean(1)
    above, below = seen[middle - far : middle - near].mean(), seen[middle + near : middle + far].mean()
    return bool(above > below + _MORE)


def _across(face: Face) -> np.ndarray:
    """From the outer corner of the subject's right eye to that of the left, (2,) pixels."""
    right, left = face.landmarks[_CORNERS, :2]
    vector: np.ndarray = left - right
    return vector
