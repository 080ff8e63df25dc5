"""Checks of a portrait: is the face seen from the front, and is the mouth visible?"""

import cv2
import numpy as np

from rhapsode.render.portrait import MeasuredPortrait

#: Degrees that a face may be turned to the side: beyond the first there is a warning, beyond the second it is refused.
TURNED, PROFILE = 30.0, 45.0
#: Mesh points on the lips, around them, and on cheeks, brow and nose.
_LIPS = np.array([0, 17, 37, 267, 84, 314, 13, 14])
_AROUND = np.array([164, 18, 200, 57, 287, 43, 273, 83, 313, 167, 393])
_ABOVE = np.array([50, 280, 101, 330, 117, 346, 151, 9, 108, 337, 6])
#: Thresholds in CIE Lab. Lips that differ from their surroundings by less than the first are hard to see: the mouth is
#: covered if the hue there also differs from the face's by more than the third. Below the second there are no lips, and
#: a difference of the fourth is enough. Of 36 uncovered faces, lips of two differed by 4 and the rest by more than 5.
_FAINT, _ABSENT, _OTHER_HUE, _SLIGHTLY_OTHER_HUE = 5.0, 1.5, 9.0, 4.0


def turned(portrait: MeasuredPortrait) -> float:
    """Measure how far a face is turned to the side, degrees: 0 seen from the front .. 90 in profile."""
    forward = portrait.pose.matrices[0][:, 2]
    return float(np.degrees(np.arctan2(abs(forward[0]), abs(forward[2]))))


def mouth_is_covered(portrait: MeasuredPortrait) -> bool:
    """Tell whether something of one colour, such as a mask, hides the mouth."""
    lips, around, above = (_colour(portrait, points) for points in (_LIPS, _AROUND, _ABOVE))
    seen, hue = np.linalg.norm(lips - around), np.linalg.norm((around - above)[1:])
    return bool((seen < _FAINT and hue > _OTHER_HUE) or (seen < _ABSENT and hue > _SLIGHTLY_OTHER_HUE))


def _colour(portrait: MeasuredPortrait, points: np.ndarray) -> np.ndarray:
    """The median colour at mesh points, (3,) CIE Lab."""
    reach = max(1, round(0.025 * portrait.unit))
    height, width = portrait.image.shape[:2]
    pixels = []
    for x, y in np.rint(portrait.face.mesh[points, :2]).astype(int):
        x, y = np.clip(x, 0, width - 1), np.clip(y, 0, height - 1)
        patch = portrait.image[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1]
        pixels.append(patch.reshape(-1, 3))
    lab = cv2.cvtColor(np.concatenate(pixels)[None].astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    return np.median(lab[0], axis=0)
