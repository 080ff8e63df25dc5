"""Lip closures: whether lips meet on /m b p/, whose times follow from the word timings of the GRID corpus.

GRID's 51 words have these sounds in two places only: at the start of a word (bin, blue, by, place, please, and the
letters b and p) and at the end of the letter m. Other words may have them inside, where word timings do not place them;
only their start is counted.
"""

from pathlib import Path

import numpy as np

from rhapsode.errors import DataError
from rhapsode.motion.retarget import CLOSURE

#: Units of time a second in .align files.
TICKS = 25000
#: Seconds before and after the aligned time within which lips must meet.
NEAR = 0.1
#: Seconds before the end of the letter m at which its lips are shut.
_BEFORE_END = 0.05


def closure_times(table: Path) -> list[float]:
    """Read when the lips must be shut, seconds.

    Args:
        table: an .align file, `start end word` a line.

    Raises:
        DataError: the file is not that.
    """
    try:
        rows = [line.split() for line in table.read_text(encoding="ascii").splitlines() if line.strip()]
        words = [(int(start) / TICKS, int(end) / TICKS, word.lower()) for start, end, word in rows]
    except (UnicodeDecodeError, ValueError):
        raise DataError(f"{table}: not a table of 'start end word' lines", "restore it or remove it") from None
    return [end - _BEFORE_END if word == "m" else start for start, end, word in words if word[0] in "bpm"]


def are_closed(openings: np.ndarray, times: list[float], fps: float) -> list[bool]:
    """Tell for each of the times whether the lips come within `CLOSURE` of their rest around it.

    Args:
        openings: (T,) signed opening of the middle of the lips above rest, canonical units.
        times: seconds.
        fps: frames a second of the openings.
    """
    spans = [(max(int((time - NEAR) * fps), 0), int((time + NEAR) * fps) + 1) for time in times]
    return [bool((openings[first:last] < CLOSURE).any()) for first, last in spans]
