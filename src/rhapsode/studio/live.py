"""The tab Live: sound comes in as it is spoken, frames go out as they are made, over one WebSocket.

The page sends one JSON object (`picture`, `options`, `rate`, `large`), then little-endian int16 samples of one channel;
a text message interrupts. A frame goes out as its time (float64, little-endian seconds), one byte that tells whether
the portrait speaks, and a JPEG.
"""

import asyncio
import struct
from collections.abc import Callable, Mapping
from typing import Any

import cv2
from starlette.concurrency import run_in_threadpool
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from rhapsode.errors import RhapsodeError
from rhapsode.session import Frame, Session
from rhapsode.studio.http import in_words
from rhapsode.studio.settings import options_of, whole_number
from rhapsode.studio.workspace import Workspace

_QUALITY = 85


def routes(work: Workspace) -> list[WebSocketRoute]:
    """Give the tab's socket."""

    async def live(socket: WebSocket) -> None:
        await socket.accept()
        try:
            session = await run_in_threadpool(_begin, work, await socket.receive_json())
        except RhapsodeError as error:
            await socket.send_json({"error": in_words(error)})
            await socket.close()
            return
        except WebSocketDisconnect:
            return
        loop = asyncio.get_running_loop()

        def send(packed: bytes) -> None:
            asyncio.run_coroutine_threadsafe(socket.send_bytes(packed), loop).result()

        with session:
            drawing = asyncio.create_task(asyncio.to_thread(_draw, session, send))
            try:
                await _listen(socket, session)
            except RhapsodeError as error:
                await socket.send_json({"error": in_words(error)})
            finally:
                session.close()
                drawing.cancel()
                await asyncio.gather(drawing, return_exceptions=True)

    return [WebSocketRoute("/api/live", live)]


def _begin(work: Workspace, values: Mapping[str, Any]) -> Session:
    small, large = reversed(work.pictures[values.get("picture")].both())
    options = work.styled(options_of(values))
    rate = whole_number(values, "rate", 48_000, 8_000)
    return work.animator.start_session(large if values.get("large") else small, options, rate)


async def _listen(socket: WebSocket, session: Session) -> None:
    """Take sound and interruptions until the page leaves."""
    while True:
        message = await socket.receive()
        if message["type"] == "websocket.disconnect":
            return
        if message.get("bytes"):
            await run_in_threadpool(session.feed, message["bytes"])
        elif message.get("text"):
            await run_in_threadpool(session.interrupt)


def _draw(session: Session, send: Callable[[bytes], None]) -> None:
    """Send frames until the session is closed, the newest where the machine is too slow for all."""
    while not session.closed:
        for frame in session.latest():
            send(packed(frame))


def packed(frame: Frame) -> bytes:
    """Give a frame as the page takes it."""
    picture = cv2.imencode(".jpg", cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[
        1
    ]
    return struct.pack("<d?", float(frame.time), frame.speaking) + picture.tobytes()
