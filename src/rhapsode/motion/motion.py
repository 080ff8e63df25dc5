"""Motion: what a face and a head do over time, independent of any one person's shape."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from rhapsode.audio.mel import MOTION_RATE
from rhapsode.motion.lids import moved_lids


@dataclass(frozen=True)
class Motion:
    """Hold T frames of motion, 60 a second; frame m belongs to time m/60 s.

    Attributes:
        expression: (T, 68, 3) float32 offsets from the resting face, canonical space, without eyelids.
        lids: (T, 2) float32, blinks, 0 as at rest .. 1 closed; the subject's right eye, then the left.
        rotation: (T, 3) rotation vectors of the head about the base of the skull, radians, camera axes.
        translation: (T, 3) shifts of that point, canonical units.
        voice: (T,) float in [0, 1], how surely a voice sounds.
        units: (T, 51) float32, units of expression (`face.units`) beyond those of the picture. `expression` holds what
            they do to the landmarks; lids, cheeks and the rest of the skin follow them when a frame is drawn.
        gaze: (T, 2) float32, where the eyes look in the head, from where the picture looks, radians: to the picture's
            right, and down.
        shoulders: (T, 2) float32, how far they move, canonical units: to the picture's right, and down. They also
            follow a part of `translation`.
    """

    expression: np.ndarray
    lids: np.ndarray
    rotation: np.ndarray
    translation: np.ndarray
    voice: np.ndarray
    units: np.ndarray
    gaze: np.ndarray
    shoulders: np.ndarray

    def __len__(self) -> int:
        return len(self.expression)

    def first(self) -> tuple[np.ndarray, ...]:
        """Give what `Renderer.render` takes, of the first frame.

        Returns:
            expression (68, 3), lids (2, 2) as `moved_lids` gives them, rotation (3,), translation (3,), units (51,),
            gaze (2,) and shoulders (2,).
        """
        lids = moved_lids(self.lids[:1], self.units[:1])[0]
        head = self.rotation[0], self.translation[0]
        return self.expression[0], lids, *head, self.units[0], self.gaze[0], self.shoulders[0]

    def at(self, time: Fraction) -> "Motion":
        """Interpolate linearly at `time` seconds from the first frame (T = 1); the ends are held."""
        place = min(max(time * MOTION_RATE, Fraction(0)), Fraction(len(self) - 1))
        left = int(place)
        right = min(left + 1, len(self) - 1)
        share = float(place - left)

        def blend(values: np.ndarray) -> np.ndarray:
            return values[left : left + 1] * (1 - share) + values[right : right + 1] * share

        return Motion(*(blend(values) for values in vars(self).values()))


def joined(parts: Sequence[Motion]) -> Motion:
    """Join stretches of motion."""
    columns = zip(*(vars(part).values() for part in parts), strict=True)
    return Motion(*(np.concatenate(column) for column in columns))
