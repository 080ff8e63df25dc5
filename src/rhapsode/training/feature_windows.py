"""Windows of an encoder's features and the motion that belongs to them, of clips and of speech without video."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import load_file
from torch import Tensor

from rhapsode.audio.whisper_mel import BANDS, SILENCE, whisper_mel
from rhapsode.data.augment import augment_whisper_mel
from rhapsode.data.motion_windows import SPEEDS, WindowBatch
from rhapsode.data.store import PreparedClip
from rhapsode.models.motion_generator import to_landmarks
from rhapsode.models.motion_loss import expression_basis
from rhapsode.models.windowed_encoder import WindowedEncoder
from rhapsode.training.lip_windows import samples_and_motion

#: The landmark that each becomes in a mirror.
MIRRORED = [
    *range(16, -1, -1), *range(26, 16, -1), 27, 28, 29, 30, 35, 34, 33, 32, 31, 45, 44, 43, 42, 47, 46, 39, 38, 37, 36,
    41, 40, 54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55, 64, 63, 62, 61, 60, 67, 66, 65,
]  # fmt: skip

#: Samples (N,) at 16 kHz -> the features of the sound, (T, F), in one or more variants.
Extract = Callable[[np.ndarray], Sequence[np.ndarray]]


def mirrored(offsets: Tensor) -> Tensor:
    """Mirror offsets (..., 68, 3) of a face."""
    return offsets[..., MIRRORED, :] * torch.tensor([-1.0, 1.0, 1.0])


@torch.inference_mode()
def encode(encoder: WindowedEncoder, mel: Tensor, wide: bool) -> Tensor:
    """Compute features (B, T, W) of sounds (B, 2T, 80) that end in silence."""
    silence = torch.full((len(mel), 2 * sum(encoder.dims.ahead) + 2, BANDS), SILENCE)
    return encoder(torch.cat([mel, silence], 1), wide)[:, : mel.shape[1] // 2]


def extractor(encoder: WindowedEncoder, wide: bool, variants: int, seed: int = 0) -> Extract:
    """Make a function that computes the features of a sound as it is, and in a number of augmented variants."""
    rng = torch.Generator().manual_seed(seed)

    @torch.inference_mode()
    def extract(samples: np.ndarray) -> list[np.ndarray]:
        plain = torch.from_numpy(whisper_mel(samples))[None]
        augmented = augment_whisper_mel(plain.repeat(variants, 1, 1), rng, 1.0) if variants else plain[:0]
        return list(encode(encoder, torch.cat([plain, augmented]), wide).numpy())

    return extract


@dataclass(frozen=True)
class FeatureClip:
    """Hold a clip at one speed.

    Attributes:
        speaker: who speaks.
        features: (T, F) float16 of each variant of the sound, 50 a second.
        expression: (T, 68, 3) offsets from rest, canonical space, 50 a second.
    """

    speaker: str
    features: Sequence[np.ndarray]
    expression: np.ndarray


class FeatureWindows:
    """Draw windows of clips, every person as often as any other, faces mirrored half of the time."""

    def __init__(
        self, clips: Iterable[PreparedClip], extract: Extract, frames: int = 100, speeds: Sequence[Fraction] = SPEEDS
    ) -> None:
        """Extract the features of clips at some speeds; windows are `frames` features of 1/50 s long."""
        self.frames = frames
        self.clips: list[FeatureClip] = []
        total: dict[str, int] = {}
        for clip in clips:
            for speed in speeds:
                samples, expression = samples_and_motion(clip, speed)
                features = [one.astype(np.float16) for one in extract(samples)]
                self.clips.append(FeatureClip(clip.clip.speaker, features, expression))
                total[clip.clip.speaker] = total.get(clip.clip.speaker, 0) + len(expression)
        self._weights = torch.tensor([len(clip.expression) / total[clip.speaker] for clip in self.clips])

    def basis(self, components: int) -> np.ndarray:
        """Find the strongest expressions of the clips, (K, 204)."""
        return expression_basis(np.concatenate([clip.expression for clip in self.clips]), components)

    def spread(self) -> tuple[np.ndarray, np.ndarray]:
        """Measure mean and spread of the features, (F,) each."""
        features = np.concatenate([clip.features[0] for clip in self.clips]).astype(np.float32)
        return features.mean(0), features.std(0) + 1e-3

    def batch(self, size: int, rng: torch.Generator) -> WindowBatch:
        """Draw a batch of windows; the features have the shape (B, F, W)."""
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
            real[row, :count] = 1
        return WindowBatch(features, expression, real)


class UnfilmedWindows:
    """Draw windows of speech without video, with the motion that teachers predict for it."""

    def __init__(
        self, prepared: Path, motion: Path, encoder: WindowedEncoder, wide: bool, basis: Tensor, frames: int = 100
    ) -> None:
        """Encode prepared speech.

        Args:
            prepared: folder that `whisper_speech.prepare_speech` filled.
            motion: folder that `lip_teachers.predict` filled.
            encoder: makes the features.
            wide: the encoder's setting.
            basis: (K, 204) of the teachers.
            frames: length of a window.
        """
        self.frames, self._basis = frames, basis
        rng = torch.Generator().manual_seed(1)
        self._sound = []
        for path in sorted(motion.glob("*.safetensors")):
            mel = torch.from_numpy(load_file(prepared / path.name)["mel"].astype(np.float32))[None]
            features = encode(encoder, augment_whisper_mel(mel, rng, 0.6), wide)[0].numpy().astype(np.float16)
            self._sound.append((features, load_file(path)["weights"]))
        self._weights = torch.tensor([len(features) ** 0.5 for features, _ in self._sound])

    def batch(self, size: int, rng: torch.Generator) -> WindowBatch:
        """Draw a batch of windows, as `FeatureWindows.batch` does."""
        features = torch.zeros(size, self.frames, self._sound[0][0].shape[1])
        weights = torch.zeros(size, self.frames, len(self._basis))
        real = torch.zeros(size, self.frames)
        picks = torch.multinomial(self._weights, size, replacement=True, generator=rng)
        for row, pick in enumerate(picks.tolist()):
            sound, motion = self._sound[pick]
            start = int(torch.randint(max(len(motion) - self.frames, 0) + 1, (1,), generator=rng))
            count = min(self.frames, len(motion))
            features[row, :count] = torch.from_numpy(sound[start : start + count].astype(np.float32))
            features[row, count:] = features[row, count - 1]
            weights[row, :count] = torch.from_numpy(motion[start : start + count].astype(np.float32))
            real[row, :count] = 1
        return WindowBatch(features, to_landmarks(weights, self._basis), real)
