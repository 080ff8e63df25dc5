"""Training windows for the Motion Generator: log-mel and the expression that goes with it, varied at random."""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
import torch
from scipy.signal import resample_poly
from torch import Tensor

from rhapsode.audio.mel import LOG_FLOOR, MOTION_RATE, log_mel, motion_frames
from rhapsode.data.store import ClipStore, PreparedClip
from rhapsode.errors import DataError
from rhapsode.face.expression import disentangle, resample

#: Every clip is also heard played slower and faster: other voices, other tempi, the lips in step.
SPEEDS = (Fraction(17, 20), Fraction(12, 13), Fraction(1), Fraction(13, 12), Fraction(20, 17))
#: Share of the windows that begin, and as many that end, in silence; and frames around its border that do not count.
PAUSES, TURN = 0.2, 12
#: Clips (at one speed) that stay in memory, about 0.5 MB each, and clips that statistics are taken from.
KEPT, STUDIED = 4096, 500


@dataclass(frozen=True)
class AlignedClip:
    """Sound and motion of one clip in step.

    Attributes:
        name: the clip's name in its data folder.
        speaker: who speaks.
        heard: (2T, 80) float32 log-mel, or (T, F) of what else was heard.
        expression: (T, 68, 3) float32 offsets from the speaker's rest, canonical space, 60 a second.
        rest: (68, 3) the speaker's resting face, canonical space.
    """

    name: str
    speaker: str
    heard: np.ndarray
    expression: np.ndarray
    rest: np.ndarray


def align_clip(
    clip: PreparedClip, speed: Fraction = Fraction(1), hear: Callable[[np.ndarray], np.ndarray] = log_mel
) -> AlignedClip:
    """Bring a clip's sound and motion to common frames.

    Args:
        clip: a tracked clip, its sound and lips in step.
        speed: how much faster than recorded both are played.
        hear: makes features of samples, a whole number of rows for each of `motion_frames(N)`.
    """
    samples = clip.samples
    if speed != 1:
        samples = resample_poly(samples, speed.denominator, speed.numerator).astype(np.float32)
    frames = motion_frames(len(samples))
    offsets, rest, _ = disentangle(clip.landmarks)
    wanted = np.arange(frames) / MOTION_RATE * float(speed)
    expression = resample(offsets, clip.times, wanted).astype(np.float32)
    return AlignedClip(clip.clip.name, clip.clip.speaker, hear(samples), expression, rest)


class WindowSampler:
    """Draws batches of windows, every speaker as often as the square root of the speaker's share of the sound.

    Clips are read as they are drawn, and the last `KEPT` stay in memory: few clips are read once, and a million do not
    have to fit.
    """

    def __init__(self, store: ClipStore, frames: int, hear: Callable[[np.ndarray], np.ndarray] = log_mel) -> None:
        """Sample the `train` clips of a store.

        Args:
            store: prepared clips.
            frames: F, length of a window in frames of 1/60 s.
            hear: what is heard of a sound, as in `align_clip`.
        """
        self.frames = frames
        self._store = store
        self._hear = hear
        self._entries = [entry for entry in store.entries if entry.split == "train"]
        if not self._entries:
            raise DataError(f"{store.folder}: holds no clip of split 'train' to learn from; add some")
        seconds: dict[str, float] = {}
        for entry in self._entries:
            seconds[entry.speaker] = seconds.get(entry.speaker, 0.0) + entry.seconds
        weights = torch.tensor([entry.seconds / seconds[entry.speaker] ** 0.5 for entry in self._entries])
        # Summed and searched, since torch.multinomial takes no more than 2^24 choices.
        self._shares = weights.double().cumsum(0) / weights.double().sum()
        self._clip = lru_cache(KEPT)(self._read)
        self._example = self._clip(0, Fraction(1))

    def _read(self, number: int, speed: Fraction) -> AlignedClip:
        return align_clip(self._store.load(self._entries[number]), speed, self._hear)

    def sample(self) -> tuple[np.ndarray, np.ndarray]:
        """What is heard (M, 80 or F) and the expressions (N, 68, 3) of the clips as recorded, or of `STUDIED`."""
        step = -(-len(self._entries) // STUDIED)
        clips = [self._clip(number, Fraction(1)) for number in range(0, len(self._entries), step)]
        return np.concatenate([clip.heard for clip in clips]), np.concatenate([clip.expression for clip in clips])

    def batch(self, size: int, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """A batch of windows.

        Args:
            size: B.
            rng: the source of chance.

        Returns:
            Augmented log-mel (B, 2F, 80), or another input (B, F, ...); expression (B, F, 68, 3); and (B, F) which
            frames are real (1) or padding (0).
        """
        rows = len(self._example.heard) // len(self._example.expression)
        is_mel = self._hear is log_mel
        heard = torch.full((size, rows * self.frames, self._example.heard.shape[1]), LOG_FLOOR if is_mel else 0.0)
        expression = torch.zeros(size, self.frames, 68, 3)
        real = torch.zeros(size, self.frames)
        picks = torch.searchsorted(self._shares, torch.rand(size, generator=rng).double())
        speeds = torch.randint(len(SPEEDS), (size,), generator=rng)
        for row, (pick, speed) in enumerate(zip(picks.tolist(), speeds.tolist(), strict=True)):
            clip = self._clip(min(pick, len(self._entries) - 1), SPEEDS[speed])
            spare = max(len(clip.expression) - self.frames, 0)
            start = int(torch.randint(spare + 1, (1,), generator=rng))
            count = min(self.frames, len(clip.expression))
            heard[row, : rows * count] = torch.from_numpy(clip.heard[rows * start : rows * (start + count)])
            expression[row, :count] = torch.from_numpy(clip.expression[start : start + count])
            real[row, :count] = 1
        if is_mel:
            add_pauses(heard, expression, real, rng)
            heard = augment(heard, rng)
        return heard, expression, real


def add_pauses(mel: Tensor, expression: Tensor, real: Tensor, rng: torch.Generator) -> None:
    """Let some windows begin or end in silence, in which the face rests; clips are cut close around what is said.

    Lips part before a word sounds and close after it, as long as nobody can tell: `TURN` frames there do not count.

    Args:
        mel: (B, 2F, 80) log-mel, changed in place, as are
        expression: (B, F, 68, 3) offsets from rest, and
        real: (B, F), which frames count.
        rng: the source of chance.
    """
    frames = real.shape[1]
    for row, (kind, share) in enumerate(torch.rand(len(mel), 2, generator=rng).tolist()):
        if kind >= 2 * PAUSES:
            continue
        length = int(share * 0.6 * frames)
        silent = slice(0, length) if kind < PAUSES else slice(frames - length, frames)
        turn = slice(max(length - TURN, 0), length) if kind < PAUSES else slice(frames - length, frames - length + TURN)
        mel[row, 2 * silent.start : 2 * silent.stop] = LOG_FLOOR
        expression[row, silent] = 0
        real[row, silent] = 1
        real[row, turn] = 0


def augment(mel: Tensor, generator: torch.Generator) -> Tensor:
    """Make windows sound as if by another speaker, in another room, over another microphone.

    Vocal tract length (stretch of the bands), level, colour of voice and microphone, reverberation, steady noise,
    and masked bands (SpecAugment, Park et al. 2019), each drawn for each window.

    Args:
        mel: (B, 2F, 80) log-mel.
        generator: the source of chance.
    """
    batch, frames, bands = mel.shape

    def draw(low: float, high: float, *shape: int) -> Tensor:
        return low + (high - low) * torch.rand(batch, *shape, generator=generator)

    position = torch.arange(bands) * draw(0.88, 1.12, 1)
    position = position.clamp(0, bands - 1.001)
    left = position.long()
    share = (position - left)[:, None]
    left = left[:, None].expand(-1, frames, -1)
    varied = mel.gather(2, left) * (1 - share) + mel.gather(2, left + 1) * share

    colouring = torch.linspace(-0.5, 0.5, bands) * draw(-2.5, 2.5, 1)
    for waves in (1, 2):
        wave = torch.linspace(0, 2 * torch.pi * waves, bands)
        colouring = colouring + draw(0, 0.3, 1) * torch.cos(wave + draw(0, 2 * torch.pi, 1))
    varied = varied + draw(-1.2, 1.2, 1, 1) + colouring[:, None]

    power = varied.exp()
    tail = power.clone()
    decay = draw(0.3, 0.85, 1)
    for frame in range(1, frames):
        tail[:, frame] += decay * tail[:, frame - 1]
    wet = draw(-0.25, 0.25, 1, 1).clamp(min=0)
    power = power + wet * (tail - power)

    colour = torch.linspace(-0.5, 0.5, bands) * draw(-4.0, 4.0, 1)
    noise = (draw(-14.0, -4.0, 1, 1) + colour[:, None]).exp()
    varied = (power + noise * draw(0.5, 1.5, frames, bands)).log().clamp(min=LOG_FLOOR)

    first = draw(0, bands, 1)
    band = torch.arange(bands)
    masked = (band >= first) & (band < first + draw(-10, 10, 1))
    return torch.where(masked[:, None], varied.mean((1, 2), keepdim=True), varied)
