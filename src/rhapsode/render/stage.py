"""What frames are drawn from: the picture as one piece, or the person as a layer over what is behind."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from rhapsode.render.cut_out import CutOut, lay
from rhapsode.render.fine import FinePicture
from rhapsode.render.grid import Box

#: Rows that are drawn at once.
_ROWS = 48


@dataclass(frozen=True)
class Stage:
    """Where a portrait is drawn.

    Attributes:
        still: (H, W, 3) uint8 RGB, the frame without any motion.
        picture: to look up, 3 channels, or 4 where the person is a layer of its own (`CutOut.person`).
        skin: the same without what lies between the lips.
        person: (H, W, 4) uint8, the person where it is a layer.
        behind: (H, W, 3) uint8 RGB, what is behind such a person; it stays where it is.
    """

    still: np.ndarray
    picture: FinePicture
    skin: FinePicture
    person: np.ndarray | None = None
    behind: np.ndarray | None = None

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
        picture = FinePicture(cut.person, sharpening)
        if skin is image:
            return cls(image, picture, picture, cut.person, cut.behind)
        whole = cut.person[..., 3:] == 255
        shut = np.concatenate([np.where(whole, skin, cut.person[..., :3]), cut.person[..., 3:]], axis=-1)
        return cls(image, picture, FinePicture(shut, sharpening), cut.person, cut.behind)

    @cached_property
    def _columns(self) -> np.ndarray:
        """First and last column of the person in each row, plus one, (H, 2)."""
        height, width = self.still.shape[:2]
        if self.person is None:
            return np.tile([0, width], (height, 1))
        seen = self.person[..., 3] > 0
        left, right = seen.argmax(1), width - seen[:, ::-1].argmax(1)
        none = ~seen.any(1)
        left[none], right[none] = width, 0
        return np.column_stack([left, right])

    def parts(self, area: Box, reach: int) -> Iterator[Box]:
        """Give the pixels of an area that can show the person, some rows at a time, so that they stay in the cache.

        Args:
            area: of the frame.
            reach: pixels by which anything moves at most.
        """
        for top in range(area.top, area.bottom, _ROWS):
            bottom = min(top + _ROWS, area.bottom)
            near = self._columns[max(top - reach, 0) : bottom + reach]
            left, right = int(near[:, 0].min()) - reach, int(near[:, 1].max()) + reach
            part = Box(max(left, area.left), top, min(right, area.right), bottom)
            if not part.is_empty:
                yield part

    def canvas(self) -> "Canvas":
        """Begin a frame."""
        return Canvas(self, self.still.copy())


@dataclass(frozen=True)
class Canvas:
    """A frame that is being drawn.

    Attributes:
        stage: what it is drawn from.
        frame: (H, W, 3) uint8 RGB.
    """

    stage: Stage
    frame: np.ndarray

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
