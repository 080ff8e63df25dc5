"""Run the studio on this machine, for its user's browser."""

import asyncio
import socket
import threading
import webbrowser
from collections.abc import Callable

import uvicorn

from rhapsode.errors import OptionsError
from rhapsode.studio.app import build
from rhapsode.studio.workspace import Workspace

HOST = "127.0.0.1"


def serve(work: Workspace, port: int, opens_browser: bool = True, tell: Callable[[str], None] = print) -> None:
    """Serve until interrupted.

    Args:
        work: what is shown; closed at the end.
        port: to listen at, on 127.0.0.1 alone; any free one where 0.
        opens_browser: whether the page is opened.
        tell: is given the page's address once it answers.

    Raises:
        OptionsError: the port is taken.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        reason = (error.strerror or str(error)).lower()
        raise OptionsError(f"port={port}: cannot listen there ({reason})", "choose another", "bad-port") from None
    address = f"http://{HOST}:{listener.getsockname()[1]}/"
    config = uvicorn.Config(
        build(work),
        log_level="warning",
        lifespan="on",
        ws="websockets-sansio",
        ws_per_message_deflate=False,  # pictures of the live tab are compressed already
    )
    server = _Server(config, lambda: _announce(address, opens_browser, tell), work.face.close)
    asyncio.run(server.serve([listener]))


def _announce(address: str, opens_browser: bool, tell: Callable[[str], None]) -> None:
    tell(address)
    if opens_browser:
        threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()


class _Server(uvicorn.Server):
    """A server that says when it answers, and when it is asked to end."""

    def __init__(self, config: uvicorn.Config, begun: Callable[[], None], ending: Callable[[], None]) -> None:
        super().__init__(config)
        self._begun, self._ending = begun, ending

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._begun()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._ending()  # first: answers are awaited that would never end
        await super().shutdown(sockets)
