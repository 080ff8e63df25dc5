"""One line a request, without anything personal: no address, no name, no number of what was asked for."""

import logging
import time

from rhapsode.server.guard import App, Message, Receive, Send
from rhapsode.server.metrics import Metrics

log = logging.getLogger("rhapsode.server.access")


class AccessLog:
    """Log and count answers by their route, such as /v1/jobs/{number}."""

    def __init__(self, app: App, metrics: Metrics) -> None:
        """Watch an application."""
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass a request on, and log what it was answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.monotonic()

        async def seen(message: Message) -> None:
            if message["type"] == "http.response.start":
                # Known once the application has found it; what is not there has none.
                route, seconds = _route(scope), time.monotonic() - began
                method = scope["method"] if scope["method"] in _METHODS else "other"
                self._metrics.answered(method, route, message["status"], seconds)
                log.info("%s %s %s %.0f ms", method, route, message["status"], 1000 * seconds)
            await send(message)

        await self._app(scope, receive, seen)


def _route(scope: Message) -> str:
    found = getattr(scope.get("route"), "path_format", None)
    return "none" if found is None else str(found)


_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
