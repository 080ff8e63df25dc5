"""Other pictures of the person that a portrait shows: what its mouth really looks like, where someone knows it.

Four key motions make a style's reference images (arXiv 2303.09799); Style Mapping makes of each what it would look
like on the portrait, an Intermediate Style Pattern (ISP). It can only guess at teeth that the portrait hides. Where the
same person is seen with an open mouth in another picture, that picture, laid on the portrait, is the better pattern.
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
from rhapsode.render.portrait import Portrait

#: Landmarks by which another picture is laid on a portrait's window: all around the mouth, none that blinks.
_AROUND = np.concatenate([JAW[3:14], NOSE[3:], MOUTH])
#: Pictures that lie further (canonical units) from where the portrait's landmarks would be are left out: heads turned.
_MISFIT = 0.07
#: Smoothing of the warp that lays them on; landmarks tremble by a fraction of a pixel.
_SMOOTHING = 0.5
#: Light may differ by so large a factor at most before it is evened out.
_LIGHT = 3.0


@dataclass(frozen=True)
class ExtraPhoto:
    """Another picture of the person, laid on the portrait's window.

    Attributes:
        picture: (S, S, 4) uint8 RGB, in the portrait's light, and how much of each pixel lies between the lips.
        shape: (4,) its `mouth_shape`.
    """

    picture: np.ndarray
    shape: np.ndarray


def own_picture(window: MouthWindow, portrait: Portrait, picture: np.ndarray, face: Face) -> ExtraPhoto | None:
    """Lay a picture on a portrait's window and bring it to its light; None where the head is turned too differently.

    Args:
        window: the portrait's.
        portrait: the portrait.
        picture: (H, W, 3) uint8 RGB of the same person.
        face: the face in it.
    """
    offsets = offsets_between(portrait, face)
    laid = lay_on(window, portrait, picture, face, offsets)
    if laid is None:
        return None
    inside = window.draw(offsets).inside
    lit = in_light_of(laid, window.rest)
    return ExtraPhoto(np.concatenate([lit, inside[..., None]], -1), mouth_shape(portrait.rest + offsets))


def chosen(pictures: Sequence[ExtraPhoto], shapes: np.ndarray) -> dict[int, ExtraPhoto]:
    """Which picture takes the place of which pattern: each goes where its mouth fits best, the best one stays.

    Args:
        pictures: of the person.
        shapes: (4, 4) the `mouth_shape` of the patterns.
    """
    found: dict[int, tuple[float, ExtraPhoto]] = {}
    for picture in pictures:
        distances = np.linalg.norm(shapes - picture.shape, axis=-1)
        place = int(distances.argmin())
        if place not in found or distances[place] < found[place][0]:
            found[place] = float(distances[place]), picture
    return {place: picture for place, (_, picture) in found.items()}


def offsets_between(portrait: Portrait, face: Face) -> np.ndarray:
    """The canonical landmarks of another face of the person less the portrait's, (68, 3), zero at the eyes."""
    landmarks = face.landmarks[None].astype(np.float64)
    offsets: np.ndarray = to_canonical(landmarks, fit_pose(landmarks))[0] - portrait.rest
    offsets[EYES] = 0
    return offsets


def lay_on(
    window: MouthWindow, portrait: Portrait, picture: np.ndarray, face: Face, offsets: np.ndarray
) -> np.ndarray | None:
    """Lay another picture of the same person on a portrait's window, (S, S, 3) uint8.

    The warp is fitted to where the portrait's landmarks would be, were the mouth as in the other picture.

    Args:
        window: the portrait's.
        portrait: the portrait.
        picture: (H, W, 3) uint8 RGB.
        face: the face in it.
        offsets: (68, 3) its canonical landmarks less the portrait's.

    Returns:
        None where the two heads are turned too differently for it.
    """
    size = window.size
    aim = to_image((portrait.rest + offsets)[None], portrait.pose)[0, _AROUND, :2]
    aim = window.places(aim).astype(np.float64)
    landmarks = face.landmarks[_AROUND, :2].astype(np.float64)
    # Shrunk first, so that no pixel is passed over; pixel centres lie at whole numbers.
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
    # What an affine map leaves over (a head seen a little from the side) a smooth warp takes up.
    spline = RBFInterpolator(aim, landmarks, kernel="thin_plate_spline", smoothing=_SMOOTHING)
    places = np.stack(np.meshgrid(np.arange(size.side), np.arange(size.side)), -1)
    points = spline(places.reshape(-1, 2).astype(np.float64)).reshape(size.side, size.side, 2).astype(np.float32)
    return cv2.remap(picture, points, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


def in_light_of(laid: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """A picture laid on a window, in the light of the portrait: the skin under the nose is as bright and as coloured.

    Args:
        laid: (S, S, 3) uint8 RGB.
        rest: (S, S, 3) uint8 RGB, what the portrait shows in the window.
    """
    quarter = len(rest) // 4
    skin = slice(0, quarter), slice(quarter, -quarter)
    light = (rest[skin].mean((0, 1)) + 1) / (laid[skin].mean((0, 1)) + 1)
    lit: np.ndarray = np.rint(np.clip(laid * np.clip(light, 1 / _LIGHT, _LIGHT), 0, 255)).astype(np.uint8)
    return lit
