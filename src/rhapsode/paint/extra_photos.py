"""Extra photos of a portrait's person: they show the teeth that the portrait hides.

Four key motions make a style's reference images (arXiv 2303.09799); Style Mapping predicts what each of them would look
like on the portrait, an Intermediate Style Pattern (ISP). It can only guess at teeth that the portrait hides. A photo
of the same person with an open mouth, aligned to the portrait, is the better pattern.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from scipy.interpolate import RBFInterpolator

from rhapsode.face.geometry import fit_pose, to_canonical, to_image
from rhapsode.face.landmarks import EYES, JAW, MOUTH, NOSE
from rhapsode.face.mouth import mouth_shape
from rhapsode.face.tracker import Face
from rhapsode.render.mouth_window import MouthWindow
from rhapsode.render.portrait import MeasuredPortrait

#: Landmarks by which a photo is aligned to a portrait's window: all around the mouth, none that blinks.
_AROUND = np.concatenate([JAW[3:14], NOSE[3:], MOUTH])
#: Largest root mean square error of an affine alignment, canonical units; beyond it heads are turned too differently.
_MISFIT = 0.07
#: Smoothing of the warp that aligns a photo; landmarks jitter by a fraction of a pixel.
_SMOOTHING = 0.5
#: The colour of a photo is scaled by this factor at most.
_MAX_GAIN = 3.0


@dataclass(frozen=True)
class ExtraPhoto:
    """A photo of the person, aligned to the portrait's window.

    Attributes:
        picture: (S, S, 4) uint8: RGB, its colours matched to the portrait's, and how much of each pixel lies between
            the lips.
        shape: (4,) its `mouth_shape`, canonical units.
    """

    picture: np.ndarray
    shape: np.ndarray


def fit_extra_photo(
    window: MouthWindow, portrait: MeasuredPortrait, picture: np.ndarray, face: Face
) -> ExtraPhoto | None:
    """Align a photo to a portrait's window and match its colours.

    Args:
        window: the portrait's.
        portrait: the portrait.
        picture: (H, W, 3) uint8 RGB of the same person.
        face: the face in it.

    Returns:
        None where the head is turned too differently.
    """
    offsets = offsets_between(portrait, face)
    aligned = align_photo(window, portrait, picture, face, offsets)
    if aligned is None:
        return None
    inside = window.draw(portrait.rig.pose(offsets)).inside
    matched = match_colours(aligned, window.rest)
    return ExtraPhoto(np.concatenate([matched, inside[..., None]], -1), mouth_shape(portrait.rest + offsets))


def place_photos(photos: Sequence[ExtraPhoto], shapes: np.ndarray) -> dict[int, ExtraPhoto]:
    """Choose which photo replaces which ISP image: each the one with the nearest mouth shape.

    Args:
        photos: of the person.
        shapes: (4, 4) the `mouth_shape` of the ISP images.

    Returns:
        Photos by the number of the ISP image; of several photos with the same nearest one, the nearest.
    """
    found: dict[int, tuple[float, ExtraPhoto]] = {}
    for photo in photos:
        distances = np.linalg.norm(shapes - photo.shape, axis=-1)
        place = int(distances.argmin())
        if place not in found or distances[place] < found[place][0]:
            found[place] = float(distances[place]), photo
    return {place: photo for place, (_, photo) in found.items()}


def offsets_between(portrait: MeasuredPortrait, face: Face) -> np.ndarray:
    """Subtract the portrait's canonical landmarks from those of another face of the person.

    Returns:
        (68, 3) float64, canonical units; zero at the eyes.
    """
    landmarks = face.landmarks[None].astype(np.float64)
    offsets: np.ndarray = to_canonical(landmarks, fit_pose(landmarks))[0] - portrait.rest
    offsets[EYES] = 0
    return offsets


def align_photo(
    window: MouthWindow, portrait: MeasuredPortrait, picture: np.ndarray, face: Face, offsets: np.ndarray
) -> np.ndarray | None:
    """Warp a photo of the same person to a portrait's window.

    The warp is fitted to where the portrait's landmarks would be if its mouth were as in the photo.

    Args:
        window: the portrait's.
        portrait: the portrait.
        picture: (H, W, 3) uint8 RGB.
        face: the face in it.
        offsets: (68, 3) its canonical landmarks less the portrait's.

    Returns:
        (S, S, 3) uint8 RGB; None where the two heads are turned too differently for it.
    """
    size = window.size
    aim = to_image((portrait.rest + offsets)[None], portrait.pose)[0, _AROUND, :2]
    aim = window.places(aim).astype(np.float64)
    landmarks = face.landmarks[_AROUND, :2].astype(np.float64)
    # Shrunk first, so that no pixel is skipped; pixel centres lie at whole numbers.
    factor = min(1.0, size.per_unit / float(fit_pose(face.landmarks[None].astype(np.float64)).scale[0]))
    if factor < 1:
        height, width = picture.shape[:2]
        shrunk = (round(width * factor), round(height * factor))
        picture = cv2.resize(picture, shrunk, interpolation=cv2.INTER_AREA)
        landmarks = (landmarks + 0.5) * factor - 0.5
    known = np.column_stack([landmarks, np.ones(len(landmarks))])
    affine, *_ = np.linalg.lstsq(known, aim, rcond=None)
    if np.sqrt(np.square(known @ affine - aim).sum(-1).mean()) > _MISFIT * size.per_unit:
        return None
    # The residual of the affine map (a head seen a little from the side) is left to a smooth warp.
    spline = RBFInterpolator(aim, landmarks, kernel="thin_plate_spline", smoothing=_SMOOTHING)
    places = np.stack(np.meshgrid(np.arange(size.side), np.arange(size.side)), -1)
    points = spline(places.reshape(-1, 2).astype(np.float64)).reshape(size.side, size.side, 2).astype(np.float32)
    return cv2.remap(picture, points, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def match_colours(aligned: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Scale the colours of an aligned photo so that the skin under the nose has the mean colour of the portrait's.

    Args:
        aligned: (S, S, 3) uint8 RGB.
        rest: (S, S, 3) uint8 RGB, what the portrait shows in the window.

    Returns:
        (S, S, 3) uint8 RGB.
    """
    quarter = len(rest) // 4
    skin = slice(0, quarter), slice(quarter, -quarter)
    gain = (rest[skin].mean((0, 1)) + 1) / (aligned[skin].mean((0, 1)) + 1)
    matched = np.rint(np.clip(aligned * np.clip(gain, 1 / _MAX_GAIN, _MAX_GAIN), 0, 255))
    return matched.astype(np.uint8)
