"""`/v1/live`: a WebSocket that takes sound and gives frames."""

import asyncio
import json
import threading
from concurrent.futures import TimeoutError as NotInTime
from contextlib import suppress
from typing import Any

import anyio
from fastapi import APIRouter, WebSocket
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocketDisconnect, WebSocketState

from rhapsode.errors import RhapsodeError
from rhapsode.server.asking import hide_folder, no_token, services_of
from rhapsode.server.faults import RequestError
from rhapsode.server.live.show import Show
from rhapsode.server.live.start import Start
from rhapsode.server.requests import checked_style
from rhapsode.server.services import Services
from rhapsode.server.tokens import LOCAL, bearer, owner_of

router = APIRouter()

#: The subprotocol, which a browser that names a token in another one needs.
PROTOCOL = "rhapsode"
#: Seconds of sound that may wait to be shown, before no more is read.
_AHEAD = 120.0
#: Seconds that the other side has to say what it wants, or to take a message.
_PATIENCE = 20.0
_NORMAL, _REFUSED, _FAULT = 1000, 1008, 1011


@router.websocket("/v1/live")
async def live(socket: WebSocket) -> None:
    """Hold a session: docs/server.md tells the messages."""
    services = services_of(socket)
    try:
        owner = _owner(socket, services)
        with services.sessions.place(owner, "live sessions"):
            await socket.accept(PROTOCOL if PROTOCOL in socket.scope["subprotocols"] else None)
            await _hold(socket, services, owner)
    except RequestError as error:  # before it was accepted
        fault = {"code": error.code, "message": error.message, "remedy": error.remedy}
        headers = {} if error.retry_after is None else {"Retry-After": str(error.retry_after)}
        await socket.send_denial_response(JSONResponse({"error": fault}, error.status, headers))


def _owner(socket: WebSocket, services: Services) -> str:
    tokens = services.settings.tokens
    shown = bearer(socket.headers.get("authorization"), socket.scope["subprotocols"])
    owner = owner_of(shown, tokens) if tokens else LOCAL
    if owner is None:
        raise no_token()
    return owner


async def _hold(socket: WebSocket, services: Services, owner: str) -> None:
    """Hold an accepted session to its end."""
    code = _NORMAL
    try:
        with anyio.fail_after(services.settings.limits.live_seconds):
            await _Held(socket, services, owner).run()
    except WebSocketDisconnect:
        return
    except TimeoutError:
        code = _REFUSED
        await _tell_fault(socket, "timeout", "the session was silent, or went on, for too long", "start another")
    except RhapsodeError as error:
        code = _REFUSED
        words = (hide_folder(text, services.storage.folder) for text in (error.message, error.remedy))
        await _tell_fault(socket, error.code, *words)
    except Exception as error:
        code = _FAULT
        await _tell_fault(socket, "bug", f"a fault of the server ({type(error).__name__})", "tell whoever runs it")
    if socket.application_state is WebSocketState.CONNECTED:
        with suppress(RuntimeError, WebSocketDisconnect):  # gone meanwhile
            await socket.close(code)


async def _tell_fault(socket: WebSocket, code: str, message: str, remedy: str) -> None:
    with suppress(RuntimeError, WebSocketDisconnect):
        await socket.send_json({"type": "error", "code": code, "message": message, "remedy": remedy})


class _Held:
    """A session and its socket."""

    def __init__(self, socket: WebSocket, services: Services, owner: str) -> None:
        self._socket, self._services, self._owner = socket, services, owner
        self._loop = asyncio.get_running_loop()

    async def run(self) -> None:
        """Take sound and messages until the session ends."""
        start = Start.read(await self._text(), self._services.settings.limits.video_side)
        fps = start.animation().frame_rate
        session = await run_in_threadpool(self._open, start)
        show = Show(session, start, fps, self._send, self._tell)
        ended = asyncio.Event()
        faults: list[Exception] = []

        def perform() -> None:
            try:
                show.run()
            except Exception as error:
                faults.append(error)
            finally:
                with suppress(RuntimeError):  # the loop is over
                    self._loop.call_soon_threadsafe(ended.set)

        thread = threading.Thread(target=perform, name="live session", daemon=True)
        await self._socket.send_json({"type": "ready", "fps": str(fps), "format": start.format})
        thread.start()
        taking = asyncio.create_task(self._take(show, start))
        ending = asyncio.create_task(ended.wait())
        try:
            await asyncio.wait({taking, ending}, return_when=asyncio.FIRST_COMPLETED)
            if taking.done():
                taking.result()
            if faults:
                raise faults[0]
            await self._socket.send_json({"type": "end", "frames": show.count, "time": show.time})
        finally:
            taking.cancel()
            ending.cancel()
            await asyncio.gather(taking, ending, return_exceptions=True)
            show.stop()
            await run_in_threadpool(thread.join, _PATIENCE)
            self._services.metrics.live_frames(show.count)

    def _open(self, start: Start) -> Any:
        services = self._services
        library = services.styles(self._owner)
        checked_style(start.options.get("style"), library)
        portrait = services.portraits.use(self._owner, start.portrait)
        return services.stage.open(start, services.storage.portrait(self._owner, portrait.id), library)

    async def _take(self, show: Show, start: Start) -> None:
        """Take what the other side sends, no faster than it can be shown."""
        fed, bytes_a_second = 0, 2 * start.channels * start.sample_rate
        while True:
            while fed / bytes_a_second - show.time > _AHEAD:
                await asyncio.sleep(0.1)
            with anyio.fail_after(self._services.settings.limits.idle_seconds):
                message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                raise WebSocketDisconnect(message.get("code", _NORMAL))
            if (sound := message.get("bytes")) is not None:
                await run_in_threadpool(show.feed, sound)
                fed += len(sound)
            else:
                fed = await run_in_threadpool(_obey, show, message.get("text") or "", fed, bytes_a_second)

    async def _text(self) -> str:
        with anyio.fail_after(_PATIENCE):
            message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", _NORMAL))
        return str(message.get("text") or "")

    def _send(self, data: str | bytes) -> None:
        """Send a message, from another thread, and wait until it is on its way."""
        sending = self._socket.send_bytes(data) if isinstance(data, bytes) else self._socket.send_text(data)
        try:
            asyncio.run_coroutine_threadsafe(sending, self._loop).result(_PATIENCE)
        except (RuntimeError, NotInTime, WebSocketDisconnect) as error:
            raise BrokenPipeError("nobody listens") from error

    def _tell(self, event: dict[str, Any]) -> None:
        self._send(json.dumps(event))


def _obey(show: Show, text: str, fed: int, bytes_a_second: int) -> int:
    """Do what a message says; gives the number of bytes up to which sound was fed."""
    try:
        said = json.loads(text)
        kind = said["type"]
    except (ValueError, TypeError, KeyError):
        kind = ""
    if kind == "interrupt":
        at = said.get("at")
        if at is not None and (isinstance(at, bool) or not isinstance(at, int | float)):
            raise RequestError(422, "bad-message", "at: is no number of seconds", "see docs/server.md")
        show.interrupt(at)
        return int(show.time * bytes_a_second)
    if kind == "finish":
        show.finish()
        return fed
    raise RequestError(422, "bad-message", "the message is neither interrupt nor finish", "see docs/server.md")
