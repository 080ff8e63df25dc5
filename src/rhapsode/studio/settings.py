"""What a user has set on the page: as options of the library, and as the command that makes the same video."""

import math
import re
import shlex
from collections.abc import Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

from rhapsode.errors import OptionsError
from rhapsode.options import LARGEST_GAIN, AnimationOptions
from rhapsode.style.style import STRONGEST

#: Options that the page sets, with how it shows them: label, lowest, highest, step, what it does.
SLIDERS: Mapping[str, tuple[str, float, float, float, str]] = {
    "head_motion": ("Head", 0, LARGEST_GAIN, 0.05, "how far the head moves"),
    "mouth": ("Mouth", 0, LARGEST_GAIN, 0.05, "how wide the mouth opens"),
    "blink": ("Blinks", 0, LARGEST_GAIN, 0.05, "how often the eyes blink"),
    "gaze": ("Gaze", 0, LARGEST_GAIN, 0.05, "how far the eyes look around"),
    "style_strength": ("Strength", 0, STRONGEST, 0.05, "how much of the style; beyond 1 it is exaggerated"),
}
#: Options that are taken from a request.
_SET = (
    "style", "style_strength", "fps", "head_motion", "mouth", "blink", "gaze", "teeth", "seed", "loop", "background",
    "aspect",
)  # fmt: skip
#: Backgrounds that a request may name itself: a file must have been opened.
_NAMED = re.compile(r"keep|transparent|#[0-9a-fA-F]{6}")


def sliders() -> list[dict[str, Any]]:
    """Describe the sliders to the page."""
    defaults = {one.name: one.default for one in fields(AnimationOptions) if one.default is not MISSING}
    return [
        {"name": name, "label": label, "min": low, "max": high, "step": step, "help": does, "default": defaults[name]}
        for name, (label, low, high, step, does) in SLIDERS.items()
    ]


def options_of(values: Mapping[str, Any]) -> AnimationOptions:
    """Read the options of a request; what it leaves out takes its default.

    Raises:
        OptionsError: a value is out of range.
    """
    given = values.get("options") or {}
    if not isinstance(given, Mapping):
        raise OptionsError("options: not an object", "reload the page", "bad-options")
    if not _NAMED.fullmatch(str(given.get("background") or "keep")):
        raise OptionsError(
            "background: no colour, such as #204060", "choose keep, transparent or a colour", "bad-background"
        )
    return AnimationOptions(**{name: given[name] for name in _SET if given.get(name) not in (None, "")})


def whole_number(values: Mapping[str, Any], name: str, default: int, least: int) -> int:
    """Read a whole number of a request; the default where it has none.

    Raises:
        OptionsError: it is no whole number, or below the least.
    """
    given = values.get(name)
    if given in (None, ""):
        return default
    if not isinstance(given, int | float) or not math.isfinite(given) or given != int(given) or given < least:
        raise OptionsError(f"{name}={given}: not allowed", f"choose a whole number from {least} on", f"bad-{name}")
    return int(given)


def size_of(values: Mapping[str, Any]) -> int | None:
    """Read the longest side that a request asks for; None for the picture's own."""
    return whole_number(values, "size", 0, 64) or None


def command(
    options: AnimationOptions, portrait: Path, audio: Path, out: Path, words: Mapping[str, object | None]
) -> str:
    """Write the command line that makes the same video.

    Args:
        options: of the video.
        portrait: the picture's file.
        audio: the voice's.
        out: file to write.
        words: other options by their names, such as `size`; those that are None are left out.
    """
    parts: list[object] = ["rhapsode", "animate", "--portrait", portrait, "--audio", audio]
    for name, value in words.items():
        parts += [] if value is None else [f"--{name}", value]
    for one in fields(AnimationOptions):
        value = getattr(options, one.name)
        flag = one.name.replace("_", "-")
        if value == one.default:
            continue
        parts += [f"--{flag}" if value else f"--no-{flag}"] if isinstance(value, bool) else [f"--{flag}", value]
    return " ".join(shlex.quote(str(part)) for part in [*parts, "--out", out])
