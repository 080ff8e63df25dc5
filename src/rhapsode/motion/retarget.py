"""Retargeting: motion is fitted to the face that a portrait shows."""

import numpy as np

from rhapsode.face.landmarks import EYES
from rhapsode.face.mouth import lip_openings

#: Inner lips closer than this (canonical units) count as shut: the generator averages, and leaves closures ajar.
CLOSURE = 0.02
#: Opening beyond which a picture shows no smile but a word: the wider it is, the nearer to shut the mouth then rests.
GAPE = 0.12
#: Share of a change of the opening that the upper lip makes; the jaw makes the rest.
UPPER_SHARE = 0.3
#: How each landmark follows a change of the three openings (right, middle, left), (68, 3), signed by direction in y.
_FOLLOWS = np.zeros((68, 3))
for _points, _share in (
    ({61: (1, 0, 0), 62: (0, 1, 0), 63: (0, 0, 1), 49: (0.5, 0, 0), 50: (0.5, 0.5, 0)}, -UPPER_SHARE),
    ({51: (0, 1, 0), 52: (0, 0.5, 0.5), 53: (0, 0, 0.5)}, -UPPER_SHARE),
    ({67: (1, 0, 0), 66: (0, 1, 0), 65: (0, 0, 1), 59: (0.5, 0, 0), 58: (0.5, 0.5, 0)}, 1 - UPPER_SHARE),
    ({57: (0, 1, 0), 56: (0, 0.5, 0.5), 55: (0, 0, 0.5)}, 1 - UPPER_SHARE),
    ({4: (0, 0.25, 0), 5: (0, 0.5, 0), 6: (0, 0.7, 0), 7: (0, 0.8, 0), 8: (0, 0.8, 0)}, 1 - UPPER_SHARE),
    ({9: (0, 0.8, 0), 10: (0, 0.7, 0), 11: (0, 0.5, 0), 12: (0, 0.25, 0)}, 1 - UPPER_SHARE),
):
    for _point, _weights in _points.items():
        _FOLLOWS[_point] = _share * np.array(_weights)


def lips_together(offsets: np.ndarray, upper_share: float = UPPER_SHARE) -> np.ndarray:
    """Bring the lips as close as at rest; the jaw and the skin around the lips follow.

    Args:
        offsets: (68, 3) from rest, canonical space.
        upper_share: share of the way that the upper lip goes.

    Returns:
        (68, 3).
    """
    shares = np.where(_FOLLOWS < 0, upper_share / UPPER_SHARE, (1 - upper_share) / (1 - UPPER_SHARE))
    closed = offsets.copy()
    closed[:, 1] -= (shares * _FOLLOWS) @ lip_openings(offsets)
    return closed


def close_as(offsets: np.ndarray, plain: np.ndarray) -> np.ndarray:
    """Close lips where other motion of the same sound closes them; jaw and skin around the lips follow.

    Args:
        offsets: (68, 3) from rest, canonical space.
        plain: (68, 3) of the other motion.

    Returns:
        (68, 3) float32; the same where the other's lips are apart by much more than `CLOSURE`, and never wider open.
    """
    own, wanted = lip_openings(offsets), np.maximum(lip_openings(plain), 0)
    shut = np.exp(-np.square(np.maximum(wanted - CLOSURE, 0) / CLOSURE))
    closed = offsets.astype(np.float32)
    closed[:, 1] += _FOLLOWS @ (shut * np.minimum(wanted - own, 0))
    return closed


def retarget(
    expression: np.ndarray, voice: np.ndarray, rest: np.ndarray, gain: float = 1.0, begun: float = 0.0
) -> np.ndarray:
    """Fit offsets to one portrait.

    In silence the portrait keeps its own mouth, a smile and bared teeth included. While a voice sounds, the opening is
    that of the speech alone: the opening that the picture shows is subtracted, so that an open smile neither gapes nor
    fails to close on /m b p/. The corners of the mouth, and with them the smile, stay. A mouth that the picture catches
    wide open does not gape in pauses once its owner has begun to speak.

    Args:
        expression: (T, 68, 3) offsets from a resting face with closed lips, canonical space.
        voice: (T,) in [0, 1], how surely a voice sounds or has just sounded (`motion.mouth_gate`).
        rest: (68, 3) canonical landmarks of the portrait.
        gain: 1 natural, 0 none.
        begun: how surely a voice has sounded before, 0 to 1.

    Returns:
        (T, 68, 3) float32 offsets from `rest`; lips touch but never cross.
    """
    active = (voice * min(gain, 1.0))[:, None]
    offsets = expression * (gain * voice)[:, None, None]
    offsets[:, EYES] = 0
    own = np.maximum(lip_openings(rest), 0)
    speech = np.maximum(lip_openings(offsets), 0)
    speech = np.sqrt(np.maximum(speech**2 - CLOSURE**2, 0))
    settled = begun * min(gain, 1.0)
    caught_speaking = GAPE * np.exp(1 - own / GAPE)
    at_rest = own + settled * np.where(own > GAPE, caught_speaking - own, 0)
    wanted = (1 - active) * at_rest + speech
    change = wanted - (lip_openings(rest) + lip_openings(offsets))
    # Until a voice sounds, frames stay exactly as they are.
    change = np.where((active > 0) | (settled > 0), change, 0)
    offsets[..., 1] += change @ _FOLLOWS.T
    return offsets.astype(np.float32)
