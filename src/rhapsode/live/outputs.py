"""The forms in which frames of a session go to the other side."""

import struct
from collections import deque
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

import cv2
import numpy as np

from rhapsode.live.arrivals import Arrivals
from rhapsode.media.encoder import Sound
from rhapsode.media.formats import H264
from rhapsode.media.sinks import FragmentedMp4
from rhapsode.media.steady_resampler import SteadyResampler
from rhapsode.media.writer import write_video
from rhapsode.session import Frame

if TYPE_CHECKING:
    from rhapsode.media.peer import Peer

#: Before each JPEG, little-endian: seconds at which it is shown, whether the portrait speaks, bytes of the JPEG.
HEADER = struct.Struct("<dB3xI")
#: Sends one message and waits until it is on its way; raises OSError where nobody listens any more.
Send = Callable[[bytes], None]


class Output(Protocol):
    """Send frames."""

    def take(self, frames: Iterator[Frame]) -> None:
        """Send frames as they come, until there are no more.

        Raises:
            OSError, VideoError: nobody listens.
        """


class Jpegs:
    """Send each frame as a message: header, JPEG, and the sound that plays while it is shown."""

    def __init__(self, send: Send, quality: int) -> None:
        """Begin; `quality` is 1 to 100."""
        self._send, self._quality = send, [cv2.IMWRITE_JPEG_QUALITY, quality]

    def take(self, frames: Iterator[Frame]) -> None:
        """Send frames; see `Output`."""
        for frame in frames:
            jpeg = cv2.imencode(".jpg", cv2.cvtColor(frame.image, cv2.COLOR_RGB2BGR), self._quality)[1].tobytes()
            self._send(HEADER.pack(float(frame.time), frame.speaking, len(jpeg)) + jpeg + bytes(frame.audio))


class Mp4:
    """Send one fragmented MP4, piece by piece."""

    def __init__(self, send: Send, fps: Fraction, rate: int, channels: int) -> None:
        """Begin; the sound has `rate` samples a second."""
        self._send, self._fps, self._sound = send, fps, _Arriving(rate, channels)

    def take(self, frames: Iterator[Frame]) -> None:
        """Send frames; see `Output`."""

        def images() -> Iterator[np.ndarray]:
            for frame in frames:
                self._sound.push(bytes(frame.audio))
                yield frame.image

        sound = Sound(self._sound.rate, self._sound.channels, self._sound)
        write_video(images(), FragmentedMp4(self, "the live session"), self._fps, sound)

    def write(self, data: bytes) -> None:
        """Send a piece: what an MP4 is written to."""
        self._send(data)


class Tracks:
    """Send pictures and sound over WebRTC."""

    def __init__(self, peer: "Peer", arrivals: Arrivals) -> None:
        """Begin; `arrivals` tells how long frames are on their way."""
        self._peer, self._arrivals = peer, arrivals

    def take(self, frames: Iterator[Frame]) -> None:
        """Send frames; see `Output`."""
        for frame in frames:
            streamed, heard = self._arrivals.stream_time(frame.time), self._arrivals.moment(frame.time)
            self._peer.show(frame.image, bytes(frame.audio), streamed, heard)


class _Arriving(Iterator[np.ndarray]):
    """Sound of the frames that were made, in a form that an MP4 has; it goes on after it was empty."""

    def __init__(self, rate: int, channels: int) -> None:
        self._given = channels
        self.channels = channels if channels <= 2 else 1
        self.rate = next((known for known in H264.rates if known >= rate), H264.rates[-1])
        self._resampler = SteadyResampler(rate, self.rate, self.channels)
        self._blocks: deque[np.ndarray] = deque()

    def push(self, data: bytes) -> None:
        samples = np.frombuffer(data, "<i2").reshape(-1, self._given).T.astype(np.float32) / 32768
        block = self._resampler.push(samples if self._given <= 2 else samples.mean(0, keepdims=True))
        if block.shape[1]:
            self._blocks.append(block)

    def __next__(self) -> np.ndarray:
        if not self._blocks:
            raise StopIteration
        return self._blocks.popleft()
