"""Live sessions of one server at once: how many, until frames are late? Does a greedy one starve the others?

    python benchmarks/live.py --sizes 256 512 --sessions 1 2 3 4
    python benchmarks/live.py --sizes 512 --sessions 2 --greedy 2
    python benchmarks/live.py --sizes 512 --sessions 1 --webrtc

Starts a server, opens sessions of the same spoken sentence at 25 frames a second, feeds each 20 ms in real time, and
prints, for each number of sessions, how late frames come (from when their 20 ms of sound was sent until they are
received; 190 ms of that is hearing ahead), how many come each second, how many cores the server's process takes,
and how long /health takes to answer. A greedy session is fed a minute at once, and wants every frame. Needs
`rhapsode[serve]`; Linux only.
"""

import argparse
import asyncio
import json
import os
import socket
import statistics
import struct
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import requests
from PIL import Image
from websockets.asyncio.client import connect

from rhapsode.media.synthesis import synthesise
from rhapsode.media.waveform import resample
from rhapsode.tools.benchmark import SENTENCE
from rhapsode.tools.example import example_picture

RATE = 48_000
PIECE = RATE // 50
#: Seconds at the beginning that are not counted: models load, portraits are measured.
WARM_UP = 3.0
_START = """
import sys
from pathlib import Path
from rhapsode.server.serve import serve
from rhapsode.server.settings import Limits, Settings

limits = Limits(live=64, live_each=64, queued_each=64)
serve(Settings(Path(sys.argv[1]), workers=1, threads=1, limits=limits), "127.0.0.1", int(sys.argv[2]), quiet=True)
"""


@dataclass
class Seen:
    """What came of one session: when each frame came after its sound was sent, in seconds."""

    late: list[float] = field(default_factory=list)
    frames: int = 0


def spoken() -> np.ndarray:
    """A minute of speech with pauses."""
    voice = resample(synthesise(SENTENCE), RATE).samples
    sentence = (np.concatenate([voice, np.zeros(RATE)]) * 32767).astype("<i2")
    return np.tile(sentence, 60 * RATE // len(sentence) + 1)


async def real_time(address: str, start: dict[str, Any], sound: np.ndarray, seconds: float) -> Seen:
    """Feed a session as a microphone does, and look how late its frames come."""
    seen, sent = Seen(), list[float]()
    async with connect(address, max_size=None) as session:
        await session.send(json.dumps(start))
        while json.loads(await session.recv())["type"] != "ready":
            pass

        async def feed() -> None:
            began = time.monotonic()
            for number in range(round(seconds * RATE / PIECE)):
                await asyncio.sleep(began + number * PIECE / RATE - time.monotonic())
                piece = sound[number * PIECE : (number + 1) * PIECE]
                sent.append(time.monotonic())
                await session.send(piece.tobytes())
            await session.close()

        feeding = asyncio.create_task(feed())
        async for message in session:
            if isinstance(message, bytes) and len(sent) * PIECE / RATE > WARM_UP:
                at = struct.unpack_from("<d", message)[0]
                seen.late.append(time.monotonic() - sent[int(at * RATE) // PIECE])
                seen.frames += 1
        await feeding
    return seen


async def greedy(address: str, start: dict[str, Any], sound: np.ndarray, seconds: float) -> Seen:
    """Feed a session a minute of sound at once, and take every frame as fast as it comes."""
    seen = Seen()
    async with connect(address, max_size=None) as session:
        await session.send(json.dumps({**start, "newest": False}))
        whole = sound[: 60 * RATE].tobytes()
        for first in range(0, len(whole), 900_000):
            await session.send(whole[first : first + 900_000])
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                async for message in session:
                    seen.frames += isinstance(message, bytes)
    return seen


async def over_webrtc(address: str, start: dict[str, Any], sound: np.ndarray, seconds: float) -> Seen:
    """Hold a session over WebRTC; how late its frames are sent is what the server says."""
    import aiortc
    from av.audio.frame import AudioFrame

    class Microphone(aiortc.MediaStreamTrack):
        kind, number, began = "audio", 0, 0.0

        async def recv(self) -> AudioFrame:
            self.began = self.began or time.monotonic()
            await asyncio.sleep(self.began + self.number * PIECE / RATE - time.monotonic())
            piece = sound[self.number * PIECE : (self.number + 1) * PIECE]
            frame = AudioFrame.from_ndarray(piece[None], format="s16", layout="mono")
            frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), self.number * PIECE
            self.number += 1
            return frame

    seen = Seen()
    peer = aiortc.RTCPeerConnection(aiortc.RTCConfiguration(iceServers=[]))
    peer.addTrack(Microphone())
    peer.addTransceiver("video", direction="recvonly")
    await peer.setLocalDescription(await peer.createOffer())
    async with connect(address, max_size=None) as session:
        await session.send(json.dumps({**start, "offer": peer.localDescription.sdp}))
        answer = json.loads(await session.recv())
        await peer.setRemoteDescription(aiortc.RTCSessionDescription(answer["sdp"], "answer"))
        began = time.monotonic()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                async for message in session:
                    said = json.loads(message)
                    if said["type"] == "ready":
                        assert said["format"] == "webrtc", said
                        began = time.monotonic()
                    if said["type"] == "latency" and time.monotonic() > began + WARM_UP:
                        seen.late.append(said["seconds"])
        await session.send('{"type": "finish"}')
        async for message in session:
            if (said := json.loads(message))["type"] == "end":
                seen.frames = round(said["frames"] * (seconds - WARM_UP) / seconds)
    await peer.close()
    return seen


class Server:
    """A server in a process of its own."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        self._process = subprocess.Popen([sys.executable, "-c", _START, str(folder / "data"), str(self.port)])
        self.url = f"http://127.0.0.1:{self.port}"
        while True:
            with suppress(requests.ConnectionError):
                if requests.get(f"{self.url}/health", timeout=10).ok:
                    break
            time.sleep(0.1)
        Image.fromarray(example_picture()).save(folder / "face.png")
        with (folder / "face.png").open("rb") as file:
            answer = requests.post(f"{self.url}/v1/portraits", files={"picture": file}, timeout=120)
        self.portrait = answer.json()["id"]

    def processor_seconds(self) -> float:
        """Processor time that the server's own process has taken, without its workers'."""
        words = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")

    def ask_health(self, took: list[float], stop: threading.Event) -> None:
        """Ask for its health again and again."""
        with requests.Session() as session:
            while not stop.wait(0.1):
                began = time.monotonic()
                session.get(f"{self.url}/health", timeout=60)
                took.append(time.monotonic() - began)

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(30)


async def measure(server: Server, size: int, count: int, greedy_count: int, webrtc: bool, seconds: float) -> str:
    address, sound = f"ws://127.0.0.1:{server.port}/v1/live", spoken()
    start = {"type": "start", "portrait": server.portrait, "sample_rate": RATE, "size": size, "newest": True}
    await real_time(address, start, sound, 1.0)  # models and portrait are loaded
    took: list[float] = []
    stop = threading.Event()
    asking = threading.Thread(target=server.ask_health, args=(took, stop))
    asking.start()
    began, used = time.monotonic(), server.processor_seconds()
    hold = over_webrtc if webrtc else real_time
    sessions = [hold(address, start, sound, seconds + WARM_UP) for _ in range(count)]
    seen = await asyncio.gather(*sessions, *(greedy(address, start, sound, seconds) for _ in range(greedy_count)))
    cores = (server.processor_seconds() - used) / (time.monotonic() - began)
    stop.set()
    asking.join()
    late = sorted(one for each in seen[:count] for one in each.late)
    rates = [each.frames / seconds for each in seen]
    of_greedy = f" {min(rates[count:]):.0f} to {max(rates[count:]):.0f} |" if greedy_count else " |"
    health = f"{1000 * statistics.median(took):.0f}, {1000 * max(took):.0f}"
    return (
        f"| {size} | {count} | {1000 * statistics.median(late):.0f} | {1000 * late[int(0.95 * len(late))]:.0f} "
        f"| {min(rates[:count]):.1f} |{of_greedy} {cores:.2f} | {health} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[256, 512])
    parser.add_argument("--sessions", type=int, nargs="+", default=[1, 2, 3, 4])
    parser.add_argument("--greedy", type=int, default=0)
    parser.add_argument("--webrtc", action="store_true")
    parser.add_argument("--seconds", type=float, default=12.0)
    asked = parser.parse_args()
    print("| px | sessions | ms late | 95 of 100 | frames/s, slowest | of greedy | cores | /health ms, longest |")
    print("|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        server = Server(Path(name))
        try:
            for size in asked.sizes:
                for count in asked.sessions:
                    how = (asked.greedy, asked.webrtc, asked.seconds)
                    print(asyncio.run(measure(server, size, count, *how)), flush=True)
        finally:
            server.stop()
    print(f"load of the machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
