"""Several sounds heard at once."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from rhapsode.media.encoder import Sound, open_sound
from rhapsode.media.source import Piped
from rhapsode.media.waveform import Waveform

#: Level beyond which a mixture is bent, so that none exceeds 1.
_FREE: Final = 0.9


def open_mixture(sounds: Sequence[tuple[Path | Piped | Waveform, int]], rates: tuple[int, ...]) -> Sound:
    """Open sounds that begin together, as one that ends with the longest.

    Args:
        sounds: each with the number of its track, from 0.
        rates: samples per second to choose among, ascending.

    Returns:
        At the highest rate that one of them asks for (`encoder.open_sound`), in stereo where one is; a single sound as
        it is.

    Raises:
        AudioError: one cannot be read, or has no audio track.
        OptionsError: no such track.
    """
    opened = [open_sound(sound, track, rates) for sound, track in sounds]
    if len(opened) == 1:
        return opened[0]
    rate, channels = max(one.rate for one in opened), max(one.channels for one in opened)
    alike = [
        one if one.rate == rate else open_sound(sound, track, (rate,))
        for one, (sound, track) in zip(opened, sounds, strict=True)
    ]
    return Sound(rate, channels, _mixed([one.blocks for one in alike], channels))


def _mixed(sounds: list[Iterator[np.ndarray]], channels: int) -> Iterator[np.ndarray]:
    """Add up sounds, (1 or C, n) blocks of any length."""
    held = {number: np.zeros((channels, 0), np.float32) for number in range(len(sounds))}
    while True:
        for number in [number for number, block in held.items() if not block.shape[1]]:
            block = next(sounds[number], None)
            if block is None:
                del held[number]
            else:
                held[number] = np.broadcast_to(block, (channels, block.shape[1]))
        if not held:
            return
        length = min(block.shape[1] for block in held.values())
        yield _bent(np.add.reduce([block[:, :length] for block in held.values()]))
        held = {number: block[:, length:] for number, block in held.items()}


def _bent(samples: np.ndarray) -> np.ndarray:
    """Bend what is louder than a sound can be; below that nothing changes."""
    over = np.maximum(np.abs(samples) - _FREE, 0) / (1 - _FREE)
    bent = np.sign(samples) * (_FREE + (1 - _FREE) * np.tanh(over))
    loud: np.ndarray = np.where(over > 0, bent, samples).astype(np.float32)
    return loud
