"""What a generator must beat: simple ways from a sound to (T, 68, 3) offsets, as `MotionGenerator.speak` answers."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import gaussian_filter1d

from rhapsode.audio.mel import log_mel, motion_frames
from rhapsode.data.loudness import normalise_loudness
from rhapsode.evaluation.clips import RealClip
from rhapsode.media.waveform import Waveform

#: A way from a 16 kHz sound to (T, 68, 3) offsets from rest, canonical space, 60 a second.
Method = Callable[[Waveform], np.ndarray]

#: Width (standard deviation) of the smoothing over time, frames of 1/60 s.
_SMOOTHING = 2.0


def mean_face(sound: Waveform) -> np.ndarray:
    """A face at rest, which never moves."""
    return np.zeros((motion_frames(len(sound.samples)), 68, 3), np.float32)


class LoudnessJaw:
    """The louder, the wider: one smoothed loudness, and the expression that goes with it by least squares."""

    def __init__(self, clips: Sequence[RealClip]) -> None:
        loudness = np.concatenate([_loudness(clip.sound) for clip in clips])
        faces = np.concatenate([clip.real for clip in clips]).reshape(len(loudness), -1)
        terms = np.stack([np.ones_like(loudness), loudness], axis=1)
        self._rest, self._louder = np.linalg.lstsq(terms, faces, rcond=None)[0].reshape(2, 68, 3)

    def __call__(self, sound: Waveform) -> np.ndarray:
        """Offsets for a sound."""
        return self._rest + _loudness(sound)[:, None, None] * self._louder


class NearestNeighbour:
    """For every frame, the train frame that sounds most alike around it; its expression, lightly smoothed.

    Sounds are compared as log-mel against the average of the voice, 5 frames (83 ms) either way, in their principal
    directions.
    """

    reach = 5
    directions = 32

    def __init__(self, clips: Sequence[RealClip]) -> None:
        contexts = np.concatenate([self._context(clip.sound) for clip in clips])
        self._mean = contexts.mean(0)
        centred = contexts - self._mean
        _, vectors = np.linalg.eigh(centred.T @ centred)
        self._axes = vectors[:, -self.directions :]
        self._heard = centred @ self._axes
        self._shown = np.concatenate([clip.real for clip in clips])

    def __call__(self, sound: Waveform) -> np.ndarray:
        """Offsets for a sound."""
        wanted = (self._context(sound) - self._mean) @ self._axes
        # |a - b|^2 without the term that is the same for every b.
        distance = np.square(self._heard).sum(1) - 2 * wanted @ self._heard.T
        return gaussian_filter1d(self._shown[distance.argmin(1)], _SMOOTHING, axis=0)

    def _context(self, sound: Waveform) -> np.ndarray:
        """What is heard around each motion frame, (T, (2 reach + 1) * 80)."""
        mel = _frames(sound)
        padded = np.pad(mel - mel.mean(0), ((self.reach, self.reach), (0, 0)), mode="edge")
        return sliding_window_view(padded, 2 * self.reach + 1, axis=0).reshape(len(mel), -1)


def baselines(train: Sequence[RealClip]) -> dict[str, Method]:
    """Every baseline by its name, taught by the clips `train`; those that must learn are left out without any."""
    methods: dict[str, Method] = {"mean_face": mean_face}
    if train:
        methods |= {"loudness_jaw": LoudnessJaw(train), "nearest_neighbour": NearestNeighbour(train)}
    return methods


def _frames(sound: Waveform) -> np.ndarray:
    """Log-mel, levelled, one frame for each of motion: (T, 80)."""
    mel = log_mel(normalise_loudness(sound).samples)
    return mel.reshape(-1, 2, mel.shape[1]).mean(1)


def _loudness(sound: Waveform) -> np.ndarray:
    """The logarithm of the power heard, smoothed, (T,)."""
    return gaussian_filter1d(np.log(np.exp(_frames(sound)).sum(1)), _SMOOTHING)
