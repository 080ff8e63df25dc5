"""A live session over a WebSocket: sound goes in, frames or an MP4 come out, and it can be interrupted."""

import io
import json
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image
from tests.server.speaking import Speaker

from rhapsode.media.waveform import Waveform, resample

client: Any = pytest.importorskip("websockets.sync.client")
exceptions: Any = pytest.importorskip("websockets.exceptions")


@contextmanager
def connected(speaker: Speaker, **how: Any) -> Iterator[Any]:
    address = speaker.address.replace("http", "ws") + "/v1/live"
    headers = {"Authorization": f"Bearer {speaker.token}"}
    with client.connect(address, additional_headers=headers, max_size=None, **how) as socket:
        yield socket


@dataclass
class Heard:
    """What a session sent."""

    events: list[dict[str, Any]] = field(default_factory=list)
    binary: list[bytes] = field(default_factory=list)

    def take(self, socket: Any, until: str) -> "Heard":
        """Take messages up to an event, or up to a number of binary ones."""
        while not self.events or self.events[-1]["type"] != until:
            message = socket.recv(timeout=60)
            if isinstance(message, bytes):
                self.binary.append(message)
            else:
                self.events.append(json.loads(message))
        return self

    @property
    def kinds(self) -> list[str]:
        return [event["type"] for event in self.events]


def parts(message: bytes) -> tuple[float, bool, np.ndarray, bytes]:
    """Time, whether it speaks, picture and sound of a frame."""
    time, speaks, size = struct.unpack_from("<dB3xI", message)
    return time, bool(speaks), np.asarray(Image.open(io.BytesIO(message[16 : 16 + size]))), message[16 + size :]


@pytest.fixture(scope="module")
def sound(sentence: Waveform) -> bytes:
    """0.8 s of speech, and then silence, 24 kHz."""
    speech = resample(sentence, 24_000).samples[:19_200]
    return bytes((np.concatenate([speech, np.zeros(9_600)]) * 32767).astype("<i2").tobytes())


def start(speaker: Speaker, **more: Any) -> str:
    return json.dumps({"type": "start", "portrait": speaker.portrait, "sample_rate": 24_000, **more})


def test_frames_come_with_their_sound_and_tell_when_speech_starts_and_ends(alice: Speaker, sound: bytes) -> None:
    with connected(alice) as socket:
        socket.send(start(alice, options={"fps": 10, "style": "happy"}))
        for at in range(0, len(sound), 9600):
            socket.send(sound[at : at + 9600])
        socket.send('{"type": "finish"}')
        heard = Heard().take(socket, "end")
    assert heard.kinds == ["ready", "speaking", "speaking", "end"]
    assert [event["speaking"] for event in heard.events[1:3]] == [True, False]
    frames = [parts(message) for message in heard.binary]
    assert [frame[0] for frame in frames] == pytest.approx([n / 10 for n in range(12)])
    assert heard.events[-1] == {"type": "end", "frames": 12, "time": pytest.approx(1.2)}
    assert b"".join(frame[3] for frame in frames) == sound
    assert all(frame[2].shape == (128, 128, 3) for frame in frames)
    assert np.abs(frames[3][2].astype(int) - frames[0][2]).max() > 30


def test_an_mp4_plays_while_it_comes_whatever_the_rate_of_the_sound(alice: Speaker, sound: bytes) -> None:
    with connected(alice) as socket:
        socket.send(start(alice, format="mp4", sample_rate=23_000, options={"fps": 10}))
        socket.send(sound)
        socket.send('{"type": "finish"}')
        heard = Heard().take(socket, "end")
    with av.open(io.BytesIO(b"".join(heard.binary))) as video:
        assert sum(1 for _ in video.decode(video=0)) == heard.events[-1]["frames"] == 13
    with av.open(io.BytesIO(b"".join(heard.binary))) as video:
        samples = sum(frame.samples for frame in video.decode(audio=0))
        assert video.streams.audio[0].rate == 24_000 and samples / 24_000 == pytest.approx(1.25, abs=0.1)


def test_an_interruption_drops_what_was_not_shown_and_goes_on_from_there(alice: Speaker, sound: bytes) -> None:
    with connected(alice) as socket:
        socket.send(start(alice, options={"fps": 10}))
        socket.send(sound)
        heard = Heard()
        while len(heard.binary) < 8:
            message = socket.recv(timeout=60)
            (heard.binary if isinstance(message, bytes) else heard.events).append(message)
        socket.send('{"type": "interrupt", "at": 0.25}')
        socket.send(bytes(2 * 24_000))
        socket.send('{"type": "finish"}')
        after = Heard().take(socket, "interrupted")
        after.binary.clear()
        after.take(socket, "end")
    times = [parts(message)[0] for message in after.binary]
    assert times[0] == pytest.approx(0.3) and np.diff(times) == pytest.approx(0.1)
    assert not any(parts(message)[3].strip(b"\0") for message in after.binary)


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("hello", "bad-start"),
        ('{"type": "start", "portrait": "../x"}', "bad-start"),
        (json.dumps({"type": "start", "portrait": "0" * 24}), "no-such-portrait"),
        (json.dumps({"type": "start", "portrait": "0" * 24, "options": {"style": "/etc/passwd"}}), "bad-style-name"),
        (json.dumps({"type": "start", "portrait": "0" * 24, "options": {"mouth": 9}}), "bad-mouth"),
        (json.dumps({"type": "start", "portrait": "0" * 24, "options": {"track": 1}}), "unknown-option"),
        (json.dumps({"type": "start", "portrait": "0" * 24, "options": {"background": "/x.png"}}), "bad-background"),
    ],
)
def test_what_cannot_be_shown_is_refused_in_words(alice: Speaker, message: str, code: str) -> None:
    with connected(alice) as socket:
        socket.send(message)
        heard = Heard().take(socket, "error")
        assert heard.events[0]["code"] == code and "/tmp" not in str(heard.events)
        with pytest.raises(exceptions.ConnectionClosed):
            socket.recv(timeout=10)


def test_nobody_opens_one_without_a_token_from_another_page_or_beyond_the_places(
    alice: Speaker, picture: Path, voice: Path
) -> None:
    def refused(speaker: Speaker, **how: Any) -> int:
        with pytest.raises(exceptions.InvalidStatus) as error, connected(speaker, **how):
            pass
        return int(error.value.response.status_code)

    assert refused(Speaker(alice.address, "nobody", picture, voice)) == 401
    assert refused(alice, origin="https://evil.example") == 403
    with connected(alice):
        assert refused(alice) == 429
    with connected(alice, origin=alice.address):
        pass


def test_a_browser_shows_its_token_as_a_protocol(alice: Speaker) -> None:
    address = alice.address.replace("http", "ws") + "/v1/live"
    with client.connect(address, subprotocols=["rhapsode", f"token.{alice.token}"]) as socket:
        assert socket.subprotocol == "rhapsode"
