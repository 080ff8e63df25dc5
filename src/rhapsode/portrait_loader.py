"""Load a portrait: read a picture or a video, find the face that speaks, measure it, tell what will not look well."""

import contextlib
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from rhapsode.compute import default_threads
from rhapsode.credentials.origin import picture_hash
from rhapsode.errors import OptionsError, PortraitError
from rhapsode.face.best_frame import best_frame
from rhapsode.face.cache import CachedTracker
from rhapsode.face.choice import FaceChoice
from rhapsode.face.face import Face
from rhapsode.face.geometry import MIN_EYE_DISTANCE
from rhapsode.face.placing import place
from rhapsode.face.points import FivePoints
from rhapsode.face.tracker import FaceTracker
from rhapsode.media.picture import fitting, read_picture, resized
from rhapsode.media.reader import is_video
from rhapsode.paint.networks import PictureNetworks
from rhapsode.portrait import Portrait
from rhapsode.render.checks import check_view
from rhapsode.render.framing import cut_to, part_shown
from rhapsode.render.portrait import MeasuredPortrait

_log = logging.getLogger(__name__)

#: Pixels between the outer corners of the eyes below which there is a warning.
SMALL_FACE = 48
#: Longest side that a picture can be brought to, pixels.
SMALLEST_SIZE, LARGEST_SIZE = 64, 4096
#: Longest side at which a picture is searched again where no face is found in it as it is animated, pixels.
_SEARCHED = 6000
#: How much another size may differ for a picture to be taken as it is.
_AS_LARGE = 0.01
#: Sides of a crop that shows a face well, in distances between the outer corners of the eyes.
_CROP = 6.0

PictureSource = str | Path | np.ndarray
Landmarks = FivePoints | Mapping[str, Any] | str | Path


@dataclass(frozen=True)
class _Source:
    """A picture to animate.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        name: for messages.
        scale: (2,) its pixels in one of the file, across and down.
        kind: "file", "video" or "array".
        size: longest side that was asked for.
        whole: (H, W, 3) uint8 RGB, the frame of a video at its own size.
    """

    image: np.ndarray
    name: str
    scale: np.ndarray
    kind: str
    size: int | None = None
    whole: np.ndarray | None = None

    def at(self, scale: float) -> np.ndarray:
        """Give the picture at another size, so many times as wide and high, as fine as its file has it."""
        width, height = (round(scale * side) for side in self.image.shape[1::-1])
        if abs(scale - 1) < _AS_LARGE:
            return self.image
        if self.kind == "file":
            with contextlib.suppress(PortraitError):  # the file is gone
                return read_picture(self.name, max(width, height)).image
        return resized(self.image if self.whole is None else self.whole, (width, height))


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
    with CachedTracker(make_tracker=partial(FaceTracker, default_threads())) as tracker:
        source = _read(picture, size, tracker)
        choice = _found(source, tracker, face, size) if points is None else _placed(source, tracker, points)
        measured = MeasuredPortrait.from_image(source.image, tracker, choice.face, tracker.kept)
        check_view(measured, source.name)
        photos, hashes = [], [picture_hash(one) for one in (picture, *extra_photos)]
        for photo in extra_photos:
            other = _read(photo, None, tracker)
            photos.append((other.image, _found(other, tracker, None, None).face, other.name))

    def portrait(measured: MeasuredPortrait, choice: FaceChoice) -> Portrait:
        return Portrait(measured, networks, photos, choice, tuple(hashes), reframe)

    def reframe(ratio: float) -> Portrait:
        return portrait(*_reframed(source, measured, choice, ratio))

    return portrait(measured, choice)


def _reframed(
    source: _Source, measured: MeasuredPortrait, choice: FaceChoice, ratio: float
) -> tuple[MeasuredPortrait, FaceChoice]:
    """Measure the part of a picture that a video of another shape shows (`render.framing`)."""
    part = part_shown([choice.face], measured.person, ratio)
    own = part.scaled(1 / source.scale)
    width, height = round(own.width), round(own.height)
    if source.kind != "array":
        width, height = fitting((width, height), source.size)
    picture = source.at(width / part.width)
    scale = np.array(picture.shape[1::-1]) / source.image.shape[1::-1]
    here = part.scaled(scale)
    size = width // 2 * 2, height // 2 * 2  # what every output can hold
    image, shown = cut_to(picture, here, size, measured.unit * float(scale.mean()))
    chosen = choice.scaled(scale, round(here.left) - shown.left, round(here.top) - shown.top)
    _check_size(source, chosen.face, source.size, warns=False)
    with CachedTracker(make_tracker=partial(FaceTracker, default_threads())) as tracker:
        return MeasuredPortrait.from_image(image, tracker, chosen.face, tracker.kept, shown), chosen


def _read(picture: PictureSource, size: int | None, tracker: CachedTracker) -> _Source:
    if isinstance(picture, np.ndarray):
        return _of_array(picture, size)
    if size is not None and not SMALLEST_SIZE <= size <= LARGEST_SIZE:
        raise OptionsError(f"size={size}: not allowed", f"choose {SMALLEST_SIZE} to {LARGEST_SIZE} pixels", "bad-size")
    path = Path(picture)
    try:
        read = read_picture(path, size)
    except PortraitError as error:
        if error.code != "unknown-format" or not is_video(path):
            raise
    else:
        return _Source(read.image, str(path), read.scale, "file", size)
    time, frame = best_frame(path, tracker)
    text = "%s: a video; its frame at %.2f s is animated, the best of those looked at"
    _log.warning(text, path, time, extra={"code": "frame-of-video"})
    own = frame.shape[1::-1]
    image = resized(frame, fitting((own[0], own[1]), size))
    return _Source(image, str(path), np.array(image.shape[1::-1]) / own, "video", size, frame)


def _of_array(picture: np.ndarray, size: int | None) -> _Source:
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise PortraitError(
            f"the picture: is {picture.dtype} of shape {picture.shape}", "pass (H, W, 3) uint8 RGB", "not-rgb"
        )
    if size is not None:
        raise OptionsError("size: goes with a picture file only", "resize the array itself", "bad-size")
    return _Source(picture, "the picture", np.ones(2), "array")


def _placed(source: _Source, tracker: CachedTracker, points: FivePoints) -> FaceChoice:
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
    _check_size(source, face, None)
    return FaceChoice((face,))


def _found(source: _Source, tracker: CachedTracker, wanted: int | None, size: int | None) -> FaceChoice:
    """The face that was asked for by its number, or the largest."""
    faces = tracker.detect(source.image)
    if not faces:
        _refuse_if_too_small(source, tracker, size)
        raise PortraitError(
            f"{source.name}: no face found",
            "use a picture that shows a face from the front, or set five landmarks on it",
            "no-face",
        )
    choice = FaceChoice.of(faces, wanted, source.name)
    if wanted is None and len(faces) > 1:
        text = "%s: %d faces; the one that speaks is %s; choose another by its number: %s"
        words = (text, source.name, len(faces), choice.speaker, choice.others)
        _log.warning(*words, extra={"code": "several-faces"})
    _check_size(source, choice.face, size)
    return choice


def _refuse_if_too_small(source: _Source, tracker: CachedTracker, size: int | None) -> None:
    """Look for a face in a file at its own size, where it was made much smaller to be animated."""
    if source.kind != "file" or source.scale.max() > 0.9:
        return
    longest = round(max(source.image.shape[:2]) / float(source.scale.max()))
    searched = read_picture(source.name, min(longest, _SEARCHED))
    faces = tracker.detect_in_larger(source.image, searched.image)
    if faces:
        ratio = source.scale / searched.scale
        _check_size(source, faces[0].scaled(ratio), size)


def _check_size(source: _Source, face: Face, size: int | None, warns: bool = True) -> None:
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


def _crop_of(source: _Source, face: Face, size: int | None) -> str:
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
