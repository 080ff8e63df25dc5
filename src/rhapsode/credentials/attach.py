"""Let a video be signed before it has its name, or say why it is not."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rhapsode.errors import InstallationError
from rhapsode.media.sinks import Sink, VideoFile

if TYPE_CHECKING:
    from rhapsode.credentials.keys import SigningKey

log = logging.getLogger(__name__)


def signed(
    sink: Sink, inputs: Callable[[], dict[str, Any]], credentials: "SigningKey | bool" = True
) -> tuple[Sink, str]:
    """Give a sink that signs what it writes.

    A file whose sink has a hook of its own is left to that.

    Args:
        sink: to write to.
        inputs: tells what the video is made of (`Origin.inputs`); called when it is to be signed.
        credentials: the key to sign with; the user's for True, none for False.

    Returns:
        The sink, and what its comment is to say: why there are no Content Credentials, which is logged too unless it
        was asked for; empty where there are.

    Raises:
        OptionsError: the key that the environment names cannot be used.
    """
    if credentials is False:
        return sink, "No Content Credentials: left out by choice"
    why = sink.unsigned
    if not why and isinstance(sink, VideoFile):
        if sink.before_publish is not None:
            return sink, ""
        try:
            from rhapsode.credentials.signing import load_c2pa, sign

            load_c2pa()
            from rhapsode.credentials.keys import signing_key

            key = signing_key() if credentials is True else credentials
        except InstallationError as error:
            why = f"{error}"
        else:
            name = sink.name

            def publish(path: Path) -> None:
                sign(path, name, inputs(), key)

            return VideoFile(sink.path, publish), ""
    log.warning("%s: has no Content Credentials: %s", sink.name, why, extra={"code": "not-signed"})
    return sink, f"No Content Credentials: {why}"
