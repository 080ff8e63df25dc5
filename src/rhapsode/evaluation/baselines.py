"""Baselines that a Motion Generator must beat: simple ways from a sound to motion."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.ndimage import gaussian_filter1d

from rhapsode.audio.mel import log_mel, motion_frames
from rhapsode.data.loudness import normalise_loudness
from rhapsode.evaluation.clips import RealClip
from rhapsode.media.waveform import Waveform

#: From a 16 kHz sound to (T, 68, 3) offsets from rest, canonical space, 60 a second; T = `mel.motion_frames(N)`.
Method = Callable[[Waveform], np.ndarray]

#: Standard deviation of the smoothing over time, frames of 1/60 s.
_SMOOTHING = 2.0


def mean_face(sound: Waveform) -> np.ndarray:
    """Keep the face at rest."""
    return np.zeros((motion_frames(len(sound.samples)), 68, 3), np.float32)


class LoudnessJaw:
    """Open the mouth with the loudness: an expression linear in the smoothed loudness."""

    def __init__(self, clips: Sequence[RealClip]) -> None:
        """Fit the expression to clips by least squares."""
        loudness = np.concatenate([_loudness(clip.sound) for clip in clips])
        faces = np.concatenate([clip.real for clip in clips]).reshape(len(loudness), -1)
        terms = np.stack([np.ones_like(loudness), loudness], axis=1)
        self._rest, self._louder = np.linalg.lstsq(terms, faces, rcond=None)[0].reshape(2, 68, 3)

    def __call__(self, sound: Waveform) -> np.ndarray:
        """Give the motion for a sound."""
        return self._rest + _loudness(sound)[:, None, None] * self._louder


class NearestNeighbour:
    """Copy, for every frame, the expression of the training frame with the most similar sound, lightly smoothed.

    Sounds are compared as log-mel relative to the voice's average, 5 frames (83 ms) to either side, in their principal
    components.
    """

    reach = 5
    components = 32

    def __init__(self, clips: Sequence[RealClip]) -> None:
        contexts = np.concatenate([self._context(clip.sound) for clip in clips])
        self._mean = contexts.mean(0)
        centred = contexts - self._mean
        _, vectors = np.linalg.eigh(centred.T @ centred)
        self._axes = vectors[:, -self.components :]
        self._sounds = centred @ self._axes
        self._expressions = np.concatenate([clip.real for clip in clips])

    def __call__(self, sound: Waveform) -> np.ndarray:
        """Give the motion for a sound."""
        wanted = (self._context(sound) - self._mean) @ self._axes
        # |a - b|^2 without |a|^2, which is the same for every b.
        distance = np.square(self._sounds).sum(1) - 2 * wanted @ self._sounds.T
        return gaussian_filter1d(self._expressions[distance.argmin(1)], _SMOOTHING, axis=0)

    def _context(self, sound: Waveform) -> np.ndarray:
        """Collect log-mel around each motion frame, (T, (2 reach + 1) * 80)."""
        mel = _frames(sound)
        padded = np.pad(mel - mel.mean(0), ((self.reach, self.reach), (0, 0)), mode="edge")
        return sliding_window_view(padded, 2 * self.reach + 1, axis=0).reshape(len(mel), -1)


def baselines(train: Sequence[RealClip]) -> dict[str, Method]:
    """Make every baseline by its name; without `train` clips, those that need training are left out."""
    methods: dict[str, Method] = {"mean_face": mean_face}
    if train:
        methods |= {"loudness_jaw": LoudnessJaw(train), "nearest_neighbour": NearestNeighbour(train)}
    return methods


def _frames(sound: Waveform) -> np.ndarray:
    """Compute log-mel at the motion frame rate, loudness normalised, (T, 80)."""
    mel = log_mel(normalise_loudness(sound).samples)
    return mel.reshape(-1, 2, mel.shape[1]).mean(1)


def _loudness(sound: Waveform) -> np.ndarray:
    """Compute the smoothed logarithm of the power, (T,)."""
    return gaussian_filter1d(np.log(np.exp(_frames(sound)).sum(1)), _SMOOTHING)
