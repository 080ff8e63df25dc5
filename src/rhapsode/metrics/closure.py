"""Whether lips meet where speech needs them to: /m b p/, placed by the word timings of the GRID corpus.

GRID's 51 words hold these sounds in two places only: at the start of a word (bin, blue, by, place, please, and the
letters b and p) and at the end of the letter m. A word from elsewhere may hold them inside, which its timing does not
place; only its start is counted.
"""

from pathlib import Path

import numpy as np

from rhapsode.errors import DataError
from rhapsode.motion.retarget import CLOSURE

#: Steps a second in which .align files count.
TICKS = 25000
#: Seconds on either side of the aligned time within which lips must meet.
NEAR = 0.1
#: Seconds before the end of the letter m at which its lips are surely shut.
_BEFORE_END = 0.05


def closure_times(table: Path) -> list[float]:
    """When the lips must be shut, seconds.

    Args:
        table: an .align file, `start end word` a line.

    Raises:
        DataError: if the file is not that.
    """
    try:
        rows = [line.split() for line in table.read_text(encoding="ascii").splitlines() if line.strip()]
        words = [(int(start) / TICKS, int(end) / TICKS, word.lower()) for start, end, word in rows]
    except (UnicodeDecodeError, ValueError):
        raise DataError(f"{table}: not a table of 'start end word' lines; restore it or remove it") from None
    return [end - _BEFORE_END if word == "m" else start for start, end, word in words if word[0] in "bpm"]


def are_closed(openings: np.ndarray, times: list[float], fps: float) -> list[bool]:
    """For each of the times, whether the lips come within `CLOSURE` of their rest around it.

    Args:
        openings: (T,) signed opening of the middle of the lips above rest, canonical units.
        times: seconds.
        fps: frames a second of the openings.
    """
    spans = [(max(int((time - NEAR) * fps), 0), int((time + NEAR) * fps) + 1) for time in times]
    return [bool((openings[first:last] < CLOSURE).any()) for first, last in spans]
