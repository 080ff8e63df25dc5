"""Windows of clips with the openings and the width of the lips, from which the windowed encoder learns."""

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple

import numpy as np
import torch
from scipy.signal import resample_poly
from torch import Tensor

from rhapsode.audio.whisper_mel import BANDS, FEATURE_RATE, SILENCE, feature_frames, whisper_mel
from rhapsode.data.augment import augment_whisper_mel
from rhapsode.data.motion_windows import SPEEDS
from rhapsode.data.store import PreparedClip
from rhapsode.face.expression import disentangle, resample
from rhapsode.face.mouth import lip_openings
from rhapsode.training.whisper_speech import CUT

#: Corners of the mouth, from the picture's left to its right.
_CORNERS = (48, 54)


def samples_and_motion(clip: PreparedClip, speed: Fraction) -> tuple[np.ndarray, np.ndarray]:
    """Bring a clip's sound and motion to common frames.

    Args:
        clip: a prepared clip.
        speed: how much faster than recorded both are played.

    Returns:
        Samples (N,) at 16 kHz, and offsets from rest (T, 68, 3), canonical space, 50 a second.
    """
    samples = clip.samples
    if speed != 1:
        samples = resample_poly(samples, speed.denominator, speed.numerator).astype(np.float32)
    offsets, _, _ = disentangle(clip.landmarks)
    moments = np.arange(feature_frames(len(samples))) / FEATURE_RATE * float(speed)
    return samples, resample(offsets, clip.times, moments).astype(np.float32)


def lip_shape(offsets: np.ndarray) -> np.ndarray:
    """Measure the three openings between the inner lips and the width of the mouth: (..., 68, 3) -> (..., 4)."""
    right, left = _CORNERS
    width = offsets[..., [left], 0] - offsets[..., [right], 0]
    return np.concatenate([lip_openings(offsets), width], -1)


class LipBatch(NamedTuple):
    """Windows of clips."""

    mel: Tensor
    """(B, 2F, 80) Whisper's log-mel, augmented."""
    lips: Tensor
    """(B, F, 4) `lip_shape` of the offsets from rest."""
    real: Tensor
    """(B, F), 1 for frames that count and 0 for padding and the end of a window."""


class LipWindows:
    """Draw windows of clips, every person as often as any other.

    Attributes:
        clips: log-mel (2T, 80) and lips (T, 4) of each clip at each speed.
    """

    def __init__(self, clips: Sequence[PreparedClip], frames: int, speeds: Sequence[Fraction] = SPEEDS) -> None:
        """Prepare clips at some speeds; windows are `frames` features of 1/50 s long."""
        self.frames = frames
        self.clips: list[tuple[np.ndarray, np.ndarray]] = []
        speakers, seconds = [], dict.fromkeys((clip.clip.speaker for clip in clips), 0)
        for clip in clips:
            for speed in speeds:
                samples, motion = samples_and_motion(clip, speed)
                self.clips.append((whisper_mel(samples), lip_shape(motion)))
                speakers.append(clip.clip.speaker)
                seconds[clip.clip.speaker] += len(self.clips[-1][0])
        self._weights = torch.tensor(
            [len(mel) / seconds[speaker] for speaker, (mel, _) in zip(speakers, self.clips, strict=True)]
        )

    def batch(self, size: int, rng: torch.Generator) -> LipBatch:
        """Draw a batch of windows."""
        mel = torch.full((size, 2 * self.frames, BANDS), SILENCE)
        lips, real = torch.zeros(size, self.frames, 4), torch.zeros(size, self.frames)
        picks = torch.multinomial(self._weights, size, replacement=True, generator=rng)
        for row, pick in enumerate(picks.tolist()):
            clip_mel, clip_lips = self.clips[pick]
            start = int(torch.randint(max(len(clip_lips) - self.frames, 0) + 1, (1,), generator=rng))
            count = min(self.frames, len(clip_lips))
            mel[row, : 2 * count] = torch.from_numpy(clip_mel[2 * start : 2 * (start + count)])
            lips[row, :count] = torch.from_numpy(clip_lips[start : start + count])
            real[row, : count - CUT] = 1
        return LipBatch(augment_whisper_mel(mel, rng), lips, real)
