"""The tab Live: sound comes in as it is spoken, frames go out as they are made (`rhapsode.live`)."""

import json

from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket

from rhapsode.errors import OptionsError
from rhapsode.live.hold import Held, hold
from rhapsode.live.wanted import Wanted
from rhapsode.media.backdrop import TRANSPARENT
from rhapsode.session import Session
from rhapsode.studio.http import in_words
from rhapsode.studio.settings import options_of, whole_number
from rhapsode.studio.workspace import Workspace


def routes(work: Workspace) -> list[BaseRoute]:
    """Give the tab's socket, and the address at which other programs see the face."""

    async def live(socket: WebSocket) -> None:
        await socket.accept()
        await hold(socket, lambda text: _wanted(text, work), lambda error: in_words(error, work.scratch), Held())

    return [WebSocketRoute("/api/live", live), work.face.route()]


def _wanted(text: str, work: Workspace) -> Wanted:
    """Read the page's first message: the server's (docs/server.md), with `picture` and `large` in place of a portrait.

    Raises:
        OptionsError: it asks for what there is not.
    """
    try:
        values = json.loads(text)
    except ValueError:
        values = None
    if not isinstance(values, dict):
        raise OptionsError("the message: not a JSON object", "reload the page", "not-json")
    small, large = reversed(work.pictures[values.get("picture")].both())
    portrait, options = large if values.get("large") else small, work.styled(options_of(values))
    if options.background == TRANSPARENT:
        raise OptionsError("background: a live picture has one", "choose keep or a colour", "bad-background")
    offer = values.get("offer")

    def open_session(rate: int, channels: int) -> Session:
        return work.animator.start_session(portrait, options, rate, channels)

    return Wanted(
        open_session,
        options.frame_rate,
        whole_number(values, "sample_rate", 48_000, 8_000),
        newest=True,
        offer=offer if isinstance(offer, str) else None,
        seen=work.face.show,
    )
