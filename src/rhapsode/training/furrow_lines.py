"""The lines of the forehead, between the brows, on the nose and beside the eyes, drawn where faces have them.

No two people have the same lines: a mean over many smears them, and those of one would be his own. So they are drawn by
anatomy, at depths of about those in films of an actor.
"""

from typing import Final

import numpy as np

from rhapsode.face import texture

#: Half the width of a line, canonical units, and how light the skin is beside it, of the line's depth.
_WIDTH, _SHOULDER = 0.014, 0.3
#: Depths at full expression, logarithms of picture values.
_FOREHEAD, _FROWN, _NOSE, _CROW, _WRINKLE, _FOLD = 0.17, 0.3, 0.15, 0.14, 0.2, 0.24
#: The lines of a forehead: height in its middle, how far it comes down 0.35 to the side, canonical units; its share of
#: the depth.
_LINES: Final = ((-0.372, 0.055, 0.7), (-0.425, 0.045, 1.0), (-0.487, 0.035, 0.8))
#: Heights at which lines cross the bridge of the nose, and at which those on its side begin; where the fold beside the
#: mouth begins, at the wing of the nose, and where it ends.
_BRIDGE, _FLANK = (0.02, 0.085), (0.09, 0.155)
_WING, _BESIDE = np.array([0.21, 0.44]), np.array([0.37, 0.68])
#: Outer corner of the left eye, and angles of the lines beside it, radians down from straight out.
_CORNER, _RAYS = np.array([0.5, 0.01]), (-0.45, 0.05, 0.55)


def forehead(middle: float, width: float) -> np.ndarray:
    """Draw lines across the forehead, about so far to the subject's left, and so wide; (*texture.SHAPE)."""
    x, y = np.moveaxis(texture.pixels(), -1, 0)
    lines = [share * _line(y - height - arch * (x / 0.35) ** 2) for height, arch, share in _LINES]
    return _FOREHEAD * np.sum(lines, axis=0) * np.exp(-(((x - middle) / width) ** 2))


def frown() -> np.ndarray:
    """Draw the line that stands over the inner end of the left brow, and half of that across the root of the nose."""
    x, y = np.moveaxis(texture.pixels(), -1, 0)
    upright = _line(x - 0.055 - 0.15 * (-0.19 - y)) * np.exp(-(((y + 0.19) / 0.08) ** 2))
    across = _line(y + 0.03 - 0.6 * x**2) * np.exp(-(((x - 0.05) / 0.06) ** 2))
    lines: np.ndarray = _FROWN * upright + _NOSE * across
    return lines


def wrinkled_nose() -> np.ndarray:
    """Draw the lines across the bridge of the nose, and those that run down its left side to the cheek."""
    x, y = np.moveaxis(texture.pixels(), -1, 0)
    across = [_line(y - height - 0.5 * x**2) for height in _BRIDGE]
    bridge = np.sum(across, axis=0) * np.exp(-((x / 0.07) ** 4)) * (0.5 + 0.5 * np.tanh(x / 0.02))
    down = [_line((y - height - 0.9 * (x - 0.1)) / 1.35) for height in _FLANK]
    flank = np.sum(down, axis=0) * np.exp(-(((x - 0.135) / 0.045) ** 4))
    lines: np.ndarray = _WRINKLE * (0.8 * bridge + flank)
    return lines


def lifted_lip() -> np.ndarray:
    """Draw the fold from the left wing of the nose to beside the mouth, that a lifted upper lip deepens."""
    x, y = np.moveaxis(texture.pixels(), -1, 0)
    down = (y - _WING[1]) / (_BESIDE[1] - _WING[1])
    fold = _line((x - _WING[0] - (_BESIDE[0] - _WING[0]) * down) / 1.6)
    lines: np.ndarray = _FOLD * fold * np.exp(-(((down - 0.4) / 0.55) ** 4))
    return lines


def crows_feet() -> np.ndarray:
    """Draw the lines beside the outer corner of the left eye."""
    away = texture.pixels() - _CORNER
    far = np.hypot(away[..., 0], away[..., 1])
    turn = np.arctan2(away[..., 1], away[..., 0])
    lines = [_line(far * (turn - ray)) * (np.abs(turn - ray) < 1) for ray in _RAYS]
    drawn: np.ndarray = _CROW * np.sum(lines, axis=0) * np.exp(-(((far - 0.13) / 0.05) ** 2))
    return drawn


def _line(distance: np.ndarray) -> np.ndarray:
    """Shade by the distance from a line: dark in it, light beside it."""
    fold, beside = np.exp(-((distance / _WIDTH) ** 2)), np.exp(-((distance / (2.5 * _WIDTH)) ** 2))
    shade: np.ndarray = _SHOULDER * beside - (1 + _SHOULDER) * fold
    return shade
