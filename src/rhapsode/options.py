"""One description of a request: what a portrait does with a sound."""

import json
import math
import re
from dataclasses import dataclass, fields
from fractions import Fraction
from pathlib import Path
from typing import Any

from rhapsode.errors import OptionsError
from rhapsode.style.style import STRONGEST, Style

#: Largest gain of head motion, mouth, blinks and gaze.
LARGEST_GAIN = 2.0
#: Lowest and highest frame rate.
LOWEST_FPS, HIGHEST_FPS = 1, 240
#: Most times that a video is wider than high, or higher than wide.
WIDEST = 4
_ASPECT = re.compile(r"(\d{1,5}(?:\.\d{1,5})?):(\d{1,5}(?:\.\d{1,5})?)")
#: Lowest and highest value of each option that is a plain number.
_RANGES = {
    "style_strength": STRONGEST,
    "head_motion": LARGEST_GAIN,
    "mouth": LARGEST_GAIN,
    "blink": LARGEST_GAIN,
    "gaze": LARGEST_GAIN,
}


@dataclass(frozen=True)
class AnimationOptions:
    """Say how a portrait is animated; checked when it is made.

    Attributes:
        style: a style; its name, a mixture such as "ballad*0.6+angry*0.4", or a style file. No style where None.
        style_strength: 0 none, 1 as learnt, up to 1.5 extrapolated.
        fps: frames a second, 1 to 240; 23.976, 29.97, 59.94 and 119.88 become the exact fractions that they stand for.
        head_motion: gain of the motion of head and shoulders, breath included, 0 none, 1 natural, at most 2.
        mouth: gain of the mouth's motion, likewise.
        blink: how often the eyes blink, 0 never, 1 at the natural rate, at most 2.
        gaze: gain of the eyes' motion, 0 none, so that they turn with the head, 1 natural, at most 2.
        teeth: whether teeth are drawn in a mouth of which no picture shows any.
        seed: of the motion of head, eyes and shoulders, 0 or more; the same seed gives the same frames.
        track: audio track of a file that drives the face, from 1; found by its voice where None.
        channel: channel that drives the face: its number, from 1, its name, such as left or FC, or mix, all together;
            found by its voice where None.
        live: whether a file is heard as a session hears it, with the same frames. Otherwise the lips of a file look
            further ahead and follow a little better.
        loop: whether the video ends where it begins, to be played again and again: in its last two seconds head, eyes
            and shoulders return to where they were in its first frame, as does the face in the last 0.4.
        background: keep, the picture's own; a colour, such as white or #204060; a picture, which fills the frame; or
            transparent, for outputs that can be.
        aspect: keep, the picture's own shape; or width:height of the video, such as 9:16, 1:1, 16:9, from 1:4 to 4:1:
            the largest such part of the picture that stands well about the face.

    Raises:
        OptionsError: a value is out of range or of another type.
    """

    style: Style | str | Path | None = None
    style_strength: float = 1.0
    fps: Fraction | float | int | str = Fraction(25)
    head_motion: float = 1.0
    mouth: float = 1.0
    blink: float = 1.0
    gaze: float = 1.0
    teeth: bool = True
    seed: int = 0
    track: int | None = None
    channel: int | str | None = None
    live: bool = False
    loop: bool = False
    background: str | Path = "keep"
    aspect: str = "keep"

    def __post_init__(self) -> None:
        if isinstance(self.style, Path):
            object.__setattr__(self, "style", str(self.style))
        if not (self.style is None or isinstance(self.style, Style | str)):
            raise _wrong("style", self.style, "give a name, a file, a Style or nothing")
        object.__setattr__(self, "fps", exact_fps(self.fps))
        if not isinstance(self.background, str | Path) or not str(self.background).strip():
            raise _wrong("background", self.background, "choose keep, transparent, a colour or a picture")
        object.__setattr__(self, "background", str(self.background).strip())
        _ratio(self.aspect)
        for name, highest in _RANGES.items():
            value = getattr(self, name)
            if not _is_number(value) or not 0 <= value <= highest:
                raise _wrong(name, value, f"choose 0 to {highest:g}")
        for name in ("teeth", "live", "loop"):
            if not isinstance(getattr(self, name), bool):
                raise _wrong(name, getattr(self, name), "choose true or false")
        if not isinstance(self.seed, int) or isinstance(self.seed, bool) or self.seed < 0:
            raise _wrong("seed", self.seed, "choose a whole number, 0 or more")
        if self.track is not None and not _counts(self.track):
            raise _wrong("track", self.track, "choose a whole number, 1 or more")
        if isinstance(self.channel, str) and self.channel.isdecimal():
            object.__setattr__(self, "channel", int(self.channel))
        named = isinstance(self.channel, str) and self.channel.strip() != ""
        if self.channel is not None and not named and not _counts(self.channel):
            raise _wrong("channel", self.channel, "choose a whole number, 1 or more, left, right or mix")

    @property
    def frame_rate(self) -> Fraction:
        """Give `fps` as the exact fraction."""
        return Fraction(self.fps)

    @property
    def aspect_ratio(self) -> float | None:
        """Give `aspect` as width by height; None for the picture's own."""
        return _ratio(self.aspect)

    def to_json(self) -> str:
        """Write as one JSON object; `fps` becomes a string such as "30000/1001".

        Raises:
            OptionsError: the style is an object, which JSON cannot hold.
        """
        if isinstance(self.style, Style):
            raise OptionsError(
                f"style {self.style.name!r}: only the name or file of a style can be written as JSON",
                "save the style and give its name or file",
                "style-not-named",
            )
        return json.dumps({field.name: getattr(self, field.name) for field in fields(self)} | {"fps": str(self.fps)})

    @classmethod
    def from_json(cls, text: str | bytes) -> "AnimationOptions":
        """Read what `to_json` wrote; fields that are left out take their defaults.

        Raises:
            OptionsError: no JSON object, an unknown field, or a value out of range.
        """
        try:
            values: Any = json.loads(text)
        except ValueError as error:
            raise OptionsError(f"options: not JSON ({error})", "write one JSON object", "not-json") from None
        if not isinstance(values, dict):
            raise OptionsError("options: not a JSON object", "write one JSON object", "not-json")
        known = [field.name for field in fields(cls)]
        for name in values:
            if name not in known:
                raise OptionsError(f"{name}: no such option", f"choose among {', '.join(known)}", "unknown-option")
        return cls(**values)


def exact_fps(fps: Fraction | float | int | str) -> Fraction:
    """Give the frame rate that a number stands for: 29.97 is 30000/1001.

    Args:
        fps: a number, or a string such as "25", "29.97" or "30000/1001".

    Raises:
        OptionsError: no rate from 1 to 240.
    """
    try:
        if isinstance(fps, bool):
            raise TypeError
        given = Fraction(fps.strip() if isinstance(fps, str) else fps)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        given = Fraction(0)
    rate = given.limit_denominator(1001)
    for whole in (24, 30, 60, 120):
        if abs(given - Fraction(whole * 1000, 1001)) < Fraction(5, 1000):
            rate = Fraction(whole * 1000, 1001)
    if not LOWEST_FPS <= rate <= HIGHEST_FPS:
        raise _wrong("fps", fps, f"choose {LOWEST_FPS} to {HIGHEST_FPS} frames a second, such as 25, 29.97, 30000/1001")
    return rate


def _ratio(aspect: object) -> float | None:
    if aspect == "keep":
        return None
    found = _ASPECT.fullmatch(aspect) if isinstance(aspect, str) else None
    width, height = (0.0, 1.0) if found is None else (float(found[1]), float(found[2]))
    if not 0 < height <= WIDEST * width <= WIDEST**2 * height:
        raise _wrong("aspect", aspect, f"choose keep, or width:height from 1:{WIDEST} to {WIDEST}:1, such as 9:16")
    return width / height


def _counts(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 1


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _wrong(name: str, value: object, remedy: str) -> OptionsError:
    return OptionsError(f"{name}={value!s}: not allowed", remedy, f"bad-{name.replace('_', '-')}")
