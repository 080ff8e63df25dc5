"""Learn head motion and the habit of blinking from people who speak to a camera.

rhapsode train head-motion --data DATA --out RUN
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from rhapsode.data.head_path import head_path
from rhapsode.data.store import PreparedClip, open_store
from rhapsode.metrics.head import blinks, lid_closure
from rhapsode.motion.head import HeadModel
from rhapsode.progress import no_progress

_log = logging.getLogger(__name__)

#: Steps of a tenth of a second from which a covariance of five numbers is learnt.
_ENOUGH = 20


@dataclass(frozen=True)
class HeadMotionRecipe:
    """Every setting of a training."""

    data: Path
    """Folder with clips.csv and the clips it lists."""
    out: Path
    """Folder for the weights; made where missing."""
    store: Path = Path("stores/clips")
    """Folder of prepared clips, filled on the first run."""
    order: int = 3
    """Steps of a tenth of a second that the autoregression looks back."""
    ridge: float = 1e-3
    """Pull of the coefficients to zero, relative to the spread of the motion."""


def fit_head(paths: Sequence[tuple[np.ndarray, np.ndarray]], order: int, ridge: float) -> HeadModel:
    """Least squares of the autoregression over several clips, damped where it would run away."""
    past = np.concatenate([_past(path, order) for path, _ in paths])
    now = np.concatenate([path[order:] for path, _ in paths])
    voice = np.concatenate([sounding[order:] for _, sounding in paths])
    pull = ridge * np.trace(past.T @ past) / past.shape[1]
    solved = np.linalg.solve(past.T @ past + pull * np.eye(past.shape[1]), past.T @ now)
    coefficients = solved.T.reshape(5, order, 5).transpose(1, 0, 2)
    coefficients = _damp(coefficients)
    error = now - past @ solved
    speech = _innovation(error, voice >= 0.5, "speech")
    return HeadModel(coefficients, speech, _innovation(error, voice < 0.5, "pauses"))


def _innovation(error: np.ndarray, chosen: np.ndarray, what: str) -> np.ndarray:
    """L with L L^T the covariance of the chosen errors (N, 5), or of all where too few are chosen to tell."""
    if chosen.sum() < _ENOUGH:
        _log.warning("%d steps of %s are too few to learn their motion from; taking all", chosen.sum(), what)
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


def train(recipe: HeadMotionRecipe, progress: Callable[[str, int, int], None] | None = None) -> tuple[Path, str]:
    """Run the recipe; returns the path of the weights, and what was measured of blinks in one line."""
    clips = open_store(recipe.data, recipe.store, progress or no_progress, split="train", style="address").load_all()
    recipe.out.mkdir(parents=True, exist_ok=True)
    model = fit_head([head_path(clip) for clip in clips], recipe.order, recipe.ridge)
    weights = recipe.out / "head_motion.safetensors"
    model.save(weights)
    return weights, describe_blinks(clips)


def describe_blinks(clips: Sequence[PreparedClip]) -> str:
    """How often the people in clips blink: rate, and the log-normal that their intervals follow."""
    times = [blinks(lid_closure(clip.landmarks), clip.times)[:, 0] for clip in clips]
    minutes = sum(float(clip.times[-1] - clip.times[0]) for clip in clips) / 60
    count = sum(len(each) for each in times)
    intervals = np.concatenate([np.diff(each) for each in times])
    intervals = intervals[intervals > 0.3]  # a lid that flutters is not two blinks
    if not len(intervals):
        return f"{count} blinks in {minutes:.1f} min"
    return (
        f"{count} blinks in {minutes:.1f} min; interval: median {np.median(intervals):.2f} s, "
        f"spread of its logarithm {np.log(intervals).std():.2f}"
    )
