"""Augmentation of training windows: another speaker, room and microphone, and pauses."""

import math

import torch
from torch import Tensor

from rhapsode.audio.mel import LOG_FLOOR
from rhapsode.audio.whisper_mel import SILENCE

#: Share of the windows that begin, and as many that end, in silence; and frames at its border that do not count.
PAUSES, TURN = 0.2, 12


def add_pauses(mel: Tensor, expression: Tensor, real: Tensor, rng: torch.Generator) -> None:
    """Let some windows begin or end in silence with the face at rest, since clips are cut close around speech.

    Lips part before a word sounds and close after it, for an unknown time: `TURN` frames there do not count.

    Args:
        mel: (B, 2F, 80) log-mel; changed in place, as are the next two.
        expression: (B, F, 68, 3) offsets from rest, canonical units.
        real: (B, F), 1 for frames that count, else 0.
        rng: random numbers.
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

    Each window draws its own vocal tract length (stretch of the bands), level, spectral tilt and ripple, reverberation,
    stationary noise, and band mask (SpecAugment, Park et al. 2019).

    Args:
        mel: (B, 2F, 80) log-mel.
        generator: random numbers.

    Returns:
        (B, 2F, 80) log-mel.
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

    coloring = torch.linspace(-0.5, 0.5, bands) * draw(-2.5, 2.5, 1)
    for waves in (1, 2):
        wave = torch.linspace(0, 2 * torch.pi * waves, bands)
        coloring = coloring + draw(0, 0.3, 1) * torch.cos(wave + draw(0, 2 * torch.pi, 1))
    varied = varied + draw(-1.2, 1.2, 1, 1) + coloring[:, None]

    power = varied.exp()
    tail = power.clone()
    decay = draw(0.3, 0.85, 1)
    for frame in range(1, frames):
        tail[:, frame] += decay * tail[:, frame - 1]
    wet = draw(-0.25, 0.25, 1, 1).clamp(min=0)
    power = power + wet * (tail - power)

    tilt = torch.linspace(-0.5, 0.5, bands) * draw(-4.0, 4.0, 1)
    noise = (draw(-14.0, -4.0, 1, 1) + tilt[:, None]).exp()
    varied = (power + noise * draw(0.5, 1.5, frames, bands)).log().clamp(min=LOG_FLOOR)

    first = draw(0, bands, 1)
    band = torch.arange(bands)
    masked = (band >= first) & (band < first + draw(-10, 10, 1))
    return torch.where(masked[:, None], varied.mean((1, 2), keepdim=True), varied)


def augment_whisper_mel(mel: Tensor, rng: torch.Generator, share: float = 0.85) -> Tensor:
    """Augment Whisper's log-mel as `augment` does log-mel.

    Args:
        mel: (B, 2T, 80) spectrum of `audio.whisper_mel`.
        rng: random numbers.
        share: of the windows that are augmented; the others stay as they are.

    Returns:
        (B, 2T, 80), no value below `SILENCE`.
    """
    per_neper = 1 / (4 * math.log(10))
    augmented = augment((mel - 1) / per_neper, rng) * per_neper + 1
    unchanged = torch.rand(len(mel), 1, 1, generator=rng) > share
    return torch.where(unchanged, mel, augmented.clamp(min=SILENCE))
