"""A portrait: a picture whose face is measured, with all that animations and sessions of it share."""

import logging
import threading
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from rhapsode.face.choice import FaceChoice
from rhapsode.face.lasting import taken_to
from rhapsode.face.tracker import Face
from rhapsode.face.units import AT_REST
from rhapsode.media.backdrop import KEEP, TRANSPARENT, backdrop
from rhapsode.paint.layers import mouth_layers
from rhapsode.paint.networks import PictureNetworks
from rhapsode.paint.painter import MouthPainter
from rhapsode.render.group import MeasuredGroup
from rhapsode.render.portrait import MeasuredPortrait
from rhapsode.render.renderer import Renderer
from rhapsode.render.stage import Stage
from rhapsode.style.references import key_motions
from rhapsode.style.style import Style

_log = logging.getLogger(__name__)

#: Painters and renderers that a portrait keeps.
_MOST_KEPT = 8

Key = TypeVar("Key")
Value = TypeVar("Value")


class Portrait:
    """A picture of one person, ready for any number of animations and sessions, in any threads.

    Attributes:
        measured: the picture and the measures of its face.
        choice: the faces that the picture shows, and which of them speaks.
        hashes: SHA-256 of the picture, then of extra photos (`credentials.origin.picture_hash`).
    """

    def __init__(
        self,
        measured: MeasuredPortrait,
        networks: PictureNetworks,
        extra_photos: Sequence[tuple[np.ndarray, Face, str]] = (),
        choice: FaceChoice | None = None,
        hashes: tuple[str, ...] = (),
        reframe: Callable[[float], "Portrait"] | None = None,
    ) -> None:
        """Take what was measured; `Animator.load_portrait` makes a portrait.

        Args:
            measured: the picture and its face.
            networks: paint its mouth.
            extra_photos: other photos of the same person: (H, W, 3) uint8 RGB, the face in it, and its name.
            choice: among the faces of the picture; the measured one is the only one where None.
            hashes: of the pictures.
            reframe: makes a portrait of the same face for frames of another shape, width by height.
        """
        self.measured = measured
        self.choice = choice or FaceChoice((measured.face,))
        self.hashes = hashes
        self._networks = networks
        self._extra_photos = tuple(extra_photos)
        self._lock = threading.Lock()
        self._reframe = reframe
        self._framed: dict[float, Portrait] = {}
        self._expressions: dict[bytes, np.ndarray] = {}
        self._painters: dict[bytes, MouthPainter] = {}
        self._renderers: dict[tuple[bytes, bool, str], Renderer] = {}

    @property
    def width(self) -> int:
        """Give the width of the frames, pixels: that of the picture, unless it is `framed`."""
        return self.measured.shown.width

    @property
    def height(self) -> int:
        """Give the height of the frames, pixels."""
        return self.measured.shown.height

    def framed(self, ratio: float | None) -> "Portrait":
        """Give the portrait for frames of another shape (`render.framing`); it is made once for each.

        Args:
            ratio: width by height; that of the picture where None.

        Raises:
            PortraitError: at the size that was asked for, the face is too small.
        """
        if ratio is None or self._reframe is None:
            return self
        reframe = self._reframe
        with self._lock:
            return kept(self._framed, ratio, lambda: reframe(ratio))

    @property
    def rest(self) -> np.ndarray:
        """Give the canonical landmarks of the face as the picture shows it, (68, 3) float64."""
        return self.measured.rest

    def expressing(self, asked: np.ndarray) -> np.ndarray:
        """Give the units of the expression basis that take the face to an expression (`face.lasting.taken_to`).

        Args:
            asked: (51,) units of expression against a neutral face.

        Returns:
            (51,) float32; they are found once for each expression.
        """
        with self._lock:
            return kept(self._expressions, asked.tobytes(), lambda: taken_to(asked, self.measured.face))

    def responding(self, asked: np.ndarray, response: np.ndarray) -> np.ndarray:
        """Give the change of units of the basis that belongs to a change of an expression.

        Args:
            asked: (51,) the expression, as in `expressing`.
            response: (N, 51) changes of it.

        Returns:
            (N, 51) float32.
        """
        lasting = self.expressing(asked)
        return np.stack([self.expressing(asked + one) - lasting if one.any() else AT_REST for one in response])

    def painter(self, style: Style | None = None) -> MouthPainter:
        """Give what paints the mouth; it is made once for each style.

        Args:
            style: its key motions are what the ISP images show; the shipped key motions where None.
        """
        with self._lock:
            return self._painter(_references(style))

    def renderer(self, style: Style | None = None, teeth: bool = True, background: str = KEEP) -> Renderer:
        """Give what draws frames; it is made once for each style.

        Args:
            style: as in `painter`.
            teeth: whether teeth are drawn in a mouth of which no picture shows any.
            background: as in `AnimationOptions`.

        Raises:
            OptionsError: no such background.
            PortraitError: another background, and the person cannot be told from the picture's own.
        """
        references = _references(style)
        with self._lock:
            return kept(
                self._renderers,
                (references.tobytes(), teeth, background),
                lambda: Renderer(
                    self.measured,
                    mouth_layers(self.measured, self._painter(references), teeth=teeth),
                    staged(self.measured, background),
                ),
            )

    def _painter(self, references: np.ndarray) -> MouthPainter:
        return kept(self._painters, references.tobytes(), lambda: self._new_painter(references))

    def _new_painter(self, references: np.ndarray) -> MouthPainter:
        photos = [(image, face) for image, face, _ in self._extra_photos]
        painter = MouthPainter(self.measured, self._networks, references, extra_photos=photos)
        for number in painter.unusable_photos if not self._painters else ():
            name = self._extra_photos[number][2]
            _log.warning("%s: the head is turned too differently from the portrait's; the photo is left out", name)
        return painter


def staged(measured: MeasuredPortrait | MeasuredGroup, background: str) -> Stage:
    """Give what frames before a background are drawn from; `background` as in `AnimationOptions`.

    Raises:
        OptionsError: no such background.
        PortraitError: another background, and a person cannot be told from the picture's own.
    """
    if background == KEEP:
        return measured.stage
    if background == TRANSPARENT:
        return measured.before(None)
    shown, (height, width) = measured.shown, measured.image.shape[:2]
    around = ((shown.top, height - shown.bottom), (shown.left, width - shown.right), (0, 0))
    return measured.before(np.pad(backdrop(background, shown.width, shown.height), around, mode="edge"))


def _references(style: Style | None) -> np.ndarray:
    return key_motions() if style is None else style.references


def kept(cache: dict[Key, Value], key: Key, make: Callable[[], Value]) -> Value:
    """Give what a cache holds under a key, made where it is missing; the least recently used goes when it is full."""
    value = cache.pop(key) if key in cache else make()
    cache[key] = value  # dictionaries keep their order: the most recently used stands last
    if len(cache) > _MOST_KEPT:
        del cache[next(iter(cache))]
    return value
