"""See what styles show: pictures are rendered, tracked again, and read by a network for expressions.

A few portraits speak with a style and without. The mean units of the one minus those of the other are what the style
shows; those of the style's clip minus neutral speakers' are what was asked for.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from rhapsode.animator import Animator
from rhapsode.bundle import DEFAULT
from rhapsode.errors import DataError, PortraitError
from rhapsode.face.expression_network import ExpressionNetwork
from rhapsode.face.tracker import FaceTracker
from rhapsode.media.picture import load_picture
from rhapsode.media.reader import read_frames
from rhapsode.media.waveform import Waveform
from rhapsode.metrics.expression import ReadsExpressions
from rhapsode.metrics.expression_teacher import ExpressionTeacher
from rhapsode.options import AnimationOptions
from rhapsode.portrait import Portrait
from rhapsode.style.style import Style

#: Side of the pictures, pixels, and how much of it the face is high.
SIZE, FACE = 320, 0.45
#: Seconds that each portrait speaks, and frames a second.
SECONDS, FPS = 3.0, 5
#: Voices that are used in turn, at most.
VOICES = 3
#: Share of the frames in which a face must be found.
_FOUND = 0.8


@dataclass(frozen=True)
class SeenStyle:
    """Hold what a style's clip shows, and what portraits show with the style.

    Attributes:
        person: who performs in the clip.
        emotion: what the clip is of.
        clip: (51,) mean units of the clip.
        strengths: of the style, S of them.
        shown: (S, P, 51) at each strength, of each portrait: mean units with the style minus those without.
    """

    person: str
    emotion: str
    clip: np.ndarray
    strengths: tuple[float, ...]
    shown: np.ndarray


@dataclass(frozen=True)
class Viewing:
    """Say how styles are looked at.

    Attributes:
        portraits: pictures; what counts is the largest face of each.
        teacher: MediaPipe's network for expressions reads the faces; the one that ships where None.
        strengths: of the styles.
    """

    portraits: tuple[Path, ...]
    teacher: Path | None = None
    strengths: tuple[float, ...] = (0.5, 1.0, 1.5)

    @property
    def reader(self) -> ReadsExpressions:
        """Load the network that reads expressions.

        Raises:
            InstallationError: the teacher was asked for, and `ai-edge-litert` is not installed.
            WeightsError: its file is missing or damaged.
        """
        return ExpressionNetwork.load() if self.teacher is None else ExpressionTeacher(self.teacher)


class Stage:
    """Portraits that speak with styles, and a network that looks at them."""

    def __init__(self, viewing: Viewing, sounds: Sequence[Waveform], model: str | Path = DEFAULT) -> None:
        """Load what is needed.

        Args:
            viewing: how styles are looked at.
            sounds: voices, used in turn.
            model: "default" or a model folder.

        Raises:
            InstallationError, WeightsError: as `Viewing.reader` and `Animator.from_pretrained`.
            PortraitError: a portrait shows no face, or cannot be animated.
        """
        self._viewing, self._reader, self._tracker = viewing, viewing.reader, FaceTracker()
        self._animator = Animator.from_pretrained(model, threads=1)
        self._portraits = [self._animator.load_portrait(close_up(path, self._tracker)) for path in viewing.portraits]
        self._sounds = [Waveform(one.samples[: int(SECONDS * one.rate)], one.rate) for one in sounds[:VOICES]]

    def see(self, style: Style) -> np.ndarray:
        """Tell what a style shows at each strength on each portrait, (S, P, 51), changes of units."""
        shown = [self._shown(style, strength) for strength in self._viewing.strengths]
        changes: np.ndarray = np.stack(shown) - self._plain
        return changes

    def read_clip(self, path: Path) -> np.ndarray:
        """Give the mean units of a recording, (51,).

        Raises:
            DataError: it hardly shows a face.
            VideoError: it cannot be read.
        """
        return self._mean([frame for _, frame in read_frames(path)], path)

    @cached_property
    def _plain(self) -> np.ndarray:
        return self._shown(None, 0.0)

    def _shown(self, style: Style | None, strength: float) -> np.ndarray:
        return np.stack([self._speaks(n, portrait, style, strength) for n, portrait in enumerate(self._portraits)])

    def _speaks(self, number: int, portrait: Portrait, style: Style | None, strength: float) -> np.ndarray:
        options = AnimationOptions(style=style, style_strength=strength, fps=FPS, seed=number)
        video = self._animator.animate(portrait, self._sounds[number % len(self._sounds)], options)
        return self._mean(list(islice(video, int(SECONDS * FPS))), self._viewing.portraits[number])

    def _mean(self, frames: Sequence[np.ndarray], path: Path) -> np.ndarray:
        meshes = [face.mesh for face in self._tracker.track(frames) if face]
        if not meshes or len(meshes) < _FOUND * len(frames):
            raise DataError(f"{path}: a face is found in {len(meshes)} of {len(frames)} frames", "leave it out")
        mean: np.ndarray = self._reader.units(np.array(meshes)).mean(0)
        return mean


def close_up(path: Path, tracker: FaceTracker) -> np.ndarray:
    """Cut a picture to the largest face in it, (SIZE, SIZE, 3) uint8 RGB.

    Raises:
        PortraitError: it shows no face, or cannot be read.
    """
    image = load_picture(path)
    found = tracker.detect(image)
    if not found:
        raise PortraitError(f"{path}: no face found", "choose another picture", "no-face")
    left, top, right, bottom = found[0].box
    zoom = FACE * SIZE / max(right - left, bottom - top)
    shift = SIZE / 2 - zoom * np.array([(left + right) / 2, (top + bottom) / 2])
    how = cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC
    place = np.column_stack([zoom * np.eye(2), shift])
    return cv2.warpAffine(image, place, (SIZE, SIZE), flags=how, borderMode=cv2.BORDER_REPLICATE)


def neutral_units(viewing: Viewing, clips: Sequence[Path]) -> np.ndarray:
    """Give the units of neutral speakers, (51,).

    Args:
        viewing: says which network reads them; the one that ships has them with it.
        clips: recordings of neutral speakers, for another network.

    Raises:
        DataError: there are none, or one hardly shows a face.
    """
    reader = viewing.reader
    if isinstance(reader, ExpressionNetwork):
        return reader.neutral
    if not clips:
        raise DataError("there is no neutral speaker of split train", "add one to compare expressions with", "no-clips")
    tracker = FaceTracker()
    means = []
    for path in clips:
        meshes = [face.mesh for face in tracker.track(frame for _, frame in read_frames(path)) if face]
        if not meshes:
            raise DataError(f"{path}: no face found", "leave it out", "no-face")
        means.append(reader.units(np.array(meshes)).mean(0))
    mean: np.ndarray = np.mean(means, axis=0)
    return mean
