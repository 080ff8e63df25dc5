"""Head motion: a vector autoregression learnt from people who speak to a camera.

    x[n] = sum_k A_k x[n - k] + L e[n],      e[n] ~ N(0, I)

x holds the rotation vector (3) and the sideways and vertical shift (2) of the base of the skull. The coefficients give
the spectrum; of the two innovations L, one for speech and a smaller one for pauses, the head calms down in pauses.
"""

import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save

from rhapsode.audio.mel import MOTION_RATE
from rhapsode.files import atomic_write, reading

#: Steps a second of the autoregression; heads do not move faster than it can follow.
HEAD_RATE = 10
#: Largest nod, turn, tilt (radians) and shifts (canonical units) from the picture, to the negative and to the positive
#: side: what people do who speak to a camera. A picture that would break sooner sets its own (`HeadMotion.limits`).
LIMITS = np.array([[-0.24, -0.35, -0.2, -0.14, -0.09], [0.24, 0.35, 0.2, 0.14, 0.09]])
_WARM_UP = 200
_FRAMES = MOTION_RATE // HEAD_RATE
_PHASE = np.arange(_FRAMES)[:, None] / _FRAMES
#: Catmull-Rom spline: weights of four steps for the frames between the second and the third.
_BETWEEN = (
    0.5
    * np.concatenate([_PHASE**0, _PHASE, _PHASE**2, _PHASE**3], axis=1)
    @ np.array([[0, 2, 0, 0], [-1, 0, 1, 0], [2, -5, 4, -1], [-1, 3, -3, 1]])
)


@dataclass(frozen=True)
class HeadModel:
    """Hold the learnt autoregression.

    Attributes:
        coefficients: (K, 5, 5), A_1 .. A_K.
        speech: (5, 5), L while a voice sounds.
        pause: (5, 5), L in pauses.
    """

    coefficients: np.ndarray
    speech: np.ndarray
    pause: np.ndarray

    def sample(
        self, voice: np.ndarray, rng: np.random.Generator, gain: float = 1.0, limits: np.ndarray = LIMITS
    ) -> tuple[np.ndarray, np.ndarray]:
        """Sample head motion around the pose of the picture, starting in it.

        Args:
            voice: (T,) in [0, 1], how surely a voice sounds, 60 a second.
            rng: draws the innovations.
            gain: 0 still, 1 natural.
            limits: (2, 5) what the motion never exceeds, as `LIMITS`.

        Returns:
            Rotation and translation, both (T, 3) float32, as in `Motion`.
        """
        return HeadStream(self, rng, gain, limits).move(voice)

    def save(self, path: Path) -> None:
        """Write one safetensors file."""
        arrays = {"coefficients": self.coefficients, "speech": self.speech, "pause": self.pause}
        atomic_write(path, save({name: np.ascontiguousarray(a, np.float32) for name, a in arrays.items()}))

    @classmethod
    def load(cls, path: Path) -> "HeadModel":
        """Read what `save` wrote.

        Raises:
            WeightsError: the file is missing, damaged, or of another model.
        """
        with reading(path, "head model"):
            return cls(**{name: array.astype(np.float64) for name, array in load_file(path).items()})


class HeadStream:
    """Head motion that is sampled stretch by stretch.

    The autoregression runs two steps ahead of the frames, on the voice of three steps before (0.3 s): it needs no sound
    that is still to come.
    """

    def __init__(
        self, model: HeadModel, rng: np.random.Generator, gain: float = 1.0, limits: np.ndarray = LIMITS
    ) -> None:
        """Start in the pose of the picture; arguments as in `HeadModel.sample`."""
        self._model, self._rng, self._gain, self._limits = model, rng, gain, limits
        self._past = np.zeros((len(model.coefficients), 5))  # the newest first
        self._start = np.zeros(5)
        self._knots = np.zeros((4, 5))
        self._frame = 0
        self._voice = 0.0

    def move(self, voice: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sample the next frames: voice (T,) -> rotation and translation, both (T, 3) float32."""
        path = np.empty((len(voice), 5))
        for n, sounding in enumerate(voice):
            if self._frame % _FRAMES == 0:
                self._advance(float(sounding))
            path[n] = _BETWEEN[self._frame % _FRAMES] @ self._knots
            self._frame += 1
        path = self._gain * path
        limit = np.where(path < 0, *self._limits)
        path = (limit * np.tanh(path / limit)).astype(np.float32)
        return path[:, :3], np.concatenate([path[:, 3:], np.zeros((len(path), 1), np.float32)], axis=1)

    def copy(self) -> "HeadStream":
        """Copy the stream; both then move alike."""
        twin = copy.copy(self)  # its arrays are replaced, never written to
        twin._rng = copy.deepcopy(self._rng)
        return twin

    def _advance(self, voice: float) -> None:
        """Add the next knot of the spline; at the beginning, all four."""
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
        # The first frame is the picture itself; the head leaves its pose within a second.
        self._knots = np.concatenate([self._knots[1:], [step - self._start * np.exp(-number / HEAD_RATE)]])

    def _step(self, voice: float) -> np.ndarray:
        spread = voice * self._model.speech + (1 - voice) * self._model.pause
        step = np.einsum("kij,kj->i", self._model.coefficients, self._past) + spread @ self._rng.standard_normal(5)
        self._past = np.concatenate([[step], self._past[:-1]])
        return step
