"""Load a portrait: read a picture or a video, find the face that speaks, measure it, tell what will not look well."""

import logging
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rhapsode.compute import default_threads
from rhapsode.credentials.origin import picture_hash
from rhapsode.errors import OptionsError, PortraitError
from rhapsode.face.cache import CachedTracker
from rhapsode.face.choice import FaceChoice
from rhapsode.face.face import Face
from rhapsode.face.geometry import MIN_EYE_DISTANCE
from rhapsode.face.placing import place
from rhapsode.face.points import FivePoints
from rhapsode.face.tracker import FaceTracker
from rhapsode.media.picture import read_picture
from rhapsode.paint.networks import PictureNetworks
from rhapsode.picture_source import PictureSource, Source, read_source
from rhapsode.portrait import Portrait
from rhapsode.render.checks import check_view
from rhapsode.render.portrait import MeasuredPortrait

_log = logging.getLogger(__name__)

#: Pixels between the outer corners of the eyes below which there is a warning.
SMALL_FACE = 48
#: Longest side at which a picture is searched again where no face is found in it as it is animated, pixels.
_SEARCHED = 6000
#: Sides of a crop that shows a face well, in distances between the outer corners of the eyes.
_CROP = 6.0

Landmarks = FivePoints | Mapping[str, Any] | str | Path


def load_portrait(
    picture: PictureSource,
    networks: PictureNetworks,
    size: int | None = None,
    face: int | None = None,
    extra_photos: Sequence[PictureSource] = (),
    landmarks: Landmarks | None = None,
) -> Portrait:
    """Read a picture and measure the face in it; see `Animator.load_portrait`."""
    if landmarks is not None and face is not None:
        raise OptionsError("face: does not go with landmarks, which name the face", "leave one out", "bad-face")
    points = None if landmarks is None else FivePoints.read(landmarks)
    with face_tracker() as tracker:
        source = read_source(picture, size, tracker)
        choice = _found(source, tracker, face, size) if points is None else _placed(source, tracker, points)
        measured = MeasuredPortrait.from_image(source.image, tracker, choice.face, tracker.kept)
        measured.begin()
        check_view(measured, source.name)
        photos, hashes = [], [picture_hash(one) for one in (picture, *extra_photos)]
        for photo in extra_photos:
            other = read_source(photo, None, tracker)
            photos.append((other.image, _found(other, tracker, None, None).face, other.name))

    def portrait(measured: MeasuredPortrait, choice: FaceChoice) -> Portrait:
        return Portrait(measured, networks, photos, choice, tuple(hashes), reframe)

    def reframe(ratio: float) -> Portrait:
        part = source.part([choice.face], measured.person, ratio, measured.unit)
        chosen = choice.scaled(part.scale, part.left, part.top)
        check_size(source, chosen.face, size, warns=False)
        with face_tracker() as tracker:
            there = MeasuredPortrait.from_image(part.image, tracker, chosen.face, tracker.kept, part.shown)
        there.begin()
        return portrait(there, chosen)

    return portrait(measured, choice)


def face_tracker() -> CachedTracker:
    """Give what finds faces in a picture, with as many threads as one picture may take."""
    return CachedTracker(make_tracker=partial(FaceTracker, default_threads()))


def _placed(source: Source, tracker: CachedTracker, points: FivePoints) -> FaceChoice:
    """The face that five points place."""
    if source.kind == "video":
        raise OptionsError(
            f"landmarks: go with a picture, and {source.name} is a video", "save one of its frames", "bad-landmarks"
        )
    here = points.scaled(source.scale)
    if not here.lie_in(source.image):
        width, height = np.rint(source.image.shape[1::-1] / source.scale).astype(int)
        raise OptionsError(
            f"landmarks: lie outside of {source.name}, which is {width} x {height} pixels",
            "set them on the picture as viewers show it",
            "bad-landmarks",
        )
    face = place(source.image, here, tracker)
    if not face.measured:
        text = "%s: no face is seen at the landmarks; a mean face is laid on them, which does not blink"
        _log.warning(text, source.name, extra={"code": "mean-face"})
    check_size(source, face, None)
    return FaceChoice((face,))


def _found(source: Source, tracker: CachedTracker, wanted: int | None, size: int | None) -> FaceChoice:
    """The face that was asked for by its number, or the largest."""
    faces = find_faces(source, tracker, size)
    choice = FaceChoice.of(faces, wanted, source.name)
    if wanted is None and len(faces) > 1:
        text = "%s: %d faces; the one that speaks is %s; choose another by its number: %s"
        words = (text, source.name, len(faces), choice.speaker, choice.others)
        _log.warning(*words, extra={"code": "several-faces"})
    check_size(source, choice.face, size)
    return choice


def find_faces(source: Source, tracker: CachedTracker, size: int | None) -> list[Face]:
    """Find every face of a picture, largest first.

    Raises:
        PortraitError: there is none, or none that is large enough.
    """
    faces = tracker.detect(source.image)
    if not faces:
        _refuse_if_too_small(source, tracker, size)
        raise PortraitError(
            f"{source.name}: no face found",
            "use a picture that shows a face from the front, or set five landmarks on it",
            "no-face",
        )
    return faces


def _refuse_if_too_small(source: Source, tracker: CachedTracker, size: int | None) -> None:
    """Look for a face in a file at its own size, where it was made much smaller to be animated."""
    if source.kind != "file" or source.scale.max() > 0.9:
        return
    longest = round(max(source.image.shape[:2]) / float(source.scale.max()))
    searched = read_picture(source.name, min(longest, _SEARCHED))
    faces = tracker.detect_in_larger(source.image, searched.image)
    if faces:
        ratio = source.scale / searched.scale
        check_size(source, faces[0].scaled(ratio), size)


def check_size(source: Source, face: Face, size: int | None, warns: bool = True) -> None:
    """Refuse a face that is too small, with the crop to make, or warn of a small one."""
    distance = face.eye_distance
    if distance < MIN_EYE_DISTANCE:
        raise PortraitError(
            f"{source.name}: a face is found, but too small: {distance:.0f} px between the outer eye corners, at least "
            f"{MIN_EYE_DISTANCE:.0f} needed",
            _crop_of(source, face, size),
            "small-face",
        )
    if warns and distance < SMALL_FACE:
        text = "%s: the face is small, %.0f px between the outer eye corners; from %d px on it looks better"
        _log.warning(text, source.name, distance, SMALL_FACE, extra={"code": "small-face"})


def _crop_of(source: Source, face: Face, size: int | None) -> str:
    """What helps with a face that is too small: a crop of the file, where it is large enough there."""
    own = face.eye_distance / float(source.scale.mean())
    if own < MIN_EYE_DISTANCE or source.kind != "file":
        return "use a larger picture of that face"
    width, height = source.image.shape[1::-1] / source.scale
    side = _CROP * own
    x, y = face.mesh[:, :2].mean(0) / source.scale
    left, top = max(round(x - side / 2), 0), max(round(y - side / 2), 0)
    right, bottom = min(round(x + side / 2), round(width)), min(round(y + side / 2), round(height))
    crop = f"crop it to {right - left} x {bottom - top} pixels, {left} from the left and {top} from the top"
    return crop if size is None else f"ask for a larger size, or {crop}"
