"""Fit the head model to people who speak to a camera, and measure how often they blink.

rhapsode train head-motion --data DATA --out MODEL
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rhapsode.data.head_path import head_path
from rhapsode.data.store import PreparedClip, open_store
from rhapsode.files import atomic_write
from rhapsode.metrics.head import blinks, lid_closure
from rhapsode.motion.head import HeadModel
from rhapsode.progress import Progress, no_progress
from rhapsode.training.run import Run, describe_clips

_log = logging.getLogger(__name__)

#: Steps (0.1 s) that a covariance of five numbers needs at least.
_ENOUGH = 20
#: Seconds between two closures of the lids from which they count as two blinks.
_FLUTTER = 0.3


@dataclass(frozen=True)
class HeadMotionRecipe:
    """Settings of the head model."""

    data: Path
    """Folder of clips, or a prepared store of them."""
    out: Path
    """Model folder; made where missing."""
    store: Path = Path("stores/clips")
    """Folder of prepared clips, filled on the first run; not used where `data` is a store."""
    style: str = "address"
    """Style of the clips to learn from."""
    order: int = 3
    """Order of the autoregression, in steps of 0.1 s."""
    ridge: float = 1e-3
    """Ridge penalty of the coefficients, relative to the variance of the motion."""


def fit_head(paths: Sequence[tuple[np.ndarray, np.ndarray]], order: int, ridge: float) -> HeadModel:
    """Fit the autoregression to several clips by least squares, and damp it where it would diverge.

    Args:
        paths: motion and voice activity of each clip, as `head_path` measures them.
        order: steps that it looks back.
        ridge: penalty of the coefficients, relative to the variance of the motion.
    """
    past = np.concatenate([_past(path, order) for path, _ in paths])
    now = np.concatenate([path[order:] for path, _ in paths])
    voice = np.concatenate([activity[order:] for _, activity in paths])
    penalty = ridge * np.trace(past.T @ past) / past.shape[1]
    solved = np.linalg.solve(past.T @ past + penalty * np.eye(past.shape[1]), past.T @ now)
    coefficients = solved.T.reshape(5, order, 5).transpose(1, 0, 2)
    coefficients = _damp(coefficients)
    error = now - past @ solved
    speech = _innovation(error, voice >= 0.5, "speech")
    return HeadModel(coefficients, speech, _innovation(error, voice < 0.5, "pauses"))


def _innovation(error: np.ndarray, chosen: np.ndarray, what: str) -> np.ndarray:
    """Find L with L L^T the covariance of the chosen errors (N, 5), or of all where too few are chosen."""
    if chosen.sum() < _ENOUGH:
        _log.warning("%d steps of %s are too few for a covariance; using all steps", chosen.sum(), what)
        chosen = np.ones(len(error), bool)
    return np.linalg.cholesky(np.cov(error[chosen].T) + 1e-12 * np.eye(5))


def _past(path: np.ndarray, order: int) -> np.ndarray:
    return np.concatenate([path[order - k : len(path) - k] for k in range(1, order + 1)], axis=1)


def _damp(coefficients: np.ndarray, radius: float = 0.985) -> np.ndarray:
    """Pull the poles inside the circle `radius`, so that the head returns to the picture's pose."""
    order = len(coefficients)
    companion = np.eye(5 * order, k=-5)
    companion[:5] = np.concatenate(list(coefficients), axis=1)
    largest = float(np.abs(np.linalg.eigvals(companion)).max())
    powers = min(radius / largest, 1.0) ** np.arange(1, order + 1)
    return coefficients * powers[:, None, None]


def train(recipe: HeadMotionRecipe, progress: Progress = no_progress) -> Path:
    """Run the recipe; `blinks.json` in the run's folder has what was measured of blinks.

    Returns:
        The head model, a file of the model.

    Raises:
        DataError: there is no clip of the style, or the model folder holds a training with other settings.
    """
    store = open_store(recipe.data, recipe.store, progress, split="train", style=recipe.style)
    run = Run.open(recipe, "head_motion")
    clips = store.load_all()
    fit_head([head_path(clip) for clip in clips], recipe.order, recipe.ridge).save(run.path("head_motion.safetensors"))
    atomic_write(run.folder / "blinks.json", (json.dumps(measure_blinks(clips), indent=1) + "\n").encode())
    licenses = [entry.license for entry in store.entries]
    return run.finish(["head_motion.safetensors"], licenses, describe_clips(store.entries))


def measure_blinks(clips: Sequence[PreparedClip]) -> dict[str, float]:
    """Measure how often the people in clips blink.

    Returns:
        `blinks`, `minutes`, and of the log-normal distribution of the intervals `median_interval` (seconds) and
        `log_spread`, where there are any.
    """
    times = [blinks(lid_closure(clip.landmarks), clip.times)[:, 0] for clip in clips]
    minutes = sum(float(clip.times[-1] - clip.times[0]) for clip in clips) / 60
    measured = {"blinks": float(sum(len(each) for each in times)), "minutes": minutes}
    intervals = np.concatenate([np.diff(each) for each in times])
    intervals = intervals[intervals > _FLUTTER]
    if len(intervals):
        measured |= {
            "median_interval": float(np.median(intervals)),
            "log_spread": float(np.log(intervals).std()),
        }
    return measured
