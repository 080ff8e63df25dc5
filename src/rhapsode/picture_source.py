"""Read a picture to animate, from a file, the best frame of a video, or an array; again where it is needed finer."""

import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rhapsode.errors import OptionsError, PortraitError
from rhapsode.face.best_frame import best_frame
from rhapsode.face.cache import CachedTracker
from rhapsode.face.face import Face
from rhapsode.media.picture import fitting, read_picture, resized
from rhapsode.media.reader import is_video
from rhapsode.render.framing import cut_to, part_shown
from rhapsode.render.grid import Box

_log = logging.getLogger(__name__)

#: Longest side that a picture can be brought to, pixels.
SMALLEST_SIZE, LARGEST_SIZE = 64, 4096
#: How much another size may differ for a picture to be taken as it is.
_AS_LARGE = 0.01

PictureSource = str | Path | np.ndarray


@dataclass(frozen=True)
class Source:
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

    def part(self, faces: Sequence[Face], person: np.ndarray, ratio: float, unit: float) -> "SourcePart":
        """Cut out what a video of another shape shows (`render.framing`), as fine as the file has it.

        Args:
            faces: that are to be seen.
            person: (H, W) float32 in [0, 1], probability that a pixel belongs to a person.
            ratio: width of the video by its height.
            unit: pixels in a canonical unit.
        """
        part = part_shown(faces, person, ratio)
        own = part.scaled(1 / self.scale)
        width, height = round(own.width), round(own.height)
        if self.kind != "array":
            width, height = fitting((width, height), self.size)
        picture = self.at(width / part.width)
        scale = np.array(picture.shape[1::-1]) / self.image.shape[1::-1]
        here = part.scaled(scale)
        size = width // 2 * 2, height // 2 * 2  # what every output can hold
        image, shown = cut_to(picture, here, size, unit * float(scale.mean()))
        return SourcePart(image, shown, scale, round(here.left) - shown.left, round(here.top) - shown.top)


@dataclass(frozen=True)
class SourcePart:
    """A part of a picture, with what is near it.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        shown: the part itself.
        scale: (2,) its pixels in one of the picture that it was chosen in, across and down.
        left: of the image in that picture, its own pixels.
        top: likewise.
    """

    image: np.ndarray
    shown: Box
    scale: np.ndarray
    left: int
    top: int


def read_source(picture: PictureSource, size: int | None, tracker: CachedTracker) -> Source:
    """Read a picture; `size` as in `Animator.load_portrait`.

    Raises:
        OptionsError: a size out of range.
        PortraitError: it cannot be read.
    """
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
        return Source(read.image, str(path), read.scale, "file", size)
    time, frame = best_frame(path, tracker)
    text = "%s: a video; its frame at %.2f s is animated, the best of those looked at"
    _log.warning(text, path, time, extra={"code": "frame-of-video"})
    own = frame.shape[1::-1]
    image = resized(frame, fitting((own[0], own[1]), size))
    return Source(image, str(path), np.array(image.shape[1::-1]) / own, "video", size, frame)


def _of_array(picture: np.ndarray, size: int | None) -> Source:
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise PortraitError(
            f"the picture: is {picture.dtype} of shape {picture.shape}", "pass (H, W, 3) uint8 RGB", "not-rgb"
        )
    if size is not None:
        raise OptionsError("size: goes with a picture file only", "resize the array itself", "bad-size")
    return Source(picture, "the picture", np.ones(2), "array")
