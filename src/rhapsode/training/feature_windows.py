"""Windows of an encoder's features and the motion that belongs to them, of clips and of speech without video."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file
from torch import Tensor

from rhapsode.audio.agc import AutomaticGainControl
from rhapsode.audio.mel import MOTION_RATE
from rhapsode.audio.whisper_mel import whisper_mel
from rhapsode.data.augment import augment_whisper_mel
from rhapsode.data.motion_windows import SPEEDS, WindowBatch, align_clip
from rhapsode.data.store import PreparedClip
from rhapsode.models.motion_loss import expression_basis
from rhapsode.motion.windowed_encoder import WindowedEncoder, to_motion_rate

#: The landmark that each becomes in a mirror.
MIRRORED = [
    *range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, 35, 34, 33, 32, 31, 45, 44, 43, 42, 47, 46, 39, 38, 37, 36,
    41, 40, 54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65,
]  # fmt: skip
#: Seconds of silence put before and after every clip, in which the face rests; and seconds at its border that do not
#: count, since lips part before a word sounds and close after it.
PAUSE, TURN = 0.6, 0.2

#: Samples (N,) at 16 kHz and a number of motion frames T -> the features of the sound, (T, F), in one or more variants.
Extract = Callable[[np.ndarray, int], Sequence[np.ndarray]]


def mirrored(offsets: Tensor) -> Tensor:
    """Mirror offsets (..., 68, 3) of a face."""
    return offsets[..., MIRRORED, :] * torch.tensor([-1.0, 1.0, 1.0])


def extractor(encoder: WindowedEncoder, variants: int, seed: int = 0) -> Extract:
    """Make a function that computes the features of a sound as the engine hears it live.

    Args:
        encoder: makes the features.
        variants: where not 0, the sound as a file is heard follows, and as many augmented variants, live and as a file
            in turn: one generator serves both settings.
        seed: of the augmentation.
    """
    rng = torch.Generator().manual_seed(seed)

    def extract(samples: np.ndarray, frames: int) -> list[np.ndarray]:
        plain = torch.from_numpy(whisper_mel(AutomaticGainControl().push(samples)))[None]
        heard = [(encoder, plain)]
        if variants:
            heard.append((encoder.wide, plain))
        settings = [encoder.wide if number % 2 else encoder for number in range(variants)]
        heard += [(setting, augment_whisper_mel(plain, rng, 1.0)) for setting in settings]
        return [to_motion_rate(setting.encode(mel[0].numpy()), frames) for setting, mel in heard]

    return extract


@dataclass(frozen=True)
class FeatureClip:
    """Hold a clip at one speed.

    Attributes:
        speaker: who speaks.
        features: (T, F) float16 of each variant of the sound, 60 a second.
        expression: (T, 68, 3) offsets from rest, canonical space, 60 a second.
        real: (T,), 1 for frames that count.
    """

    speaker: str
    features: Sequence[np.ndarray]
    expression: np.ndarray
    real: np.ndarray


def with_pauses(clip: PreparedClip, speed: Fraction, extract: Extract) -> FeatureClip:
    """Bring a clip to features and motion, with silence before and after it.

    Args:
        clip: a prepared clip.
        speed: how much faster than recorded sound and face are played.
        extract: computes features.
    """
    aligned = align_clip(clip, speed, lambda samples: samples)
    pause, turn = round(PAUSE * MOTION_RATE), round(TURN * MOTION_RATE)
    quiet = np.zeros(pause * 16000 // MOTION_RATE, np.float32)
    frames = len(aligned.expression)
    features = extract(np.concatenate([quiet, aligned.features, quiet]), frames + 2 * pause)
    expression = np.pad(aligned.expression, ((pause, pause), (0, 0), (0, 0)))
    real = np.ones(len(expression), np.float32)
    real[pause - turn : pause] = real[pause + frames : pause + frames + turn] = 0
    return FeatureClip(clip.clip.speaker, [one.astype(np.float16) for one in features], expression, real)


class FeatureWindows:
    """Draw windows of clips, every person as often as any other, faces mirrored half of the time."""

    def __init__(self, clips: Sequence[FeatureClip], frames: int = 120, balanced: bool = True) -> None:
        """Take clips; windows are `frames` motion frames (1/60 s) long. Unbalanced, who has more film is drawn more."""
        self.frames = frames
        self.clips = clips
        total: dict[str, int] = {}
        for clip in clips:
            total[clip.speaker] = total.get(clip.speaker, 0) + len(clip.expression)
        self._weights = torch.tensor(
            [len(clip.expression) / (total[clip.speaker] if balanced else 1) for clip in clips]
        )

    @classmethod
    def of(
        cls, clips: Iterable[PreparedClip], extract: Extract, frames: int = 120, speeds: Sequence[Fraction] = SPEEDS
    ) -> "FeatureWindows":
        """Extract the features of clips at some speeds, each clip at one after another."""
        return cls([with_pauses(clip, speed, extract) for clip in clips for speed in speeds], frames)

    def basis(self, components: int) -> np.ndarray:
        """Find the strongest expressions of the clips, (K, 204)."""
        return expression_basis(np.concatenate([clip.expression for clip in self.clips]), components)

    def spread(self) -> tuple[np.ndarray, np.ndarray]:
        """Measure mean and spread of the features, (F,) each."""
        features = np.concatenate([clip.features[0] for clip in self.clips]).astype(np.float32)
        return features.mean(0), features.std(0) + 1e-3

    def batch(self, size: int, rng: torch.Generator) -> WindowBatch:
        """Draw a batch of windows; the features have the shape (B, T, F)."""
        features = torch.zeros(size, self.frames, self.clips[0].features[0].shape[1])
        expression, real = torch.zeros(size, self.frames, 68, 3), torch.zeros(size, self.frames)
        picks = torch.multinomial(self._weights, size, replacement=True, generator=rng)
        draws = torch.rand(size, 3, generator=rng).tolist()
        for row, (pick, (where, which, mirror)) in enumerate(zip(picks.tolist(), draws, strict=True)):
            clip = self.clips[pick]
            start = int(where * (max(len(clip.expression) - self.frames, 0) + 1))
            count = min(self.frames, len(clip.expression))
            variant = clip.features[int(which * len(clip.features))]
            features[row, :count] = torch.from_numpy(variant[start : start + count].astype(np.float32))
            features[row, count:] = features[row, count - 1]
            moved = torch.from_numpy(clip.expression[start : start + count])
            expression[row, :count] = mirrored(moved) if mirror < 0.5 else moved
            real[row, :count] = torch.from_numpy(clip.real[start : start + count])
        return WindowBatch(features, expression, real)


class UnfilmedWindows:
    """Draw windows of speech without video, with the motion that teachers predict for it."""

    def __init__(self, motion: Path, encoder: WindowedEncoder, frames: int = 120) -> None:
        """Encode speech, augmented.

        Args:
            motion: folder of files with `mel` (2T, 80), Whisper's log-mel of a sound, and the motion that belongs to
                it, `weights` (T, K) of `basis` (K, 204), 60 a second (`lip_teachers.predict`).
            encoder: makes the features.
            frames: length of a window.
        """
        self.frames = frames
        rng = torch.Generator().manual_seed(1)
        self._sounds = []
        for path in sorted(motion.glob("*.safetensors")):
            sound = load_file(path)
            mel = augment_whisper_mel(torch.from_numpy(sound["mel"].astype(np.float32))[None], rng, 0.6)[0].numpy()
            weights = sound["weights"].astype(np.float32)
            features = to_motion_rate(encoder.encode(mel), len(weights)).astype(np.float16)
            self._sounds.append((features, weights, sound["basis"].astype(np.float32)))
        self._shares = torch.tensor([len(features) ** 0.5 for features, _, _ in self._sounds])

    def batch(self, size: int, rng: torch.Generator) -> WindowBatch:
        """Draw a batch of windows, as `FeatureWindows.batch` does."""
        features = torch.zeros(size, self.frames, self._sounds[0][0].shape[1])
        expression, real = torch.zeros(size, self.frames, 68, 3), torch.zeros(size, self.frames)
        picks = torch.multinomial(self._shares, size, replacement=True, generator=rng)
        for row, pick in enumerate(picks.tolist()):
            sound, weights, basis = self._sounds[pick]
            start = int(torch.randint(max(len(weights) - self.frames, 0) + 1, (1,), generator=rng))
            count = min(self.frames, len(weights))
            features[row, :count] = torch.from_numpy(sound[start : start + count].astype(np.float32))
            features[row, count:] = features[row, count - 1]
            moved = weights[start : start + count] @ basis
            expression[row, :count] = torch.from_numpy(moved.reshape(-1, 68, 3))
            real[row, :count] = 1
        return WindowBatch(features, expression, real)
