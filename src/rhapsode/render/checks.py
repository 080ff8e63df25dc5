"""Checks of a portrait: is the face seen from the front, are the eyes open, is the mouth visible and at rest?"""

import logging

import cv2
import numpy as np

from rhapsode.errors import PortraitError
from rhapsode.face.eyes import eye_opening
from rhapsode.face.mouth import lip_opening
from rhapsode.face.upright import stands_on_its_head
from rhapsode.render.dark_glasses import are_hidden
from rhapsode.render.portrait import MeasuredPortrait

_log = logging.getLogger(__name__)

#: Degrees that a face may be turned to the side: beyond the first there is a warning, beyond the second it is refused.
TURNED, PROFILE = 30.0, 45.0
#: Gap between the lids, parts of the eye's width, below which eyes count as closed; gap between the lips, canonical
#: units, from which a mouth counts as wide open.
CLOSED_EYES, OPEN_MOUTH = 0.12, 0.2
#: Mesh points on the lips, around them, and on cheeks, brow and nose.
_LIPS = np.array([0, 17, 37, 267, 84, 314, 13, 14])
_AROUND = np.array([164, 18, 200, 57, 287, 43, 273, 83, 313, 167, 393])
_ABOVE = np.array([50, 280, 101, 330, 117, 346, 151, 9, 108, 337, 6])
#: Thresholds in CIE Lab: lips that differ from their surroundings by less than the first are covered, or as good as;
#: those that differ by less than the second are if the hue there also differs from the face's by more than the third.
#: Of 44 uncovered faces, lips of two differed by 4 and the rest by more than 5; of 8 mouths behind a hand, 7 by less
#: than 3.
_ABSENT, _FAINT, _OTHER_HUE = 3.0, 5.0, 9.0


def check_view(portrait: MeasuredPortrait, name: str) -> None:
    """Refuse a face in profile; warn of what will not look well.

    Args:
        portrait: measured.
        name: of the picture, for messages.

    Raises:
        PortraitError: the face is seen from the side.
    """

    def warn(code: str, text: str) -> None:
        _log.warning("%s: %s", name, text, extra={"code": code})

    side = turned(portrait)
    if side > PROFILE:
        raise PortraitError(
            f"{name}: the face is turned {side:.0f} degrees to the side, at most {PROFILE:.0f} can be animated",
            "use a picture that shows it from the front",
            "profile",
        )
    if side > TURNED:
        warn("turned", f"the face is turned {side:.0f} degrees; one seen from the front looks better")
    if stands_on_its_head(portrait.face):
        warn("upside-down", "the face is taken to stand on its head; if it does not, set five landmarks on it")
    if eye_opening(portrait.rest) < CLOSED_EYES:
        warn("closed-eyes", "the eyes are closed, and stay closed")
    if any(are_hidden(portrait.image, portrait.face.mesh[:, :2], portrait.unit)):
        warn("hidden-eyes", "dark glass hides an eye, which neither blinks nor looks around")
    if not portrait.is_cut_out:
        warn("background-moves", "the person is hard to tell from the background, which bends a little near the head")
    if lip_opening(portrait.rest) > OPEN_MOUTH:
        warn("open-mouth", "the mouth is wide open; one that is closed looks better")
    if mouth_is_covered(portrait):
        warn("covered-mouth", "something seems to cover the mouth, or its lips are hardly seen; it moves all the same")


def turned(portrait: MeasuredPortrait) -> float:
    """Measure how far a face is turned to the side, degrees: 0 seen from the front .. 90 in profile."""
    forward = portrait.pose.matrices[0][:, 2]
    return float(np.degrees(np.arctan2(abs(forward[0]), abs(forward[2]))))


def mouth_is_covered(portrait: MeasuredPortrait) -> bool:
    """Tell whether something of one colour, such as a mask or a hand, hides the mouth, or lips are hardly seen."""
    lips, around, above = (_colour(portrait, points) for points in (_LIPS, _AROUND, _ABOVE))
    seen, hue = np.linalg.norm(lips - around), np.linalg.norm((around - above)[1:])
    return bool(seen < _ABSENT or (seen < _FAINT and hue > _OTHER_HUE))


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
