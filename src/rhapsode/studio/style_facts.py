"""What the page shows of a style: its origin, its faces as landmarks, and what it does to a motion."""

from typing import Any

import numpy as np

from rhapsode.animator import Animator
from rhapsode.face.geometry import mean_face
from rhapsode.face.mouth import lip_openings
from rhapsode.face.units import UNITS
from rhapsode.motion.lasting import landmarks_of
from rhapsode.options import AnimationOptions
from rhapsode.portrait import Portrait
from rhapsode.studio.preview import Excerpt, Rehearsed
from rhapsode.style.library import Entry
from rhapsode.style.references import key_motions
from rhapsode.style.style import KEY_MOTIONS, Style

#: Units that are named at most.
_NAMED = 6
#: Facts of the provenance that the page shows, and what it calls them.
_ORIGIN = {"clip": "Clip", "seconds": "Seconds", "date": "Learnt on", "method": "Method", "mixed": "Mixed of"}


def facts(entry: Entry, style: Style) -> dict[str, Any]:
    """Tell the page of a style.

    Faces are landmarks of the mean face, (68, 2) canonical units, x right and y down.
    """
    chief = sorted(zip(UNITS, style.units, strict=True), key=lambda one: -abs(one[1]))[:_NAMED]
    gains = zip(("Nods", "Turns", "Tilts", "Sideways", "Up and down"), style.head_gain, strict=True)
    origin = {told: _in_words(style.provenance[key]) for key, told in _ORIGIN.items() if key in style.provenance}
    return {
        "name": entry.name,
        "shipped": entry.shipped,
        "license": style.license,
        "origin": origin,
        "kilobytes": round(entry.path.stat().st_size / 1000),
        "head": {name: round(float(gain), 2) for name, gain in gains},
        "blinks": round(style.blink_rate_scale, 2),
        "units": {unit: round(float(value), 2) for unit, value in chief if abs(value) >= 0.02},
        "curve": list(style.provenance.get("curve", [])),
        "pictures": style.pictures is not None,
        "rest": _face(landmarks_of(style.units)),
        "references": [
            {"name": name, "face": _face(reference), "plain": _face(plain)}
            for name, reference, plain in zip(KEY_MOTIONS, style.references, key_motions(), strict=True)
        ],
    }


def _in_words(value: object) -> str:
    """Give a fact of the provenance; a mixture by the names and weights of its parts."""
    if not isinstance(value, list):
        return str(value)
    parts = [part for part in value if isinstance(part, dict)]
    return ", ".join(f"{part.get('name', '?')} * {part.get('weight', '?')}" for part in parts)


def _face(offsets: np.ndarray) -> list[list[float]]:
    return [[round(float(x), 4), round(float(y), 4)] for x, y, _ in mean_face() + offsets]


def motion_curves(animator: Animator, portrait: Portrait, excerpt: Excerpt, style: Style) -> dict[str, Any]:
    """Give how a mouth opens and a head nods to the same words, with the style and without."""
    told: dict[str, Any] = {}
    for name, worn in (("styled", style), ("plain", None)):
        video = Rehearsed(animator, excerpt).animate(portrait, excerpt.sound, AnimationOptions(style=worn))
        frames = list(video.motion())
        told["times"] = [round(float(frame.time), 3) for frame in frames]
        mouth = [lip_openings(frame.motion.expression[0])[1] for frame in frames]
        nod = [np.degrees(frame.motion.rotation[0, 0]) for frame in frames]
        told[name] = {"mouth": [round(float(x), 4) for x in mouth], "nod": [round(float(x), 3) for x in nod]}
    return told
