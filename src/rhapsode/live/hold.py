"""A live session on a WebSocket: what goes to and fro between the two sides (docs/server.md tells the messages).

Sound and frames may go over WebRTC instead; the socket then carries what is said about them.
"""

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import TimeoutError as NotInTime
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any

import anyio
from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from rhapsode.errors import InstallationError, OptionsError, RhapsodeError
from rhapsode.live.arrivals import Arrivals
from rhapsode.live.outputs import Jpegs, Mp4, Output, Tracks
from rhapsode.live.show import Show
from rhapsode.live.wanted import Wanted

if TYPE_CHECKING:
    from rhapsode.media.peer import Peer

#: Reads the first message; may take long. Raises RhapsodeError where it cannot be had.
Begin = Callable[[str], Wanted]
#: Puts an error into words: code, message, remedy.
InWords = Callable[[Exception], dict[str, str]]

#: Seconds of sound that may wait to be shown, before no more is read.
_AHEAD = 120.0
#: Seconds that the other side has to say what it wants, or to take a message.
_PATIENCE = 20.0
#: Seconds that a WebRTC connection may take; without one the frames go over the socket.
_CONNECTS = 4.0
#: Seconds between two messages that tell how late frames are.
_TELLS_LATENCY = 0.5
_NORMAL, _REFUSED, _FAULT = 1000, 1008, 1011


@dataclass
class Held:
    """Say how long a session may last, and how many frames it sent.

    Attributes:
        seconds: longest session.
        idle_seconds: longest silence of the other side.
        frames: that were sent, so far.
    """

    seconds: float = inf
    idle_seconds: float = inf
    frames: int = field(default=0, init=False)


async def hold(socket: WebSocket, begin: Begin, in_words: InWords, held: Held) -> None:
    """Hold a session on an accepted socket to its end, and close the socket.

    Args:
        socket: to the other side.
        begin: reads the first message.
        in_words: tells the other side what went wrong.
        held: bounds it, and counts frames.
    """
    code = _NORMAL
    try:
        with anyio.fail_after(held.seconds):
            await _Session(socket, held).run(begin)
    except WebSocketDisconnect:
        return
    except Exception as error:
        code = _REFUSED if isinstance(error, RhapsodeError | TimeoutError) else _FAULT
        if isinstance(error, TimeoutError):
            error = OptionsError("the session was silent, or went on, for too long", "start another", "timeout")
        await refuse(socket, in_words(error), code)
        return
    if socket.application_state is WebSocketState.CONNECTED:
        with suppress(RuntimeError, WebSocketDisconnect):  # gone meanwhile
            await socket.close(code)


async def refuse(socket: WebSocket, words: dict[str, str], code: int) -> None:
    """Say why a session ends, and close the accepted socket by a code."""
    with suppress(RuntimeError, WebSocketDisconnect):
        await socket.send_json({"type": "error", **words})
        await socket.close(code)


class _Session:
    """A session and its socket."""

    def __init__(self, socket: WebSocket, held: Held) -> None:
        self._socket, self._held = socket, held
        self._loop = asyncio.get_running_loop()

    async def run(self, begin: Begin) -> None:
        """Take sound and messages until the session ends."""
        with anyio.fail_after(_PATIENCE):
            first = await self._message()
        wanted = await run_in_threadpool(begin, first if isinstance(first, str) else "")
        async with self._connected(wanted.offer) as (peer, why):
            rate, channels = (peer.rate, 1) if peer else (wanted.sample_rate, wanted.channels)
            arrivals = Arrivals(rate)
            output: Output
            if peer:
                output = Tracks(peer, arrivals)
            elif wanted.format == "mp4":
                output = Mp4(self._send, wanted.fps, rate, channels)
            else:
                output = Jpegs(self._send, wanted.quality)
            session = await run_in_threadpool(wanted.open, rate, channels)
            show = Show(session, wanted, arrivals, wanted.newest or peer is not None, self._tell)
            form = {"format": "webrtc" if peer else wanted.format, **({"why": why} if why else {})}
            await self._socket.send_json({"type": "ready", "fps": str(wanted.fps), **form})
            await self._perform(show, output, rate, channels, peer)

    async def _perform(self, show: Show, output: Output, rate: int, channels: int, peer: "Peer | None") -> None:
        """Show until the first of those who take part has done."""
        playing = _InThread(lambda: show.run(output))
        if peer:
            parts = [playing.ended(), self._take_words(show), self._listen(peer, show), self._tell_latency(peer)]
        else:
            parts = [playing.ended(), self._take(show, rate, channels)]
        tasks = [asyncio.create_task(part) for part in parts]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
            await self._socket.send_json({"type": "end", "frames": show.count, "time": show.time})
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            show.stop()
            if peer:
                await peer.close()  # who waits to send a frame waits no longer
            await run_in_threadpool(playing.join, _PATIENCE)
            self._held.frames = show.count

    @asynccontextmanager
    async def _connected(self, offer: str | None) -> "AsyncIterator[tuple[Peer | None, str]]":
        """Give the connection to who offered one, or say why there is none."""
        if offer is None:
            yield None, ""
            return
        try:
            peer = await _answer(offer)
        except InstallationError as error:
            yield None, f"{error.message}: {error.remedy}"
            return
        try:
            await self._socket.send_json({"type": "answer", "sdp": peer.description})
            if await peer.connects(_CONNECTS):
                yield peer, ""
                return
        finally:
            await peer.close()
        yield None, f"no connection within {_CONNECTS:g} s"

    async def _take(self, show: Show, rate: int, channels: int) -> None:
        """Take sound and words from the socket, no faster than frames can be shown."""
        fed, frame = 0.0, 2 * channels
        while True:
            while fed - show.time > _AHEAD:
                await asyncio.sleep(0.1)
            with anyio.fail_after(self._held.idle_seconds):
                given = await self._message()
            if isinstance(given, bytes):
                await run_in_threadpool(show.feed, given, len(given) // frame)
                fed += len(given) / frame / rate
            elif (begins := await run_in_threadpool(_obey, show, given)) is not None:
                fed = begins

    async def _take_words(self, show: Show) -> None:
        """Take words from the socket, where sound comes another way."""
        while True:
            given = await self._message()
            await run_in_threadpool(_obey, show, given if isinstance(given, str) else "")

    async def _listen(self, peer: "Peer", show: Show) -> None:
        """Take sound from a peer until it ends."""
        sound = peer.sound()
        while True:
            with anyio.fail_after(self._held.idle_seconds):
                piece = await anext(sound, b"")
            if not piece:
                raise OptionsError("the connection was lost", "start another", "connection-lost")
            await run_in_threadpool(show.hear, piece, len(piece) // 2)

    async def _tell_latency(self, peer: "Peer") -> None:
        """Tell how late frames were sent, again and again."""
        while True:
            await asyncio.sleep(_TELLS_LATENCY)
            if late := sorted(peer.behind):
                peer.behind.clear()
                await self._socket.send_json({"type": "latency", "seconds": round(late[len(late) // 2], 4)})

    async def _message(self) -> str | bytes:
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect(message.get("code", _NORMAL))
        sound: bytes | None = message.get("bytes")
        return message.get("text") or "" if sound is None else sound

    def _send(self, data: str | bytes) -> None:
        """Send a message, from another thread, and wait until it is on its way."""
        sending = self._socket.send_bytes(data) if isinstance(data, bytes) else self._socket.send_text(data)
        try:
            asyncio.run_coroutine_threadsafe(sending, self._loop).result(_PATIENCE)
        except (RuntimeError, NotInTime, WebSocketDisconnect) as error:
            raise BrokenPipeError("nobody listens") from error

    def _tell(self, event: dict[str, Any]) -> None:
        self._send(json.dumps(event))


class _InThread:
    """Work in a thread of its own that asyncio awaits."""

    def __init__(self, work: Callable[[], None]) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        self._fault: Exception | None = None
        self._thread = threading.Thread(target=self._work, args=(work,), name="live session", daemon=True)
        self._thread.start()

    def _work(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:
            self._fault = error
        finally:
            with suppress(RuntimeError):  # the loop is over
                self._loop.call_soon_threadsafe(self._ended.set)

    async def ended(self) -> None:
        """Wait for the end of the work, and raise what it raised."""
        await self._ended.wait()
        if self._fault is not None:
            raise self._fault

    def join(self, seconds: float) -> None:
        """Wait so long for the thread."""
        self._thread.join(seconds)


async def _answer(offer: str) -> "Peer":
    """Answer an offer.

    Raises:
        InstallationError: aiortc is not installed.
        OptionsError: it is no offer.
    """
    try:
        from rhapsode.media.peer import Peer
    except ImportError as error:
        raise InstallationError(
            f"WebRTC needs {error.name}, which is not installed", "pip install 'rhapsode[webrtc]'", "no-webrtc"
        ) from None
    return await Peer.answering(offer)


def _obey(show: Show, text: str) -> float | None:
    """Do what a message says; gives the session's time to which the sound that follows belongs, where it changes."""
    try:
        said = json.loads(text)
        kind = said["type"]
    except (ValueError, TypeError, KeyError):
        kind = ""
    if kind == "interrupt":
        at = said.get("at")
        if at is not None and (isinstance(at, bool) or not isinstance(at, int | float)):
            raise OptionsError("at: is no number of seconds", "see docs/server.md", "bad-message")
        return float(show.interrupt(at))
    if kind == "finish":
        show.finish()
        return None
    raise OptionsError("the message is neither interrupt nor finish", "see docs/server.md", "bad-message")
