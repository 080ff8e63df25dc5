"""What a request asks of the animator, checked before anything is done for it."""

import json
from typing import Any

from rhapsode.options import AnimationOptions
from rhapsode.server.faults import RequestError
from rhapsode.style.expressions import is_expression
from rhapsode.style.library import StyleLibrary
from rhapsode.style.names import mixture_weights


def checked_style(style: str | None, library: StyleLibrary) -> str | None:
    """Refuse what is no style or mixture of the owner's: a path, above all.

    Raises:
        StyleError: no such style, or a mixture that is not understood.
    """
    if not style:
        return None
    known = {entry.name for entry in library.entries()}
    for name, _ in mixture_weights(style, lambda name: name not in known and is_expression(name)):
        if name not in known and not is_expression(name):
            library.entry(name)  # tells what is spelt like it
    return style


def checked_options(**asked: Any) -> dict[str, Any]:
    """Check options for `AnimationOptions`; gives them in a form that JSON holds.

    Raises:
        OptionsError: a value is out of range.
    """
    found: dict[str, Any] = json.loads(AnimationOptions(**asked).to_json())
    return found


def checked_number(value: object, name: str, low: int, high: int) -> int:
    """Read a whole number of a message.

    Raises:
        RequestError: 422.
    """
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise RequestError(
            422, "bad-request", f"{name}: not a whole number from {low} to {high}", f"choose {low} to {high}"
        )
    return value
