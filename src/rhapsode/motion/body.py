"""A body that is alive: it breathes, and now and then shifts its weight.

In silence people breathe 12 to 16 times a minute. Who speaks breathes out as long as the words last, and in where they
pause, fast (Fuchs, Petrone, Krivokapic, Hoole, Acoustic and respiratory evidence for utterance planning, 2013).
"""

import copy
from typing import Final, NamedTuple

import numpy as np

from rhapsode.audio.mel import MOTION_RATE

#: Seconds of breathing in and out in silence, and how much they vary, as a share.
_IN, _OUT, _VARIES = 1.7, 2.6, 0.1
#: Seconds of breathing in between words, and of breathing out while words last.
_GASP, _SPEECH = 0.55, 6.0
#: Depths of a breath, at rest and between words.
_DEPTH, _DEEP = 1.0, 1.25
#: A pause: a voice below this, for so many seconds, at least so long after the last breath was drawn.
_SILENT, _PAUSE, _APART = 0.3, 0.12, 1.5
#: What a breath of depth 1 lifts, canonical units: the shoulders, 0.6 % of the height of a head, and the head, which
#: tips back by so many radians.
_SHOULDERS, _HEAD, _NOD = 0.014, 0.005, 0.003
#: Seconds between shifts of the weight, the least and the mean beyond; of a shift; its deviation, canonical units, how
#: much of it the shoulders take, and radians that the head leans, a unit.
_STANDS, _SHIFT, _SWAY, _FOLLOW, _LEAN = (4.0, 6.0), 1.8, 0.016, 0.7, 0.4
#: Seconds over which all of this is smoothed.
_SMOOTH: Final = 0.09


class BodyMotion(NamedTuple):
    """Say what one frame of a body adds to the head, and where its shoulders are, as in `Motion`.

    Attributes:
        rotation: (3,) of the head, radians.
        translation: (3,) of the head, canonical units.
        shoulders: (2,) how far the shoulders move, canonical units, to the picture's right, and down.
    """

    rotation: np.ndarray
    translation: np.ndarray
    shoulders: np.ndarray


class BodyStream:
    """Breath and shifts of the weight, frame by frame."""

    def __init__(self, rng: np.random.Generator, gain: float = 1.0) -> None:
        """Start breathed out, upright.

        Args:
            rng: draws lengths of breaths, and shifts.
            gain: of all; breath grows no deeper than natural.
        """
        self._rng, self._gain = rng, gain
        self._frame = 0
        self._breath, self._sway = _Course(0.0), _Course(0.0)
        self._draws = False
        self._drawn = 0.0  # seconds at which the last breath was drawn
        self._spoke = -np.inf  # seconds at which a voice sounded last
        self._first, self._second = np.zeros(2), np.zeros(2)
        self._shifts_at = self._stand()
        self._breath.go(0.0, 0.0, self._vary(0.5 * _OUT))

    def next(self, voice: float) -> BodyMotion:
        """Move on by a frame; `voice` in [0, 1] says how surely a voice sounds."""
        time = self._frame / MOTION_RATE
        self._frame += 1
        self._breathe(time, voice)
        if time >= self._shifts_at:
            self._sway.go(time, _SWAY * float(np.clip(self._rng.standard_normal(), -2, 2)), self._vary(_SHIFT))
            self._shifts_at = time + self._stand()
        keep = np.exp(-1 / (MOTION_RATE * _SMOOTH))
        wanted = np.array([self._gain * self._sway.at(time), min(self._gain, 1.0) * self._breath.at(time)])
        self._first = wanted + keep * (self._first - wanted)
        self._second = self._first + keep * (self._second - self._first)
        sway, breath = self._second
        return BodyMotion(
            np.array([-_NOD * breath, 0.0, _LEAN * sway]),
            np.array([sway, -_HEAD * breath, 0.0]),
            np.array([_FOLLOW * sway, -_SHOULDERS * breath]),
        )

    def copy(self) -> "BodyStream":
        """Copy the stream; both then move alike."""
        return copy.deepcopy(self)

    def _breathe(self, time: float, voice: float) -> None:
        """Choose whether the chest rises or falls."""
        speaks = voice >= _SILENT
        if speaks:
            self._spoke = time
        silent = time - self._spoke
        pauses = _PAUSE <= silent < _PAUSE + 1.5 / MOTION_RATE
        if self._draws and (speaks or self._breath.is_over(time)):
            self._draws, self._drawn = False, time
            self._breath.go(time, 0.0, _SPEECH if speaks else self._vary(_OUT))
        elif not self._draws and pauses and time - self._drawn > _APART:
            self._draw(time, _DEEP, _GASP)
        elif not self._draws and silent > 2 * _PAUSE and self._breath.is_over(time):
            self._draw(time, _DEPTH, self._vary(_IN))

    def _draw(self, time: float, depth: float, seconds: float) -> None:
        self._draws = True
        self._breath.go(time, depth, seconds)

    def _vary(self, seconds: float) -> float:
        return seconds * float(np.exp(_VARIES * self._rng.standard_normal()))

    def _stand(self) -> float:
        return _STANDS[0] + float(self._rng.exponential(_STANDS[1]))


class _Course:
    """A value that goes smoothly from one to another."""

    def __init__(self, value: float) -> None:
        self._from = self._to = value
        self._start, self._seconds = 0.0, 1.0

    def go(self, time: float, to: float, seconds: float) -> None:
        self._from, self._to, self._start, self._seconds = self.at(time), to, time, seconds

    def is_over(self, time: float) -> bool:
        return time >= self._start + self._seconds

    def at(self, time: float) -> float:
        share = min(max((time - self._start) / self._seconds, 0.0), 1.0)
        return self._from + share * share * (3 - 2 * share) * (self._to - self._from)
