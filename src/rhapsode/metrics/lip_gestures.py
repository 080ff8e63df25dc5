"""What lips must do on a phone, whatever the voice: meet on p b m, and part on open vowels."""

# ruff: noqa: RUF001 (phones are written in IPA)

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from rhapsode.media.synthesis import Phone

_MARKS = "ˈˌː"
_OPEN_VOWELS = frozenset("aɑæɐɒʌ")
#: Seconds of silence before the burst of a voiceless plosive.
_SILENCE = 0.05


class LipGestures(NamedTuple):
    """When lips must meet and when they must part."""

    shut: np.ndarray
    """(N, 2) seconds between which p b m hold the lips shut."""
    parted: np.ndarray
    """(M, 2) seconds between which an open vowel sounds."""


def lip_gestures(phones: Sequence[Phone]) -> LipGestures:
    """Tell when lips must meet and part, from phones with their times (`media.synthesis.synthesise_timed`)."""
    shut, parted = [], []
    for phone in phones:
        symbol = phone.symbol.strip(_MARKS)
        if symbol[:1] == "p":
            shut.append((phone.start - _SILENCE, phone.start))
        elif symbol[:1] in ("b", "m"):
            shut.append((phone.start, phone.end))
        elif symbol[:1] in _OPEN_VOWELS:
            parted.append((phone.start, phone.end))
    return LipGestures(np.array(shut).reshape(-1, 2), np.array(parted).reshape(-1, 2))
