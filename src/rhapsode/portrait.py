"""A portrait: a picture whose face is measured, with all that animations and sessions of it share."""

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import numpy as np

from rhapsode.errors import OptionsError, PortraitError
from rhapsode.face.cache import CachedTracker
from rhapsode.face.geometry import MIN_EYE_DISTANCE
from rhapsode.face.tracker import Face
from rhapsode.media.picture import load_picture
from rhapsode.paint.layers import mouth_layers
from rhapsode.paint.networks import PictureNetworks
from rhapsode.paint.painter import MouthPainter
from rhapsode.render.checks import PROFILE, TURNED, mouth_is_covered, turned
from rhapsode.render.portrait import MeasuredPortrait
from rhapsode.render.renderer import Renderer
from rhapsode.style.references import key_motions
from rhapsode.style.style import Style

_log = logging.getLogger(__name__)

#: Pixels between the outer corners of the eyes below which there is a warning.
SMALL_FACE = 48
#: Longest side that a picture can be brought to, pixels.
SMALLEST_SIZE, LARGEST_SIZE = 64, 4096
#: Painters and renderers that a portrait keeps.
_MOST_KEPT = 8

Picture = str | Path | np.ndarray
Key = TypeVar("Key")
Value = TypeVar("Value")


class Portrait:
    """A picture of one person, ready for any number of animations and sessions, in any threads.

    Attributes:
        measured: the picture and the measures of its face.
    """

    def __init__(
        self,
        measured: MeasuredPortrait,
        networks: PictureNetworks,
        extra_photos: Sequence[tuple[np.ndarray, Face, str]] = (),
    ) -> None:
        """Take what was measured; `Animator.load_portrait` makes a portrait.

        Args:
            measured: the picture and its face.
            networks: paint its mouth.
            extra_photos: other photos of the same person: (H, W, 3) uint8 RGB, the face in it, and its name.
        """
        self.measured = measured
        self._networks = networks
        self._extra_photos = tuple(extra_photos)
        self._lock = threading.Lock()
        self._painters: dict[bytes, MouthPainter] = {}
        self._renderers: dict[tuple[bytes, bool], Renderer] = {}

    @property
    def width(self) -> int:
        """Give the width of the picture and of its frames, pixels."""
        return int(self.measured.image.shape[1])

    @property
    def height(self) -> int:
        """Give the height of the picture and of its frames, pixels."""
        return int(self.measured.image.shape[0])

    @property
    def rest(self) -> np.ndarray:
        """Give the canonical landmarks of the face as the picture shows it, (68, 3) float64."""
        return self.measured.rest

    def painter(self, style: Style | None = None) -> MouthPainter:
        """Give what paints the mouth; it is made once for each style.

        Args:
            style: its key motions are what the ISP images show; the shipped key motions where None.
        """
        with self._lock:
            return self._painter(_references(style))

    def renderer(self, style: Style | None = None, teeth: bool = True) -> Renderer:
        """Give what draws frames; it is made once for each style.

        Args:
            style: as in `painter`.
            teeth: whether teeth are drawn in a mouth of which no picture shows any.
        """
        references = _references(style)
        with self._lock:
            return _kept(
                self._renderers,
                (references.tobytes(), teeth),
                lambda: Renderer(self.measured, mouth_layers(self.measured, self._painter(references), teeth=teeth)),
            )

    def _painter(self, references: np.ndarray) -> MouthPainter:
        return _kept(self._painters, references.tobytes(), lambda: self._new_painter(references))

    def _new_painter(self, references: np.ndarray) -> MouthPainter:
        photos = [(image, face) for image, face, _ in self._extra_photos]
        painter = MouthPainter(self.measured, self._networks, references, extra_photos=photos)
        for number in painter.unusable_photos if not self._painters else ():
            name = self._extra_photos[number][2]
            _log.warning("%s: the head is turned too differently from the portrait's; the photo is left out", name)
        return painter


def load_portrait(
    picture: Picture,
    networks: PictureNetworks,
    size: int | None = None,
    face: int | None = None,
    extra_photos: Sequence[Picture] = (),
) -> Portrait:
    """Read a picture and measure the face in it; see `Animator.load_portrait`."""
    image, name = _read(picture, size)
    with CachedTracker() as tracker:
        measured = MeasuredPortrait.from_image(image, tracker, _choose(tracker.detect(image), face, name))
        _check_view(measured, name)
        photos = []
        for photo, photo_name in map(_read, extra_photos):
            photos.append((photo, _choose(tracker.detect(photo), None, photo_name), photo_name))
    return Portrait(measured, networks, photos)


def _references(style: Style | None) -> np.ndarray:
    return key_motions() if style is None else style.references


def _kept(cache: dict[Key, Value], key: Key, make: Callable[[], Value]) -> Value:
    """Give what a cache holds under a key, made where it is missing; the least recently used goes when it is full."""
    value = cache.pop(key) if key in cache else make()
    cache[key] = value  # dictionaries keep their order: the most recently used stands last
    if len(cache) > _MOST_KEPT:
        del cache[next(iter(cache))]
    return value


def _read(picture: Picture, size: int | None = None) -> tuple[np.ndarray, str]:
    """Read a picture: (H, W, 3) uint8 RGB, and the name to use in messages."""
    if not isinstance(picture, np.ndarray):
        if size is not None and not SMALLEST_SIZE <= size <= LARGEST_SIZE:
            raise OptionsError(
                f"size={size}: not allowed", f"choose {SMALLEST_SIZE} to {LARGEST_SIZE} pixels", "bad-size"
            )
        return load_picture(Path(picture), size), str(picture)
    if picture.ndim != 3 or picture.shape[2] != 3 or picture.dtype != np.uint8:
        raise PortraitError(
            f"the picture: is {picture.dtype} of shape {picture.shape}", "pass (H, W, 3) uint8 RGB", "not-rgb"
        )
    if size is not None:
        raise OptionsError("size: goes with a picture file only", "resize the array itself", "bad-size")
    return picture, "the picture"


def _check_view(portrait: MeasuredPortrait, name: str) -> None:
    """Refuse a face in profile; warn of one seen from the side, or whose mouth is covered."""
    side = turned(portrait)
    if side > PROFILE:
        raise PortraitError(
            f"{name}: the face is turned {side:.0f} degrees to the side, at most {PROFILE:.0f} can be animated",
            "use a picture that shows it from the front",
            "profile",
        )
    if side > TURNED:
        _log.warning("%s: the face is turned %.0f degrees; one seen from the front looks better", name, side)
    if mouth_is_covered(portrait):
        _log.warning("%s: something seems to cover the mouth; the moving mouth is drawn on top of it", name)


def _choose(faces: list[Face], wanted: int | None, name: str) -> Face:
    """Choose the face to animate, by its number or the largest."""
    if not faces:
        raise PortraitError(f"{name}: no face found", "use a picture that shows a face from the front", "no-face")
    if wanted is not None and not 1 <= wanted <= len(faces):
        raise PortraitError(f"{name}: there is no face {wanted}", f"choose one from 1 to {len(faces)}", "no-such-face")
    if wanted is None and len(faces) > 1:
        text = "%s: %d faces; the largest is animated; choose another by its number"
        _log.warning(text, name, len(faces), extra={"code": "several-faces"})
    face = faces[(wanted or 1) - 1]
    if face.eye_distance < MIN_EYE_DISTANCE:
        raise PortraitError(
            f"{name}: the face is too small, {face.eye_distance:.0f} px between the outer eye corners, "
            f"at least {MIN_EYE_DISTANCE:.0f} needed",
            "use a larger picture or crop it to the face",
            "small-face",
        )
    if face.eye_distance < SMALL_FACE:
        text = "%s: the face is small, %.0f px between the outer eye corners; from %d px on it looks better"
        _log.warning(text, name, face.eye_distance, SMALL_FACE)
    return face
