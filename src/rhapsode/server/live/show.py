"""What a session shows, sent frame by frame: a thread of its own, as fast as the other side takes it."""

import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

import cv2
import numpy as np

from rhapsode.media.encoder import Sound
from rhapsode.media.formats import H264
from rhapsode.media.sinks import FragmentedMp4
from rhapsode.media.steady_resampler import SteadyResampler
from rhapsode.media.writer import write_video
from rhapsode.server.live.start import Start
from rhapsode.session import Frame, Session

#: Before each JPEG, little-endian: seconds at which it is shown, whether the portrait speaks, bytes of the JPEG.
HEADER = struct.Struct("<dB3xI")
#: Sends one message, text or bytes, and waits until it is on its way; raises OSError where nobody listens any more.
Send = Callable[[str | bytes], None]
Tell = Callable[[dict[str, Any]], None]


class Show:
    """Send the frames of a session, and events between them, in order.

    Attributes:
        time: seconds up to which frames were sent.
        count: frames that were sent.
    """

    def __init__(self, session: Session, start: Start, fps: Fraction, send: Send, tell: Tell) -> None:
        """Begin; `run` sends.

        Args:
            session: gives frames.
            start: says in which form.
            fps: frames a second.
            send: sends bytes.
            tell: sends an event.
        """
        self._session, self._start, self._fps, self._send, self._tell = session, start, fps, send, tell
        self.time, self.count = 0.0, 0
        self._lock = threading.Lock()
        self._round, self._finished, self._over = 0, False, False
        self._speaking = False

    def feed(self, sound: bytes) -> None:
        """Take sound that follows; errors as in `Session.feed`."""
        self._session.feed(sound)

    def interrupt(self, at: float | None) -> None:
        """Stop speaking; see `Session.interrupt`. The frames that follow come after an event `interrupted`."""
        with self._lock:
            self._session.interrupt(at)
            self._round += 1
            self._finished = False

    def finish(self) -> None:
        """End the sound; the rest is shown."""
        with self._lock:
            self._session.finish()
            self._finished = True

    def stop(self) -> None:
        """Show nothing more."""
        with self._lock:
            self._over = True
            self._session.close()

    def run(self) -> None:
        """Send until the session is finished or stopped.

        Raises:
            OSError, VideoError: nobody listens.
        """
        if self._start.format == "mp4":
            self._send_mp4()
        else:
            for frame in self._frames():
                self._send_jpeg(frame)

    def _frames(self) -> Iterator[Frame]:
        """Give frames through every interruption, and tell of what happens between them."""
        seen = 0
        while True:
            for frame in self._session:
                if frame.speaking != self._speaking:
                    self._speaking = frame.speaking
                    self._tell({"type": "speaking", "speaking": frame.speaking, "time": float(frame.time)})
                yield frame
                self.time, self.count = float(frame.time + 1 / self._fps), self.count + 1
            with self._lock:
                if self._over or (self._finished and seen == self._round):
                    return
                interrupted, seen = seen != self._round, self._round
            if interrupted:
                self._tell({"type": "interrupted"})

    def _send_jpeg(self, frame: Frame) -> None:
        quality = [cv2.IMWRITE_JPEG_QUALITY, self._start.quality]
        jpeg = cv2.imencode(".jpg", frame.image[:, :, ::-1], quality)[1].tobytes()
        self._send(HEADER.pack(float(frame.time), frame.speaking, len(jpeg)) + jpeg + bytes(frame.audio))

    def _send_mp4(self) -> None:
        sound = _Arriving(self._start.sample_rate, self._start.channels)

        def images() -> Iterator[np.ndarray]:
            for frame in self._frames():
                sound.push(bytes(frame.audio))
                yield frame.image

        blocks = Sound(sound.rate, sound.channels, sound)
        write_video(images(), FragmentedMp4(_Stream(self._send), "the live session"), self._fps, blocks)


class _Stream:
    """The socket, as a stream."""

    def __init__(self, send: Send) -> None:
        self._send = send

    def write(self, data: bytes) -> None:
        self._send(data)


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
