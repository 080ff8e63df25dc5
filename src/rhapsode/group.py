"""Several people in one picture, each with a face that is measured, who are animated together."""

import threading
from collections.abc import Callable, Mapping, Sequence

from rhapsode.errors import PortraitError
from rhapsode.face.choice import FaceChoice
from rhapsode.media.backdrop import KEEP
from rhapsode.paint.layers import mouth_layers
from rhapsode.portrait import Portrait, kept, staged
from rhapsode.render.drawn_face import DrawnFace
from rhapsode.render.group import MeasuredGroup
from rhapsode.render.renderer import Renderer
from rhapsode.style.style import Style


class Group:
    """People of one picture, ready for any number of animations, in any threads.

    Attributes:
        portraits: of those who can be animated, by the numbers of their faces, 1 the largest.
        choice: all faces that the picture shows.
        refused: why others cannot be animated; they stay as they are.
        hashes: SHA-256 of the picture.
    """

    def __init__(
        self,
        portraits: Mapping[int, Portrait],
        choice: FaceChoice,
        refused: Mapping[int, PortraitError],
        name: str = "the picture",
        reframe: Callable[[float, Sequence[int]], "Group"] | None = None,
    ) -> None:
        """Take what was measured; `Animator.load_group` makes a group.

        Args:
            portraits: one or more, of one picture.
            choice: its faces.
            refused: why faces that have no portrait have none.
            name: of the picture, for messages.
            reframe: makes a group for frames of another shape, width by height, that show some of the faces.
        """
        self.portraits, self.choice, self.refused = dict(sorted(portraits.items())), choice, dict(refused)
        self.measured = MeasuredGroup(tuple(one.measured for one in self.portraits.values()))
        self.hashes = next(iter(self.portraits.values())).hashes
        self._name, self._reframe = name, reframe
        self._lock = threading.Lock()
        self._framed: dict[tuple[float, tuple[int, ...]], Group] = {}

    @property
    def width(self) -> int:
        """Give the width of the frames, pixels."""
        return self.measured.shown.width

    @property
    def height(self) -> int:
        """Give the height of the frames, pixels."""
        return self.measured.shown.height

    def check(self, numbers: Sequence[int]) -> None:
        """Refuse faces that are not there, or that cannot be animated.

        Raises:
            PortraitError: why the first of these cannot.
        """
        for number in numbers:
            try:
                FaceChoice.of(self.choice.faces, number, self._name)
            except PortraitError as error:
                raise PortraitError(error.message, error.remedy, "no-such-speaker") from None
            if number in self.refused:
                raise self.refused[number]

    def framed(self, ratio: float | None, numbers: Sequence[int]) -> "Group":
        """Give the group for frames of another shape that show some of the faces, as `Portrait.framed`.

        People who stand outside of such frames are not in that group.

        Args:
            ratio: width by height; that of the picture where None.
            numbers: of the faces.
        """
        if ratio is None or self._reframe is None:
            return self
        reframe, key = self._reframe, (ratio, tuple(sorted(numbers)))
        with self._lock:
            return kept(self._framed, key, lambda: reframe(*key))

    def renderer(self, style: Style | None = None, teeth: bool = True, background: str = KEEP) -> Renderer:
        """Give what draws frames; arguments and errors as of `Portrait.renderer`."""
        stage = staged(self.measured, background)
        faces = [
            DrawnFace(one.measured, mouth_layers(one.measured, one.painter(style), teeth=teeth), head)
            for one, head in zip(self.portraits.values(), self.measured.heads, strict=True)
        ]
        return Renderer.of_faces(faces, stage)
