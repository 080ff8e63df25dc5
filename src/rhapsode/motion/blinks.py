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


def sample_blinks(frames: int, chance: np.random.Generator, rate: float = 1.0) -> np.ndarray:
    """Lid closure over time.

    Args:
        frames: how many, 60 a second.
        chance: the source of chance.
        rate: how many times as often as natural; 0 for never.

    Returns:
        (T, 2) float32, 0 open .. 1 closed, right eye and left eye. Both lids move together.
    """
    closure = np.zeros(frames, np.float32)
    if rate <= 0:
        return np.stack([closure, closure], axis=1)
    time, end = 0.0, frames / MOTION_RATE
    while True:
        interval = MEDIAN_INTERVAL * np.exp(INTERVAL_SPREAD * chance.standard_normal())
        # The first one may come at any moment of an interval already running.
        time += max(interval * (chance.random() if time == 0 else 1.0) / rate, _SHORTEST_INTERVAL)
        if time + _LENGTH >= end:
            return np.stack([closure, closure], axis=1)
        first = int(np.ceil(time * MOTION_RATE))
        last = int((time + _LENGTH) * MOTION_RATE)
        closure[first : last + 1] = _COURSE(np.arange(first, last + 1) / MOTION_RATE - time)
