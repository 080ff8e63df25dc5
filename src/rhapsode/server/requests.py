"""What a request asks of the animator, checked before anything is done for it."""

import json
from pathlib import Path
from typing import Any

from rhapsode.media.backdrop import TRANSPARENT, is_file
from rhapsode.media.formats import format_of
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


def checked_background(background: str) -> str:
    """Refuse what is no word or colour: a file of the server, above all.

    Raises:
        RequestError: 422.
    """
    background = background.strip()
    if not background or is_file(background):
        text = "background: is no colour, nor keep or transparent"
        raise RequestError(422, "bad-background", text, "choose a colour, such as white or #204060")
    return background


def checked_options(format: str, **asked: Any) -> dict[str, Any]:
    """Check options for `AnimationOptions`, and whether a kind of file can hold what they ask for.

    Returns:
        The options in a form that JSON holds.

    Raises:
        OptionsError: a value is out of range.
        VideoError: the kind of file is never transparent, or has fewer frames a second.
    """
    options = AnimationOptions(**asked)
    format_of(Path(f"video.{format}")).check("the video", options.frame_rate, options.background == TRANSPARENT)
    found: dict[str, Any] = json.loads(options.to_json())
    return found
