"""A live session over WebRTC: a microphone goes in, a face and its voice come out; the WebSocket arranges it."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from tests.bench import hello
from tests.server.speaking import Speaker

from rhapsode.media.waveform import Waveform, resample

aiortc: Any = pytest.importorskip("aiortc", reason="needs the extra [webrtc]")
client: Any = pytest.importorskip("websockets.asyncio.client")
from av.audio.frame import AudioFrame  # noqa: E402

from rhapsode.live import hold  # noqa: E402

RATE, PACKET = 48_000, 960


class Microphone(aiortc.MediaStreamTrack):  # type: ignore[misc]
    """Speaks for half a second of each second, in real time."""

    kind = "audio"

    def __init__(self) -> None:
        super().__init__()
        voice = resample(Waveform(hello(), 16_000), RATE).samples
        self._sound = (np.concatenate([voice, np.zeros(RATE - len(voice) % RATE)]) * 32767).astype(np.int16)
        self._count, self._began = 0, 0.0

    async def recv(self) -> AudioFrame:
        loop = asyncio.get_running_loop()
        self._began = self._began or loop.time()
        await asyncio.sleep(self._began + self._count / RATE - loop.time())
        samples = np.take(self._sound, range(self._count, self._count + PACKET), mode="wrap")
        frame = AudioFrame.from_ndarray(samples[None], format="s16", layout="mono")
        frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), self._count
        self._count += PACKET
        return frame


class Caller:
    """The other side of a session, which offers WebRTC."""

    def __init__(self, socket: Any, portrait: str) -> None:
        self.socket, self._portrait = socket, portrait
        self.connection = aiortc.RTCPeerConnection(aiortc.RTCConfiguration(iceServers=[]))
        self.tracks: dict[str, Any] = {}
        self.connection.on("track", lambda track: self.tracks.update({track.kind: track}))
        self.events: list[dict[str, Any]] = []

    async def offer(self, **more: Any) -> None:
        self.connection.addTrack(Microphone())
        self.connection.addTransceiver("video", direction="recvonly")
        await self.connection.setLocalDescription(await self.connection.createOffer())
        offer = self.connection.localDescription.sdp
        start = {"type": "start", "portrait": self._portrait, "options": {"fps": 10}, "offer": offer, **more}
        await self.socket.send(json.dumps(start))

    async def until(self, kind: str) -> dict[str, Any]:
        """Take messages up to an event."""
        while not self.events or self.events[-1]["type"] != kind:
            message = await asyncio.wait_for(self.socket.recv(), 60)
            assert isinstance(message, str), "a frame comes over the socket"
            self.events.append(json.loads(message))
            assert kind == "error" or self.events[-1]["type"] != "error", self.events[-1]
        return self.events[-1]

    async def connect(self) -> None:
        sdp = (await self.until("answer"))["sdp"]
        await self.connection.setRemoteDescription(aiortc.RTCSessionDescription(sdp, "answer"))


def call(speaker: Speaker, work: Callable[[Caller], Awaitable[None]]) -> None:
    """Open a session, and let `work` speak with it."""

    async def calling() -> None:
        address = speaker.address.replace("http", "ws") + "/v1/live"
        headers = {"Authorization": f"Bearer {speaker.token}"}
        portrait = speaker.portrait
        while speaker.get("/metrics").text.find("rhapsode_live_sessions 0.0") < 0:
            await asyncio.sleep(0.05)  # the session before ends
        async with client.connect(address, additional_headers=headers, max_size=None) as socket:
            caller = Caller(socket, portrait)
            try:
                await work(caller)
            finally:
                await caller.connection.close()

    asyncio.run(calling())


def test_a_face_and_its_voice_come_as_tracks_in_step(alice: Speaker) -> None:
    async def work(caller: Caller) -> None:
        await caller.offer()
        await caller.connect()
        assert (await caller.until("ready"))["format"] == "webrtc"
        pictures: list[Any] = []
        sounds: list[Any] = []
        while len(pictures) < 15:
            pictures.append(await asyncio.wait_for(caller.tracks["video"].recv(), 30))
        while sum(sound.samples for sound in sounds) < RATE:
            sounds.append(await asyncio.wait_for(caller.tracks["audio"].recv(), 30))
        images = np.array([picture.to_ndarray(format="rgb24") for picture in pictures], int)
        assert images.shape[1:] == (128, 128, 3) and np.ptp(images, 0).max() > 30
        voice = np.concatenate([sound.to_ndarray()[0] for sound in sounds])
        assert np.abs(voice).max() > 3000
        assert (await caller.until("speaking"))["speaking"]
        assert 0.1 < (await caller.until("latency"))["seconds"] < 20

    call(alice, work)


def test_an_interruption_is_told_and_the_stream_goes_on(alice: Speaker) -> None:
    async def work(caller: Caller) -> None:
        await caller.offer()
        await caller.connect()
        await caller.until("speaking")
        await caller.socket.send('{"type": "interrupt"}')
        await caller.until("interrupted")
        await caller.until("latency")  # frames are sent again
        await caller.socket.send('{"type": "finish"}')
        assert (await caller.until("end"))["frames"] > 0

    call(alice, work)


def test_where_no_connection_comes_about_frames_go_over_the_socket(
    alice: Speaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hold, "_CONNECTS", 0.2)

    async def work(caller: Caller) -> None:
        await caller.offer()
        await caller.until("answer")  # which is lost
        ready = await caller.until("ready")
        assert ready["format"] == "jpeg" and "no connection" in ready["why"]
        await caller.socket.send(bytes(2 * 16_000))
        assert len(await asyncio.wait_for(caller.socket.recv(), 60)) > 1000

    call(alice, work)


@pytest.mark.parametrize("offer", ["hello", "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n"])
def test_what_is_no_offer_is_refused(alice: Speaker, offer: str) -> None:
    async def work(caller: Caller) -> None:
        await caller.offer(**{"offer": offer})
        assert (await caller.until("error"))["code"] == "bad-offer"

    call(alice, work)
