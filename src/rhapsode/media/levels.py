"""How much picture an H.264 player must take: the levels of ITU-T H.264, table A-1."""

import math
from fractions import Fraction

_BLOCK = 16
#: Macroblocks a frame and a second of the highest level that phones, televisions and video chips play.
_PLAYED, _PLAYED_FRAME, _PLAYED_RATE = "5.2", 36_864, 2_073_600
#: Macroblocks a second of the levels above, which take 139264 macroblocks a frame.
_ABOVE = {"6": 4_177_920, "6.1": 8_355_840, "6.2": 16_711_680}


def too_high_level(width: int, height: int, fps: Fraction) -> str:
    """Tell what is too much for players, and what would not be.

    Args:
        width: of the frames, pixels.
        height: likewise.
        fps: frames a second.

    Returns:
        A sentence with its remedy; empty where level 5.2 or less is enough.
    """
    blocks = math.ceil(width / _BLOCK) * math.ceil(height / _BLOCK)
    if blocks <= _PLAYED_FRAME and blocks * fps <= _PLAYED_RATE:
        return ""
    level = next((name for name, rate in _ABOVE.items() if blocks * fps <= rate), "above 6.2")
    # Whole macroblocks of the longer side; the shorter one is rounded up as well, hence the one less.
    shrink = math.sqrt(min(_PLAYED_FRAME, float(_PLAYED_RATE / fps)) / blocks)
    longest = int(max(width, height) / _BLOCK * shrink - 1) * _BLOCK
    slower = f", or at most {int(_PLAYED_RATE / blocks)} frames a second" if blocks <= _PLAYED_FRAME else ""
    return (
        f"{width} x {height} at {float(fps):g} frames a second is H.264 level {level}, and many players end at "
        f"{_PLAYED}; choose a longest side of at most {longest} pixels{slower}"
    )
