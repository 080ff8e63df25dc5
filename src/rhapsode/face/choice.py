"""Which of the faces of a picture speaks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rhapsode.errors import PortraitError
from rhapsode.face.face import Face

_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth", "tenth")


@dataclass(frozen=True)
class FaceChoice:
    """The faces of a picture, and the one that speaks.

    Attributes:
        faces: all that were found, largest first.
        number: that of the one that speaks, 1 the largest.
    """

    faces: tuple[Face, ...]
    number: int = 1

    @classmethod
    def of(cls, faces: Sequence[Face], wanted: int | None, name: str) -> "FaceChoice":
        """Choose a face.

        Args:
            faces: one or more, largest first.
            wanted: number of the face, 1 the largest; the largest where None.
            name: of the picture, for messages.

        Raises:
            PortraitError: there is no face of that number.
        """
        if wanted is not None and not 1 <= wanted <= len(faces):
            among = f"choose one from 1 to {len(faces)}" if len(faces) > 1 else "the picture shows one: choose 1"
            raise PortraitError(f"{name}: there is no face {wanted}", among, "no-such-face")
        return cls(tuple(faces), wanted or 1)

    @property
    def face(self) -> Face:
        """The face that speaks."""
        return self.faces[self.number - 1]

    def scaled(self, scale: np.ndarray, left: float = 0, top: float = 0) -> "FaceChoice":
        """The same faces in a part of the picture at another size, as `Face.scaled`."""
        return FaceChoice(tuple(face.scaled(scale, left, top) for face in self.faces), self.number)

    def position(self, number: int) -> int:
        """Which from the left a face is, 1 the leftmost."""
        middles = [face.mesh[:, 0].mean() for face in self.faces]
        return int(np.argsort(np.argsort(middles))[number - 1]) + 1

    def place(self, number: int) -> str:
        """Where a face is in words, such as "second from the left"."""
        return f"{_ordinal(self.position(number))} from the left"

    @property
    def speaker(self) -> str:
        """The face that speaks in words, such as "the largest, second from the left of 3"; "the only one"."""
        if len(self.faces) == 1:
            return "the only one"
        size = "the largest" if self.number == 1 else f"{_ordinal(self.number)} by size"
        return f"{size}, {self.place(self.number)} of {len(self.faces)}"

    @property
    def others(self) -> str:
        """The other faces in words, each by its number: "2 (first from the left), 3 (third)"."""
        rest = [number for number in range(1, len(self.faces) + 1) if number != self.number]
        words = [f"{number} ({_ordinal(self.position(number))})" for number in rest]
        return ", ".join(words).replace(")", " from the left)", 1)


def _ordinal(number: int) -> str:
    return _ORDINALS[number - 1] if number <= len(_ORDINALS) else f"{number}th"
