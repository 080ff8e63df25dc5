"""Motion: what a face and a head do over time, free of any one person's shape."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from rhapsode.audio.mel import MOTION_RATE


@dataclass(frozen=True)
class Motion:
    """T moments of motion, 60 a second; moment m lies at m/60 s.

    Attributes:
        expression: (T, 68, 3) float32 offsets from the resting face, canonical space, eyelids left out.
        lids: (T, 2) float32, 0 as at rest .. 1 closed; the subject's right eye, then the left.
        rotation: (T, 3) rotation vectors of the head about the base of the skull, radians, camera axes.
        translation: (T, 3) shifts of that point, canonical units.
    """

    expression: np.ndarray
    lids: np.ndarray
    rotation: np.ndarray
    translation: np.ndarray

    def __len__(self) -> int:
        return len(self.expression)

    def first(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Expression (68, 3), lids (2,), rotation (3,) and translation (3,) of the first moment."""
        return self.expression[0], self.lids[0], self.rotation[0], self.translation[0]

    def at(self, time: Fraction) -> "Motion":
        """The moment `time` seconds from the start (T = 1), between two frames a blend of both."""
        place = min(max(time * MOTION_RATE, Fraction(0)), Fraction(len(self) - 1))
        left = int(place)
        right = min(left + 1, len(self) - 1)
        share = float(place - left)

        def blend(values: np.ndarray) -> np.ndarray:
            return values[left : left + 1] * (1 - share) + values[right : right + 1] * share

        return Motion(blend(self.expression), blend(self.lids), blend(self.rotation), blend(self.translation))


def joined(moments: list[Motion]) -> Motion:
    """Stretches of motion as one."""
    fields = ("expression", "lids", "rotation", "translation")
    return Motion(*(np.concatenate([getattr(one, name) for one in moments]) for name in fields))
