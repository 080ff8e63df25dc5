"""A WebRTC connection: sound of the other side comes in, pictures and sound go out. Needs aiortc.

Both sides reach each other directly: no STUN or TURN server is asked. The addresses that the other side names are not
read either. It asks at ours, and is answered where it asked from, so that nothing goes to an address that only an offer
names.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from concurrent.futures import TimeoutError as NotInTime
from contextlib import suppress
from fractions import Fraction

import numpy as np
from aiortc import MediaStreamTrack, RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import MediaStreamError
from av.audio.frame import AudioFrame
from av.frame import Frame
from av.video.frame import VideoFrame

from rhapsode.errors import OptionsError

#: Samples a second of sound in either direction: what Opus has.
RATE = 48_000
#: Samples that one packet holds: 20 ms.
_PACKET = 960
_VIDEO_CLOCK = 90_000
#: Samples of silence that stand for lost ones, at most.
_MOST_LOST = RATE
#: Seconds that the other side has to take a picture.
_PATIENCE = 10.0


class Peer:
    """The other side of a connection. All but `show` belongs to the thread of the event loop.

    Attributes:
        rate: samples a second of the sound that comes and goes, one channel of int16.
        description: what answers the offer.
        behind: of each picture, seconds from the arrival of its sound until it was sent; whoever reads them clears it.
    """

    rate = RATE

    def __init__(self) -> None:
        """Begin with nothing said; `answering` makes one."""
        self._loop = asyncio.get_running_loop()
        self._connection = RTCPeerConnection(RTCConfiguration(iceServers=[]))
        self.behind: list[float] = []
        self._pictures, self._voice = _Pictures(self.behind), _Voice()
        self._microphone: MediaStreamTrack | None = None
        self._unheard: asyncio.Task[None] | None = None
        self._settled, self._closed = asyncio.Event(), False
        self._connection.on("track", self._take_track)
        self._connection.on("connectionstatechange", self._state_changed)

    @classmethod
    async def answering(cls, offer: str) -> "Peer":
        """Answer an offer to send sound and to take pictures and sound.

        Args:
            offer: the session description of the other side (SDP), whole: no candidates come later.

        Raises:
            OptionsError: it is no such offer.
        """
        peer = cls()
        try:
            await peer._answer(offer)
        except Exception as error:  # what the library raises depends on where it stumbles
            await peer.close()
            raise OptionsError(
                f"offer: cannot be answered ({type(error).__name__})",
                "offer to send audio, and to take audio and video",
                "bad-offer",
            ) from None
        return peer

    async def _answer(self, offer: str) -> None:
        lines = [line for line in offer.splitlines() if not line.startswith(("a=candidate:", "a=end-of-candidates"))]
        text = "\r\n".join([*lines, ""])
        await self._connection.setRemoteDescription(RTCSessionDescription(text, "offer"))
        kinds = sorted(transceiver.kind for transceiver in self._connection.getTransceivers())
        if self._microphone is None or kinds != ["audio", "video"]:
            raise ValueError("no audio, or no video")
        self._connection.addTrack(self._voice)
        self._connection.addTrack(self._pictures)
        await self._connection.setLocalDescription(await self._connection.createAnswer())
        self.description: str = self._connection.localDescription.sdp

    def _take_track(self, track: MediaStreamTrack) -> None:
        if track.kind == "audio":
            self._microphone = track

    def _state_changed(self) -> None:
        if self._connection.connectionState in ("connected", "failed", "closed"):
            self._settled.set()

    async def connects(self, seconds: float) -> bool:
        """Wait so long for the connection; tell whether it is there."""
        try:
            await asyncio.wait_for(self._settled.wait(), seconds)
        except asyncio.TimeoutError:
            return False
        self._unheard = asyncio.create_task(self._pass_over())
        return bool(self._connection.connectionState == "connected")

    async def _pass_over(self) -> None:
        """Drop sound that comes before anybody listens."""
        with suppress(MediaStreamError):
            while self._microphone is not None:
                await self._microphone.recv()

    async def sound(self) -> AsyncIterator[bytes]:
        """Give the sound that comes, from now on, piece by piece; silence where some was lost.

        It ends when the connection does.
        """
        await self._stop_passing_over()
        expected: int | None = None
        while self._microphone is not None:
            try:
                frame = await self._microphone.recv()
            except MediaStreamError:
                return
            assert isinstance(frame, AudioFrame) and frame.pts is not None
            samples = frame.to_ndarray().reshape(-1, frame.layout.nb_channels).mean(1).astype("<i2")
            lost = 0 if expected is None else min(max(frame.pts - expected, 0), _MOST_LOST)
            expected = frame.pts + len(samples)
            yield bytes(2 * lost) + samples.tobytes()

    def show(self, image: np.ndarray, sound: bytes, at: float, heard: float) -> None:
        """Send a picture and the sound that begins with it, from another thread; wait until the one before is sent.

        Args:
            image: (H, W, 3) uint8 RGB.
            sound: int16 of one channel, 48 kHz.
            at: seconds on the stream's clock.
            heard: when its sound arrived, by `time.monotonic`.

        Raises:
            BrokenPipeError: the connection is no more.
        """
        picture = VideoFrame.from_ndarray(image, format="rgb24").reformat(format="yuv420p")
        picture.pts, picture.time_base = round(at * _VIDEO_CLOCK), Fraction(1, _VIDEO_CLOCK)
        try:
            asyncio.run_coroutine_threadsafe(self._send(picture, sound, at, heard), self._loop).result(_PATIENCE)
        except (RuntimeError, NotInTime) as error:
            raise BrokenPipeError("nobody takes the pictures") from error

    async def _send(self, picture: VideoFrame, sound: bytes, at: float, heard: float) -> None:
        if self._closed or self._connection.connectionState != "connected":
            raise BrokenPipeError("the connection is no more")
        self._voice.push(sound, at)
        await self._pictures.waiting.put((picture, heard))

    async def close(self) -> None:
        """End the connection; whoever waits to send stops waiting."""
        self._closed = True
        self._pictures.end()
        await self._stop_passing_over()
        await self._connection.close()

    async def _stop_passing_over(self) -> None:
        if self._unheard is not None:
            self._unheard.cancel()
            await asyncio.gather(self._unheard, return_exceptions=True)


class _Pictures(MediaStreamTrack):
    """Pictures that are sent one after another."""

    kind = "video"

    def __init__(self, behind: list[float]) -> None:
        super().__init__()
        self.waiting: asyncio.Queue[tuple[VideoFrame, float]] = asyncio.Queue(1)
        self._behind = behind
        self._heard: float | None = None

    async def recv(self) -> Frame:
        if self._heard is not None:  # who asks for the next one has sent the one before
            self._behind.append(time.monotonic() - self._heard)
        picture, self._heard = await self.waiting.get()
        return picture

    def end(self) -> None:
        """Let go of who waits to put a picture; only one may."""
        while not self.waiting.empty():
            self.waiting.get_nowait()


class _Voice(MediaStreamTrack):
    """Sound that is sent as it is pushed, in packets of 20 ms."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        self._packets: asyncio.Queue[AudioFrame] = asyncio.Queue()
        self._rest = np.zeros(0, np.int16)
        self._at = 0  # sample at which the rest begins

    def push(self, sound: bytes, at: float) -> None:
        """Take sound that begins at a time of the stream, or follows what was pushed before."""
        begins = round(at * RATE)
        if begins - self._at - len(self._rest) > 2 * _PACKET:  # nothing was said for a while
            self._rest, self._at = np.zeros(0, np.int16), begins
        samples = np.concatenate([self._rest, np.frombuffer(sound, "<i2")])
        whole = len(samples) // _PACKET * _PACKET
        for first in range(0, whole, _PACKET):
            packet = AudioFrame.from_ndarray(samples[None, first : first + _PACKET], format="s16", layout="mono")
            packet.sample_rate, packet.time_base = RATE, Fraction(1, RATE)
            packet.pts = self._at + first
            self._packets.put_nowait(packet)
        self._rest, self._at = samples[whole:], self._at + whole

    async def recv(self) -> Frame:
        return await self._packets.get()
