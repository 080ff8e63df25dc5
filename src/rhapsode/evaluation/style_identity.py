"""Tell styles apart: a classifier trained on real clips, asked about held-out and about generated motion.

Linear discriminant analysis with a shrunken covariance, on features of windows of motion: mean position, spread, and
speed. Every window is described by itself, so that its place in the clip tells nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from rhapsode.face.geometry import mean_face
from rhapsode.face.mouth import lip_distance
from rhapsode.metrics.landmarks import open_mouth_area

#: Frames (1/60 s) of a window, and from one window to the next.
WINDOW, STRIDE = 60, 6
#: Number of the strongest directions of the generator's expressions that describe a window.
COORDINATES = 12
#: Parts that the only clip of a style is cut into, one of which at a time is held out.
PARTS = 3
#: How far the covariance of the features is shrunk to a round one: windows overlap, so there are fewer than it seems.
SHRINKAGE = 0.3


@dataclass(frozen=True)
class StyleAccuracy:
    """Tell how often the classifier is right, 0 to 1, every style counted alike.

    Attributes:
        real: on real windows of clips (of a style with one clip: parts) that were held out of training.
        generated: on generated windows, trained on all real ones; NaN where there are none.
        chance: accuracy of guessing.
        window: frames in a window; fewer than `WINDOW` where a clip is too short for that.
    """

    real: float
    generated: float
    chance: float
    window: int


def identify(
    real: Mapping[str, Sequence[np.ndarray]], generated: Mapping[str, Sequence[np.ndarray]], basis: np.ndarray
) -> StyleAccuracy:
    """Tell windows of motion apart by their styles.

    Real windows are classified with their clip held out. Where a style has one clip only, that is cut into `PARTS`, one
    of which at a time is held out; no window reaches from a training part into a held-out one. Such windows share a
    person and a take, which makes the real accuracy of single clips generous.

    Args:
        real: by style, clips of (T, 68, 3) offsets from rest, canonical space, 60 a second.
        generated: by style, generated motions of the same kind; those shorter than a window are left out.
        basis: (K, 204) expressions of the generator, `MotionGenerator.basis`.

    Raises:
        ValueError: there is no style, a style has no clip, or a generated style is none of the real ones.
    """
    if not real or not all(real.values()) or not set(generated) <= set(real):
        raise ValueError("every style needs a real clip, and every generated style must be one of them")
    # Directions within the span of the basis, by decreasing strength.
    axes = np.linalg.svd(basis, full_matrices=False)[2][:COORDINATES].T
    parts = {style: _parts(clips) for style, clips in real.items()}
    window = min(WINDOW, *(len(part) for each in parts.values() for part in each))

    def described(motions: Sequence[np.ndarray]) -> np.ndarray:
        return np.concatenate([_features(motion, axes, window) for motion in motions])

    whole = {style: described(clips) for style, clips in real.items()}
    by_style = []
    for style, each in parts.items():
        right = []
        for number, held_out in enumerate(each):
            rest = _without(real[style], each, number)
            classifier = _train({**whole, style: described(rest)} if rest else whole)
            right.append(classifier.predict(described([held_out])) == style)
        by_style.append(float(np.concatenate(right).mean()))

    classifier = _train(whole)
    of_generated = []
    for style, motions in generated.items():
        long_enough = [motion for motion in motions if len(motion) >= window]
        if long_enough:
            of_generated.append(float((classifier.predict(described(long_enough)) == style).mean()))
    made = float(np.mean(of_generated)) if of_generated else float("nan")
    return StyleAccuracy(float(np.mean(by_style)), made, 1 / len(real), window)


def _train(features: Mapping[str, np.ndarray]) -> Any:
    """Train a classifier on (N, D) features of each style, all styles equally likely beforehand."""
    labels = np.concatenate([[style] * len(each) for style, each in features.items()])
    priors = np.full(len(features), 1 / len(features))
    # scikit-learn needs two classes; with one there is nothing to tell apart.
    if len(features) == 1:
        return _Only(labels[0])
    classifier = make_pipeline(
        StandardScaler(), LinearDiscriminantAnalysis(solver="lsqr", shrinkage=SHRINKAGE, priors=priors)
    )
    return classifier.fit(np.concatenate(list(features.values())), labels)


@dataclass(frozen=True)
class _Only:
    """Classify everything as the only style."""

    style: str

    def predict(self, features: np.ndarray) -> np.ndarray:
        return np.full(len(features), self.style)


def _features(motion: np.ndarray, axes: np.ndarray, window: int) -> np.ndarray:
    """Describe each window of a motion, (T, 68, 3) -> (N, D)."""
    face = motion + mean_face()
    opening, area = lip_distance(face), open_mouth_area(face)
    place = motion.reshape(len(motion), -1) @ axes
    rows = []
    for first in range(0, len(motion) - window + 1, STRIDE):
        span = slice(first, first + window)
        speed = np.sqrt(np.square(np.diff(place[span], axis=0)).mean(0))
        mouth = [opening[span].mean(), opening[span].std(), area[span].mean()]
        rows.append(np.concatenate([place[span].mean(0), place[span].std(0), speed, mouth]))
    return np.array(rows)


def _parts(clips: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Give what is held out one at a time: the clips, or parts of a single one."""
    if len(clips) > 1:
        return list(clips)
    borders = np.linspace(0, len(clips[0]), PARTS + 1).astype(int)
    return [clips[0][first:last] for first, last in pairwise(borders)]


def _without(clips: Sequence[np.ndarray], parts: Sequence[np.ndarray], held_out: int) -> list[np.ndarray]:
    """Give what is left for training, as whole as it was."""
    if len(clips) > 1:
        return [part for number, part in enumerate(parts) if number != held_out]
    first = sum(len(part) for part in parts[:held_out])
    around = clips[0][:first], clips[0][first + len(parts[held_out]) :]
    return [each for each in around if len(each)]
