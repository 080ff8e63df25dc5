"""Which manner a motion has: a classifier taught by the real clips, and asked about them and about what was made.

Linear discriminant analysis with a shrunken covariance, on what windows of motion have in all: where the face is, how
far it moves, and how fast. Every window is described by itself, so that its place in the clip tells nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from rhapsode.face.geometry import mean_face
from rhapsode.face.mouth import lip_distance
from rhapsode.metrics.landmarks import open_mouth_area

#: Frames (1/60 s) of a window, and from one window to the next.
WINDOW, STRIDE = 60, 6
#: The strongest directions of the generator's expressions that a window is described by.
COORDINATES = 12
#: Stretches that the one clip of a style is cut into, of which one at a time is left out.
STRETCHES = 3
#: How far the covariance of the features is drawn to a round one: windows overlap, so there are fewer than it seems.
SHRINKAGE = 0.3


@dataclass(frozen=True)
class StyleAccuracy:
    """How often the classifier is right, 0 .. 1, every style counted alike.

    Attributes:
        real: on real windows, none of which is of a clip (of a style with one clip: a stretch) that it learnt from.
        generated: on generated windows, after learning from all real ones; NaN where there are none.
        rng: what guessing gives.
        window: frames in a window; fewer than `WINDOW` where a clip is too short for that.
    """

    real: float
    generated: float
    rng: float
    window: int


def identify(
    real: Mapping[str, Sequence[np.ndarray]], generated: Mapping[str, Sequence[np.ndarray]], basis: np.ndarray
) -> StyleAccuracy:
    """Tell windows of motion apart by their styles.

    Real windows are told by classifiers that have not seen their clip. Where a style has one clip only, that is cut
    into `STRETCHES`, of which one at a time is left out; no window reaches from one that is learnt from into one that
    is asked about. Such windows share a person and a take, which makes the real accuracy of single clips generous.

    Args:
        real: by style, clips of (T, 68, 3) offsets from rest, canonical space, 60 a second.
        generated: by style, made motions of the same kind; those that are shorter than a window are left out.
        basis: (K, 204) expressions of the generator, `MotionGenerator.basis`.

    Raises:
        ValueError: if there is no style, a style has no clip, or a generated style is none of the real ones.
    """
    if not real or not all(real.values()) or not set(generated) <= set(real):
        raise ValueError("every style needs a real clip, and every generated style must be one of them")
    # Distances in the span of the basis are kept; its strongest directions come first.
    axes = np.linalg.svd(basis, full_matrices=False)[2][:COORDINATES].T
    pieces = {style: _pieces(clips) for style, clips in real.items()}
    window = min(WINDOW, *(len(piece) for each in pieces.values() for piece in each))

    def described(motions: Sequence[np.ndarray]) -> np.ndarray:
        return np.concatenate([_features(motion, axes, window) for motion in motions])

    whole = {style: described(clips) for style, clips in real.items()}
    by_style = []
    for style, parts in pieces.items():
        right = []
        for left_out, asked in enumerate(parts):
            rest = _without(real[style], parts, left_out)
            classifier = _Discriminant({**whole, style: described(rest)} if rest else whole)
            right.append(classifier(described([asked])) == style)
        by_style.append(float(np.concatenate(right).mean()))

    classifier = _Discriminant(whole)
    of_generated = []
    for style, motions in generated.items():
        long_enough = [motion for motion in motions if len(motion) >= window]
        if long_enough:
            of_generated.append(float((classifier(described(long_enough)) == style).mean()))
    made = float(np.mean(of_generated)) if of_generated else float("nan")
    return StyleAccuracy(float(np.mean(by_style)), made, 1 / len(real), window)


class _Discriminant:
    """Linear discriminant analysis; all styles are equally likely beforehand."""

    def __init__(self, features: Mapping[str, np.ndarray]) -> None:
        """Learn from (N, D) features of each style."""
        together = np.concatenate(list(features.values()))
        self._mean, self._spread = together.mean(0), together.std(0) + 1e-9
        self._styles = np.array(list(features))
        scaled = {style: (each - self._mean) / self._spread for style, each in features.items()}
        means = np.stack([each.mean(0) for each in scaled.values()])
        within = [each - each.mean(0) for each in scaled.values()]
        covariance = np.mean([each.T @ each / len(each) for each in within], axis=0)
        size = len(covariance)
        # Were all windows of each style the same, nothing would be left to invert.
        round_one = (np.trace(covariance) / size + 1e-6) * np.eye(size)
        shrunken = (1 - SHRINKAGE) * covariance + SHRINKAGE * round_one
        self._weights = np.linalg.solve(shrunken, means.T)
        self._bias = -(means.T * self._weights).sum(0) / 2

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """The style of each window, (N, D) -> (N,)."""
        scores = (features - self._mean) / self._spread @ self._weights + self._bias
        styles: np.ndarray = self._styles[scores.argmax(1)]
        return styles


def _features(motion: np.ndarray, axes: np.ndarray, window: int) -> np.ndarray:
    """What describes each window of a motion, (T, 68, 3) -> (N, D)."""
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


def _pieces(clips: Sequence[np.ndarray]) -> list[np.ndarray]:
    """What is left out one at a time: the clips, or stretches of a single one."""
    if len(clips) > 1:
        return list(clips)
    borders = np.linspace(0, len(clips[0]), STRETCHES + 1).astype(int)
    return [clips[0][first:last] for first, last in pairwise(borders)]


def _without(clips: Sequence[np.ndarray], pieces: Sequence[np.ndarray], left_out: int) -> list[np.ndarray]:
    """What is learnt from where a piece is left out, as whole as it was."""
    if len(clips) > 1:
        return [piece for number, piece in enumerate(pieces) if number != left_out]
    first = sum(len(piece) for piece in pieces[:left_out])
    around = clips[0][:first], clips[0][first + len(pieces[left_out]) :]
    return [each for each in around if len(each)]
