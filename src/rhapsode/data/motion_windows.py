"""Training windows for the Motion Generator: sound features and the expression that belongs to them."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import torch
from scipy.signal import resample_poly
from torch import Tensor

from rhapsode.audio.mel import LOG_FLOOR, MOTION_RATE, log_mel, motion_frames
from rhapsode.data.augment import add_pauses, augment
from rhapsode.data.store import ClipStore, PreparedClip
from rhapsode.errors import DataError
from rhapsode.face.expression import disentangle, resample

#: Every clip is also played slower and faster, which changes voice and tempo and keeps lips and sound in sync.
SPEEDS = (Fraction(17, 20), Fraction(12, 13), Fraction(1), Fraction(13, 12), Fraction(20, 17))
#: Clips (at one speed) that stay in memory, about 0.5 MB each, and clips that statistics are computed from.
CACHED, SAMPLED = 4096, 500


@dataclass(frozen=True)
class AlignedClip:
    """Hold sound and motion of one clip in common frames.

    Attributes:
        name: the clip's name in its data folder.
        speaker: who speaks.
        features: (2T, 80) float32 log-mel, or (T, F) other features of the sound.
        expression: (T, 68, 3) float32 offsets from the speaker's rest, canonical space, 60 a second.
        rest: (68, 3) the speaker's resting face, canonical space.
    """

    name: str
    speaker: str
    features: np.ndarray
    expression: np.ndarray
    rest: np.ndarray


def align_clip(
    clip: PreparedClip, speed: Fraction = Fraction(1), extract: Callable[[np.ndarray], np.ndarray] = log_mel
) -> AlignedClip:
    """Bring a clip's sound and motion to common frames.

    Args:
        clip: a prepared clip, its offset corrected.
        speed: how much faster than recorded both are played.
        extract: from samples (N,) to features, a whole number of rows for each of `motion_frames(N)`.
    """
    samples = clip.samples
    if speed != 1:
        samples = resample_poly(samples, speed.denominator, speed.numerator).astype(np.float32)
    frames = motion_frames(len(samples))
    offsets, rest, _ = disentangle(clip.landmarks)
    wanted = np.arange(frames) / MOTION_RATE * float(speed)
    expression = resample(offsets, clip.times, wanted).astype(np.float32)
    return AlignedClip(clip.clip.name, clip.clip.speaker, extract(samples), expression, rest)


class WindowBatch(NamedTuple):
    """Windows of clips."""

    features: Tensor
    """(B, 2F, 80) log-mel, or (B, F, ...) other features of the sound."""
    expression: Tensor
    """(B, F, 68, 3) offsets from the speaker's rest, canonical space."""
    real: Tensor
    """(B, F), 1 for frames that count and 0 for padding."""


class WindowSampler:
    """Draw batches of windows, every speaker in proportion to the square root of the speaker's share of the sound.

    Clips are read when they are drawn, and the last `CACHED` stay in memory: a small set is read once, and a large one
    need not fit.
    """

    def __init__(self, store: ClipStore, frames: int, extract: Callable[[np.ndarray], np.ndarray] = log_mel) -> None:
        """Sample the `train` clips of a store.

        Args:
            store: prepared clips.
            frames: F, length of a window in frames of 1/60 s.
            extract: features of a sound, as in `align_clip`.

        Raises:
            DataError: the store holds no `train` clip.
        """
        self.frames = frames
        self._store = store
        self._extract = extract
        self._entries = [entry for entry in store.entries if entry.split == "train"]
        if not self._entries:
            raise DataError(f"{store.folder}: holds no clip of split 'train'", "add some to learn from", "no-clips")
        seconds: dict[str, float] = {}
        for entry in self._entries:
            seconds[entry.speaker] = seconds.get(entry.speaker, 0.0) + entry.seconds
        weights = torch.tensor([entry.seconds / seconds[entry.speaker] ** 0.5 for entry in self._entries])
        # Cumulative sum and search, since torch.multinomial takes at most 2^24 choices.
        self._shares = weights.double().cumsum(0) / weights.double().sum()
        self._clip = lru_cache(CACHED)(self._read)
        self._example = self._clip(0, Fraction(1))

    def _read(self, number: int, speed: Fraction) -> AlignedClip:
        return align_clip(self._store.load(self._entries[number]), speed, self._extract)

    def sample(self) -> tuple[np.ndarray, np.ndarray]:
        """Give features (M, 80 or F) and expressions (N, 68, 3) of up to `SAMPLED` clips as recorded."""
        step = -(-len(self._entries) // SAMPLED)
        clips = [self._clip(number, Fraction(1)) for number in range(0, len(self._entries), step)]
        return np.concatenate([clip.features for clip in clips]), np.concatenate([clip.expression for clip in clips])

    def batch(self, size: int, rng: torch.Generator) -> WindowBatch:
        """Draw a batch of windows.

        Args:
            size: B.
            rng: random numbers.

        Returns:
            Log-mel augmented, other features as they are.
        """
        rows = len(self._example.features) // len(self._example.expression)
        is_mel = self._extract is log_mel
        features = torch.full((size, rows * self.frames, self._example.features.shape[1]), LOG_FLOOR if is_mel else 0.0)
        expression = torch.zeros(size, self.frames, 68, 3)
        real = torch.zeros(size, self.frames)
        picks = torch.searchsorted(self._shares, torch.rand(size, generator=rng).double())
        speeds = torch.randint(len(SPEEDS), (size,), generator=rng)
        for row, (pick, speed) in enumerate(zip(picks.tolist(), speeds.tolist(), strict=True)):
            clip = self._clip(min(pick, len(self._entries) - 1), SPEEDS[speed])
            spare = max(len(clip.expression) - self.frames, 0)
            start = int(torch.randint(spare + 1, (1,), generator=rng))
            count = min(self.frames, len(clip.expression))
            features[row, : rows * count] = torch.from_numpy(clip.features[rows * start : rows * (start + count)])
            expression[row, :count] = torch.from_numpy(clip.expression[start : start + count])
            real[row, :count] = 1
        if is_mel:
            add_pauses(features, expression, real, rng)
            features = augment(features, rng)
        return WindowBatch(features, expression, real)
