"""Blinks: intervals as measured on real speakers, and the course of a real eyelid."""

import copy

import numpy as np
from scipy.interpolate import PchipInterpolator

from rhapsode.audio.mel import MOTION_RATE

#: Time between blinks: log-normal, median in seconds and standard deviation of the logarithm. Head-motion training
#: prints what it measures on the address clips: 28 blinks a minute, intervals with a deviation of 0.57. Short clips
#: miss long intervals, so the median is the one that gives the measured rate.
MEDIAN_INTERVAL, INTERVAL_SPREAD = 1.8, 0.57
_SHORTEST_INTERVAL = 0.7
#: Course of one blink, seconds -> closure: lids fall fast, stay shut for two frames at 25 a second, and rise slower.
_COURSE = PchipInterpolator([0.0, 0.045, 0.09, 0.145, 0.21, 0.29, 0.36], [0.0, 0.45, 1.0, 1.0, 0.45, 0.1, 0.0])
_LENGTH = 0.36
#: How often a blink goes with a look away or back (Evinger et al., Not looking while leaping, 1994).
_WITH_GAZE = 0.25


class BlinkStream:
    """Eyelids that blink, frame by frame."""

    def __init__(self, rng: np.random.Generator, rate: float = 1.0) -> None:
        """Start with open eyes.

        Args:
            rng: draws the intervals.
            rate: multiple of the natural rate; 0 for never.
        """
        self._rng, self._rate = rng, rate
        self._frame = 0
        self._start = 0.0  # seconds at which the blink that runs, or the next one, begins
        self._wait()

    def close(self, frames: int) -> np.ndarray:
        """Give the closure of the lids in the next frames.

        Returns:
            (frames, 2) float32, 0 open .. 1 closed, right eye and left eye; both move together.
        """
        closure = np.zeros(frames, np.float32)
        for n in range(frames):
            time = self._frame / MOTION_RATE - self._start
            if time > _LENGTH:
                self._wait()
            elif time >= 0:
                closure[n] = _COURSE(time)
            self._frame += 1
        return np.stack([closure, closure], axis=1)

    def hasten(self) -> None:
        """Say that gaze turns far now: sometimes the next blink comes with it."""
        time = self._frame / MOTION_RATE
        if time + _LENGTH < self._start < np.inf and self._rng.random() < _WITH_GAZE:
            self._start = time

    def copy(self) -> "BlinkStream":
        """Copy the stream; both then give the same blinks."""
        twin = copy.copy(self)
        twin._rng = copy.deepcopy(self._rng)
        return twin

    def _wait(self) -> None:
        """Draw when the next blink begins."""
        if self._rate <= 0:
            self._start = np.inf
            return
        interval = MEDIAN_INTERVAL * np.exp(INTERVAL_SPREAD * self._rng.standard_normal())
        # The first one may come at any time of an interval that is running already.
        share = self._rng.random() if self._start == 0 else 1.0
        self._start += max(interval * share / self._rate, _SHORTEST_INTERVAL)
