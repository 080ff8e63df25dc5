"""Names of styles, and mixtures written with them: "ballad", "ballad*0.6+angry*0.4"."""

import ntpath
import unicodedata
from collections.abc import Callable
from pathlib import PureWindowsPath

from rhapsode.errors import StyleError
from rhapsode.style.style import STRONGEST

#: Longest name in bytes of UTF-8; most file systems allow 255, and a file that is being written has a longer name.
LONGEST_NAME = 200
_RULE = f"use letters and digits of any alphabet, - and _; begin with a letter or digit; at most {LONGEST_NAME} bytes"


def checked_name(name: str) -> str:
    """Check the name of a style, and give it in Unicode's composed form (NFC), as files and lookups have it.

    Letters, marks and digits of any alphabet, - and _ are allowed. Everything else is not: spaces, dots and slashes,
    emoji, invisible characters, and the device names of Windows.

    Raises:
        StyleError: if it is no name.
    """
    composed = unicodedata.normalize("NFC", name)
    allowed = all(letter in "-_" or unicodedata.category(letter)[0] in "LMN" for letter in composed)
    begins_well = composed[:1] and unicodedata.category(composed[0])[0] in "LN"
    if not (allowed and begins_well) or len(composed.encode()) > LONGEST_NAME or _is_device(composed):
        raise StyleError(f"style name {_shortened(name)!r}: not allowed", _RULE, "bad-style-name")
    return composed


def _is_device(name: str) -> bool:
    """Tell whether Windows keeps a name for a device, such as NUL."""
    is_reserved = getattr(ntpath, "isreserved", None)  # from Python 3.13 on, which warns of the older one
    return bool(is_reserved(name) if is_reserved else PureWindowsPath(name).is_reserved())


def parse_mixture(text: str) -> list[tuple[str, float]]:
    """Read a mixture of styles.

    Args:
        text: names with weights, 1 where none is given: "ballad*0.6+angry*0.4", "ballad".

    Returns:
        The names and their weights, in order.

    Raises:
        StyleError: if a name is not allowed or occurs twice, or a weight is not 0 to `STRONGEST`.
    """
    parts: dict[str, float] = {}
    for part in text.split("+"):
        word, star, number = (piece.strip() for piece in part.partition("*"))
        if not word:
            raise _bad_mixture(text, "a name is missing", "write ballad, or ballad*0.6+angry*0.4")
        name = checked_name(word)
        if name in parts:
            raise _bad_mixture(text, f"{name!r} comes twice", "name it once, with one weight")
        try:
            weight = float(number) if star else 1.0
        except ValueError:
            weight = -1.0
        if not 0 <= weight <= STRONGEST:
            raise _bad_mixture(text, f"{number!r} is no weight from 0 to {STRONGEST:g}", f"write {name}*0.6")
        parts[name] = weight
    return list(parts.items())


def mixture_weights(text: str, added: Callable[[str], bool] = lambda name: False) -> list[tuple[str, float]]:
    """Read a mixture whose weights add up to 1 at most; without any weights, all styles have the same.

    Args:
        text: as in `parse_mixture`.
        added: tells of a name whether it is added to the mixture, as an expression is, and takes no share of it.

    Raises:
        StyleError: if it is not understood, or the weights of the shares add up to more.
    """
    parts = parse_mixture(text)
    shares = [name for name, _ in parts if not added(name)]
    if all(weight == 1 for _, weight in parts):
        return [(name, 1 / len(shares) if name in shares else 1.0) for name, _ in parts]
    total = sum(weight for name, weight in parts if name in shares)
    if total > 1 + 1e-6:
        raise StyleError(
            f"style {text!r}: the weights add up to {total:g}",
            "let them add up to 1 at most, and raise the style's strength instead",
            "strong-mixture",
        )
    return parts


def _bad_mixture(text: str, what: str, remedy: str) -> StyleError:
    return StyleError(f"style {_shortened(text)!r}: {what}", remedy, "bad-mixture")


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
