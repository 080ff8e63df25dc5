"""Head motion that looks alive: a vector autoregression learnt from people who speak to a camera.

    x[n] = sum_k A_k x[n - k] + L e[n],      e[n] ~ N(0, I)

x holds the rotation vector (3) and the sideways and vertical shift (2) of the base of the skull. The coefficients give
the spectrum, and two innovations, L for speech and L for pauses, let the head calm down when the voice does.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save_file

from rhapsode.audio.mel import MOTION_RATE
from rhapsode.files import reading

#: Steps a second of the autoregression; a head does not move faster than it can follow.
HEAD_RATE = 10
#: No nod or turn goes further from the picture than this, radians and canonical units. People turn further, but one
#: picture shows only one side of a head, and from 8 degrees on its far cheek is drawn out (Mona Lisa shows it first).
LIMIT = np.array([0.13, 0.14, 0.12, 0.14, 0.09])
_WARM_UP = 200
_FRAMES = MOTION_RATE // HEAD_RATE
_PHASE = np.arange(_FRAMES)[:, None] / _FRAMES
#: Catmull-Rom: the weights of four steps for the frames between the second and the third.
_BETWEEN = (
    0.5
    * np.concatenate([_PHASE**0, _PHASE, _PHASE**2, _PHASE**3], axis=1)
    @ np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]])
)


@dataclass(frozen=True)
class HeadModel:
    """What was learnt.

    Attributes:
        coefficients: (K, 5, 5), A_1 .. A_K.
        speech: (5, 5), L while the voice sounds.
        pause: (5, 5), L in pauses.
    """

    coefficients: np.ndarray
    speech: np.ndarray
    pause: np.ndarray

    def sample(self, voice: np.ndarray, rng: np.random.Generator, gain: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        """Head motion for a voice, around the pose of the picture, starting in it.

        Args:
            voice: (T,) in [0, 1], how surely a voice sounds, 60 a second.
            rng: the source of chance.
            gain: how far the head moves, 1 natural, 0 still; never beyond `LIMIT`.

        Returns:
            rotation and translation, both (T, 3) float32, as in `Motion`.
        """
        return HeadStream(self, rng, gain).move(voice)

    def save(self, path: Path) -> None:
        """Write to one safetensors file."""
        arrays = {"coefficients": self.coefficients, "speech": self.speech, "pause": self.pause}
        save_file({name: np.ascontiguousarray(a, np.float32) for name, a in arrays.items()}, path)

    @classmethod
    def load(cls, path: Path) -> "HeadModel":
        """Read what `save` wrote.

        Raises:
            WeightsError: if the file is missing, damaged, or of another model.
        """
        with reading(path, "head model"):
            return cls(**{name: array.astype(np.float64) for name, array in load_file(path).items()})


class HeadStream:
    """A head on its way, moved stretch by stretch.

    The autoregression runs two steps ahead of the frames, on the voice of three steps before (0.3 s): nothing of the
    voice to come is needed.
    """

    def __init__(self, model: HeadModel, rng: np.random.Generator, gain: float = 1.0) -> None:
        """Start in the pose of the picture; arguments as in `HeadModel.sample`."""
        self._model, self._chance, self._gain = model, rng, gain
        self._past = np.zeros((len(model.coefficients), 5))  # the newest first
        self._start = np.zeros(5)
        self._knots = np.zeros((4, 5))
        self._frame = 0
        self._voice = 0.0

    def move(self, voice: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The next frames: voice (T,) -> rotation and translation, both (T, 3) float32, as in `HeadModel.sample`."""
        path = np.empty((len(voice), 5))
        for n, sounding in enumerate(voice):
            if self._frame % _FRAMES == 0:
                self._advance(float(sounding))
            path[n] = _BETWEEN[self._frame % _FRAMES] @ self._knots
            self._frame += 1
        path = (LIMIT * np.tanh(self._gain * path / LIMIT)).astype(np.float32)
        return path[:, :3], np.concatenate([path[:, 3:], np.zeros((len(path), 1), np.float32)], axis=1)

    def _advance(self, voice: float) -> None:
        """One knot further; at the beginning, as many as are needed."""
        if self._frame:
            self._push(self._step(self._voice), self._frame // _FRAMES + 2)
        else:
            for _ in range(_WARM_UP):
                before = self._step(voice)
            self._start = self._step(voice)
            self._push(before, -1)
            self._push(self._start, 0)
            self._push(self._step(voice), 1)
            self._push(self._step(voice), 2)
        self._voice = voice

    def _push(self, step: np.ndarray, number: int) -> None:
        # The first moment is the picture itself; the head leaves it within a second.
        self._knots = np.concatenate([self._knots[1:], [step - self._start * np.exp(-number / HEAD_RATE)]])

    def _step(self, voice: float) -> np.ndarray:
        spread = voice * self._model.speech + (1 - voice) * self._model.pause
        step = np.einsum("kij,kj->i", self._model.coefficients, self._past) + spread @ self._chance.standard_normal(5)
        self._past = np.concatenate([[step], self._past[:-1]])
        return step
