"""What every request passes before it is looked at: where it comes from, and how large it is."""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from fastapi import HTTPException
from starlette.datastructures import Headers
from starlette.responses import JSONResponse

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

_LOCAL = re.compile(r"(localhost|127\.0\.0\.1|\[::1\])(:\d+)?", re.IGNORECASE)


class SameOrigin:
    """Refuse requests that another web page makes in a user's browser.

    A page may send forms and open WebSockets to any address, this machine included, whatever CORS says: it only may not
    read the answer. Browsers say where such requests come from. Without tokens a name that leads to this machine, as
    a page of a stranger could have its own name do, is refused as well.
    """

    def __init__(self, app: App, local: bool) -> None:
        """Guard an application; `local` where nobody needs a token."""
        self._app, self._local = app, local

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it by 403."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        host, origin = headers.get("host", ""), headers.get("origin")
        foreign = origin is not None and urlsplit(origin).netloc.lower() != host.lower()
        if not foreign and not (self._local and not _LOCAL.fullmatch(host)):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})  # before it is accepted: 403
        else:
            text = "the request comes from another page, or names this machine otherwise"
            fault = {"code": "foreign-origin", "message": text, "remedy": "ask from a program, or by 127.0.0.1"}
            await JSONResponse({"error": fault}, 403)(scope, receive, send)


class BodyLimit:
    """Refuse bodies that are too large, by 413: at once where their length is told, else as soon as they are."""

    def __init__(self, app: App, most: int) -> None:
        """Guard an application; `most` bytes."""
        self._app, self._most = app, most

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass a request on, counting what is read of its body."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        told = Headers(scope=scope).get("content-length", "0")
        if not told.isdecimal() or int(told) > self._most:
            await JSONResponse({"error": _too_large(self._most)}, 413, {"Connection": "close"})(scope, receive, send)
            return
        count = 0

        async def counted() -> Message:
            nonlocal count
            message = await receive()
            count += len(message.get("body", b""))
            if count > self._most:
                raise HTTPException(413, _too_large(self._most))
            return message

        await self._app(scope, counted, send)


def _too_large(most: int) -> dict[str, str]:
    text = f"the request has more than {most / 1e6:g} MB"
    return {"code": "upload-too-large", "message": text, "remedy": "send a smaller file"}
