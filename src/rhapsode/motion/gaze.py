"""Where the eyes look: at the viewer while a voice sounds, sometimes away when it stops, and never with the head.

Eyes turn back by what the head turns, so that they keep what they look at (the vestibulo-ocular reflex). Between rests
they jump. Lengths of jumps, their directions, and for how long listeners meet the other's eyes and look away are those
of Lee, Badler and Badler, Eyes Alive, SIGGRAPH 2002; near the viewer, eyes jump between what a face has to see.
"""

import copy
from typing import Final

import numpy as np

from rhapsode.audio.mel import MOTION_RATE

#: Seconds for which eyes rest near the viewer: log-normal, its median and the deviation of its logarithm; its limits.
_REST, _SPREAD, _RESTS = 0.9, 0.6, (0.25, 3.0)
#: Seconds of a jump, and more for each degree.
_JUMP, _JUMP_DEGREE = 0.025, 0.0024
#: Degrees from the viewer at which eyes rest: a Rayleigh scale, how much less up and down, and at most.
_NEAR, _LEVEL, _NEAREST = 1.2, 0.6, 3.0
#: Degrees of a look away: the scale of an exponential, at least, and at most.
_AWAY, _AWAYS = 6.9, (4.0, 9.0)
#: How often, in percent, eyes jump to the picture's right, down, left, up, and between (every 45 degrees).
_DIRECTIONS: Final = np.array([15.54, 7.79, 20.38, 7.89, 16.80, 7.44, 17.69, 6.46])
#: Seconds of a look away, the mean of an exponential, in the pause of a speaker and in a listener.
_PAUSE_AWAY, _LISTENER_AWAY = 0.93, 0.43
#: How often a pause begins with a look away; seconds between those of a listener, the mean.
_AWAY_SHARE, _LISTENER_MEETS = 0.5, 7.9
#: A pause begins where a voice falls below the one, and speech above the other.
_SILENT, _SPEAKS = 0.3, 0.7


class GazeStream:
    """Eyes that look around, frame by frame."""

    def __init__(self, rng: np.random.Generator, gain: float = 1.0) -> None:
        """Start with the gaze of the picture.

        Args:
            rng: draws rests and jumps.
            gain: multiple of the natural sizes of jumps; 0 for eyes that turn with the head.
        """
        self._rng, self._gain = rng, gain
        self._frame = 0
        self._from = self._to = np.zeros(2)  # degrees from the viewer
        self._start = 0.0  # seconds at which the last jump began
        self._until = self._rest()
        self._speaks = self._is_away = False

    def next(self, voice: float, rotation: np.ndarray) -> tuple[np.ndarray, bool]:
        """Give the gaze in the next frame.

        Args:
            voice: in [0, 1], how surely a voice sounds.
            rotation: (3,) of the head, as in `Motion`.

        Returns:
            (2,) angles in the head from where the picture looks, radians, to the picture's right, and down; and whether
            a look away begins or ends with this frame.
        """
        time = self._frame / MOTION_RATE
        self._frame += 1
        was_away = self._is_away
        if self._speaks and voice < _SILENT:
            self._speaks = False
            if self._rng.random() < _AWAY_SHARE:
                self._look_away(time, _PAUSE_AWAY)
        elif not self._speaks and voice > _SPEAKS:
            self._speaks = True
            if self._is_away:
                self._look_near(time)
        if time >= self._until:
            share = (self._until - self._start) / _LISTENER_MEETS
            if not self._speaks and not self._is_away and self._rng.random() < share:
                self._look_away(time, _LISTENER_AWAY)
            else:
                self._look_near(time)
        kept = min(self._gain, 1.0) * np.array([rotation[1], -rotation[0]])
        return np.radians(self._gain * self._place(time)) + kept, self._is_away != was_away

    def copy(self) -> "GazeStream":
        """Copy the stream; both then look the same way."""
        twin = copy.copy(self)  # its arrays are replaced, never written to
        twin._rng = copy.deepcopy(self._rng)
        return twin

    def _look_near(self, time: float) -> None:
        size, angle = min(self._rng.rayleigh(_NEAR), _NEAREST), self._rng.uniform(0, 2 * np.pi)
        self._jump(time, size * np.array([np.cos(angle), _LEVEL * np.sin(angle)]), self._rest())
        self._is_away = False

    def _look_away(self, time: float, seconds: float) -> None:
        size = float(np.clip(self._rng.exponential(_AWAY), *_AWAYS))
        angle = np.pi / 4 * (self._rng.choice(8, p=_DIRECTIONS / _DIRECTIONS.sum()) + self._rng.uniform(-0.5, 0.5))
        to = size * np.array([np.cos(angle), np.sin(angle)])
        self._jump(time, to, max(float(self._rng.exponential(seconds)), _RESTS[0]))
        self._is_away = True

    def _jump(self, time: float, to: np.ndarray, rest: float) -> None:
        self._from, self._to, self._start = self._place(time), to, time
        self._until = time + self._length() + rest

    def _place(self, time: float) -> np.ndarray:
        share = min((time - self._start) / self._length(), 1.0)
        place: np.ndarray = self._from + share * share * (3 - 2 * share) * (self._to - self._from)
        return place

    def _length(self) -> float:
        return _JUMP + _JUMP_DEGREE * float(np.linalg.norm(self._to - self._from))

    def _rest(self) -> float:
        return float(np.clip(_REST * np.exp(_SPREAD * self._rng.standard_normal()), *_RESTS))
