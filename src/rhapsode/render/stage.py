"""What frames are drawn from: the picture as one piece, or the person as a layer over what is behind."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from rhapsode.render.cut_out import CutOut, lay
from rhapsode.render.fine import FinePicture
from rhapsode.render.grid import Box

#: Rows that are drawn at once.
_ROWS = 48
#: Alpha, of 255, from which on a pixel's own light tells its colour.
_TELLING = 24


@dataclass(frozen=True)
class Stage:
    """Where a portrait is drawn.

    Attributes:
        still: (H, W, 3) uint8 RGB, the frame without any motion.
        picture: to look up, 3 channels, or 4 where the person is a layer of its own (`CutOut.person`).
        skin: the same without what lies between the lips.
        person: (H, W, 4) uint8, the person where it is a layer.
        behind: (H, W, 3) uint8 RGB, what is behind such a person; it stays where it is.
        around: (H, W, 3) uint8 RGB, the colours of the person, and of none around it, where frames are transparent.
    """

    still: np.ndarray
    picture: FinePicture
    skin: FinePicture
    person: np.ndarray | None = None
    behind: np.ndarray | None = None
    around: np.ndarray | None = None

    @classmethod
    def of_one_piece(cls, image: np.ndarray, skin: np.ndarray, sharpening: float) -> "Stage":
        """Make a stage on which the background near the head moves along, less and less.

        Args:
            image: (H, W, 3) uint8 RGB.
            skin: (H, W, 3) uint8 RGB, the same without what lies between the lips; may be the same array.
            sharpening: of `FinePicture`.
        """
        picture = FinePicture(image, sharpening)
        return cls(image, picture, picture if skin is image else FinePicture(skin, sharpening))

    @classmethod
    def of_layers(cls, cut: CutOut, image: np.ndarray, skin: np.ndarray, sharpening: float) -> "Stage":
        """Make a stage on which the picture's own background stays still; arguments as in `of_one_piece`."""
        return cls._layered(cut.person, image, cut.behind, image, skin, sharpening)

    @classmethod
    def before(
        cls, cut: CutOut, backdrop: np.ndarray | None, image: np.ndarray, skin: np.ndarray, sharpening: float
    ) -> "Stage":
        """Make a stage with another background, (H, W, 3) uint8 RGB, or none; else as in `of_one_piece`."""
        if backdrop is None:
            black = np.zeros_like(image)
            bare = cls._layered(cut.free, cut.free[..., :3].copy(), black, image, skin, sharpening)
            return replace(bare, around=cut.around)
        still = np.empty_like(image)
        lay(cut.free, backdrop, still)
        return cls._layered(cut.free, still, backdrop, image, skin, sharpening)

    @classmethod
    def _layered(
        cls,
        person: np.ndarray,
        still: np.ndarray,
        behind: np.ndarray,
        image: np.ndarray,
        skin: np.ndarray,
        sharpening: float,
    ) -> "Stage":
        picture = shut = FinePicture(person, sharpening)
        if skin is not image:
            light, alpha = person[..., :3], person[..., 3:]
            shut = FinePicture(np.concatenate([np.where(alpha == 255, skin, light), alpha], axis=-1), sharpening)
        return cls(still, picture, shut, person, behind)

    @cached_property
    def _columns(self) -> tuple[np.ndarray, np.ndarray]:
        """First and last column of the person in each row, plus one, (H,) each."""
        height, width = self.still.shape[:2]
        if self.person is None:
            return np.zeros(height, int), np.full(height, width)
        seen = self.person[..., 3] > 0
        left, right = seen.argmax(1), width - seen[:, ::-1].argmax(1)
        none = ~seen.any(1)
        left[none], right[none] = width, 0
        return left, right

    def parts(self, area: Box, reach: int) -> Iterator[Box]:
        """Give the pixels of an area that can show the person, some rows at a time, so that they stay in the cache.

        Args:
            area: of the frame.
            reach: pixels by which anything moves at most.
        """
        first, last = self._columns
        for top in range(area.top, area.bottom, _ROWS):
            bottom = min(top + _ROWS, area.bottom)
            near = slice(max(top - reach, 0), bottom + reach)
            left, right = int(first[near].min()) - reach, int(last[near].max()) + reach
            part = Box(max(left, area.left), top, min(right, area.right), bottom)
            if not part.is_empty:
                yield part

    @property
    def is_clear(self) -> bool:
        """Tell whether frames are transparent where the person is not."""
        return self.around is not None

    def canvas(self, shown: Box) -> "Canvas":
        """Begin a frame that shows a part of the picture."""
        alpha = None if self.person is None or self.around is None else self.person[..., 3].copy()
        return Canvas(self, self.still.copy(), shown, alpha)


@dataclass(frozen=True)
class Canvas:
    """A frame that is being drawn.

    Attributes:
        stage: what it is drawn from.
        frame: (H, W, 3) uint8 RGB, as large as the picture.
        shown: the part of it that is to be seen.
        alpha: (H, W) uint8, the person's share, where the frame is transparent.
    """

    stage: Stage
    frame: np.ndarray
    shown: Box
    alpha: np.ndarray | None = None

    def draw(self, picture: FinePicture, places: np.ndarray, box: Box) -> None:
        """Fill a box of the frame.

        Args:
            picture: the stage's `picture` or `skin`.
            places: (h, w, 2) float32, where in the picture its pixels come from, times `picture.scale`.
            box: of h x w pixels.
        """
        part = self.frame[box.slices]
        if self.stage.behind is None:
            picture.look_up(places, part)
            return
        person = np.empty((*part.shape[:2], 4), np.uint8)
        picture.look_up(places, person)
        lay(person, self.stage.behind[box.slices], part)
        if self.alpha is not None:
            self.alpha[box.slices] = person[..., 3]

    def finished(self) -> np.ndarray:
        """Give what is shown, (h, w, 3) uint8 RGB, or (h, w, 4) RGBA whose colours are not multiplied by alpha."""
        shown = self.shown.slices
        if self.alpha is None or self.stage.around is None:
            return np.ascontiguousarray(self.frame[shown])
        colours, alpha = self.frame[shown], self.alpha[shown]
        edge = alpha < 255
        share = alpha[edge].astype(np.float32)[:, None]
        # Little light says little of its colour.
        known = np.minimum(share / _TELLING, 1)
        own = np.minimum(colours[edge] * (255 / np.maximum(share, 1)), 255)
        colours[edge] = np.rint(known * own + (1 - known) * self.stage.around[shown][edge])
        return np.dstack([colours, alpha])
