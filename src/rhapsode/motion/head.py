"""Head motion that looks alive: a vector autoregression learnt from people who speak to a camera.

    x[n] = sum_k A_k x[n - k] + L e[n],      e[n] ~ N(0, I)

x holds the rotation vector (3) and the sideways and vertical shift (2) of the base of the skull. The coefficients give
the spectrum, and two innovations, L for speech and L for pauses, let the head calm down when the voice does.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file
from scipy.interpolate import CubicSpline

from rhapsode.audio.mel import MOTION_RATE
from rhapsode.errors import WeightsError

#: Steps a second of the autoregression; a head does not move faster than it can follow.
HEAD_RATE = 10
#: No nod or turn goes further from the picture than this, radians and canonical units. People turn further, but one
#: picture shows only one side of a head, and from 8 degrees on its far cheek is drawn out (Mona Lisa shows it first).
LIMIT = np.array([0.13, 0.14, 0.12, 0.14, 0.09])
_WARM_UP = 200


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

    def sample(
        self, voice: np.ndarray, chance: np.random.Generator, gain: float = 1.0
    ) -> tuple[np.ndarray, np.ndarray]:
        """Head motion for a voice, around the pose of the picture, starting in it.

        Args:
            voice: (T,) in [0, 1], how surely a voice sounds, 60 a second.
            chance: the source of chance.
            gain: how far the head moves, 1 natural, 0 still; never beyond `LIMIT`.

        Returns:
            rotation and translation, both (T, 3) float32, as in `Motion`.
        """
        frames = len(voice)
        steps = -(-frames * HEAD_RATE // MOTION_RATE) + 2
        order = len(self.coefficients)
        times = np.arange(steps) / HEAD_RATE
        sounding = np.interp(times, np.arange(frames) / MOTION_RATE, voice)
        noise = chance.standard_normal((_WARM_UP + steps, 5))
        path = np.zeros((order + _WARM_UP + steps, 5))
        for n in range(_WARM_UP + steps):
            share = sounding[max(n - _WARM_UP, 0)]
            spread = share * self.speech + (1 - share) * self.pause
            past = path[n : n + order][::-1]
            path[n + order] = np.einsum("kij,kj->i", self.coefficients, past) + spread @ noise[n]
        path = path[order + _WARM_UP :]
        # The first moment is the picture itself; the head leaves it within a second.
        path = path - path[0] * np.exp(-times / 1.0)[:, None]
        smooth = CubicSpline(times, path)(np.arange(frames) / MOTION_RATE)
        smooth = (LIMIT * np.tanh(gain * smooth / LIMIT)).astype(np.float32)
        translation = np.concatenate([smooth[:, 3:], np.zeros((frames, 1), np.float32)], axis=1)
        return smooth[:, :3], translation

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
        try:
            return cls(**{name: array.astype(np.float64) for name, array in load_file(path).items()})
        except (OSError, SafetensorError, TypeError) as error:
            reason = str(error).splitlines()[0]
            raise WeightsError(f"{path}: not a usable head model ({reason}); install rhapsode again") from None
