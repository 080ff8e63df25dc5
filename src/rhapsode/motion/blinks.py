"""Blinks: when, from the habits of real speakers; how, from the course of a real lid."""

import numpy as np
from scipy.interpolate import PchipInterpolator

from rhapsode.audio.mel import MOTION_RATE

#: Time between blinks: log-normal, median seconds and spread of the logarithm. `rhapsode train head-motion` prints
#: what it measures on the address clips: 28 blinks a minute, intervals spread by 0.57. Short clips miss long
#: intervals, so the median is the one that gives the measured rate.
MEDIAN_INTERVAL, INTERVAL_SPREAD = 1.8, 0.57
_SHORTEST_INTERVAL = 0.7
#: Course of one blink, seconds -> closure: lids fall fast, meet for two frames at 25 a second, and rise slower.
_COURSE = PchipInterpolator([0.0, 0.045, 0.09, 0.145, 0.21, 0.29, 0.36], [0.0, 0.45, 1.0, 1.0, 0.45, 0.1, 0.0])
_LENGTH = 0.36


def sample_blinks(frames: int, rng: np.random.Generator, rate: float = 1.0) -> np.ndarray:
    """Lid closure over time.

    Args:
        frames: how many, 60 a second.
        rng: the source of chance.
        rate: how many times as often as natural; 0 for never.

    Returns:
        (T, 2) float32, 0 open .. 1 closed, right eye and left eye. Both lids move together.
    """
    stream = BlinkStream(rng, rate)
    lids = stream.close(frames)
    # A blink that the end would cut is left out.
    lids[stream.began :] = 0
    return lids


class BlinkStream:
    """Lids that blink, frame by frame.

    Attributes:
        began: the frame in which the blink of now or to come begins.
    """

    def __init__(self, rng: np.random.Generator, rate: float = 1.0) -> None:
        """Start with open eyes; arguments as in `sample_blinks`."""
        self._chance, self._rate = rng, rate
        self._frame = 0
        self._time = 0.0
        self._wait()

    def close(self, frames: int) -> np.ndarray:
        """The next frames, as in `sample_blinks`."""
        closure = np.zeros(frames, np.float32)
        for n in range(frames):
            time = self._frame / MOTION_RATE - self._time
            if time > _LENGTH:
                self._wait()
            elif time >= 0:
                closure[n] = _COURSE(time)
            self._frame += 1
        return np.stack([closure, closure], axis=1)

    def _wait(self) -> None:
        if self._rate <= 0:
            self._time = np.inf
            self.began = np.iinfo(int).max
            return
        interval = MEDIAN_INTERVAL * np.exp(INTERVAL_SPREAD * self._chance.standard_normal())
        # The first one may come at any moment of an interval already running.
        share = self._chance.random() if self._time == 0 else 1.0
        self._time += max(interval * share / self._rate, _SHORTEST_INTERVAL)
        self.began = int(np.ceil(self._time * MOTION_RATE))
