"""Where videos go: a file that may be signed before it appears, a stream that plays while it is written."""

import io
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from tests.media.test_writer import assert_nothing_left, clicks, grey, write_wav

from rhapsode.animator import Animator
from rhapsode.errors import Cancelled, VideoError
from rhapsode.media.encoder import SYNTHETIC_NOTICE
from rhapsode.media.reader import read_frames
from rhapsode.media.sinks import FragmentedMp4, VideoFile
from rhapsode.media.sound import load_waveform
from rhapsode.media.waveform import Waveform
from rhapsode.media.writer import write_video


def saved(folder: Path, data: bytes) -> Path:
    path = folder / "received.mp4"
    path.write_bytes(data)
    return path


def flashing(count: int = 150, flash: int = 75) -> Iterator[np.ndarray]:
    """Noise, so that the encoder has something to write; frame `flash` is white."""
    noise = np.random.default_rng(0).integers(60, 120, (4, 64, 64, 3), dtype=np.uint8)
    for k in range(count):
        yield np.full((64, 64, 3), 255, np.uint8) if k == flash else noise[k % 4]


# The hook between "the file is whole" and "it has its final name".


def test_a_hook_sees_the_whole_file_before_it_has_its_name_and_may_replace_it(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    seen: list[int] = []

    def sign(path: Path) -> None:
        assert not out.exists()
        assert path.suffix == ".mp4" and path.parent == tmp_path
        seen.append(len(list(read_frames(path))))
        signed = path.with_name("signed")
        signed.write_bytes(path.read_bytes() + bytes(1000))
        signed.replace(path)

    facts = write_video(grey(30), VideoFile(out, before_publish=sign), 25, clicks(16000, 1.2, 0.5))
    assert seen == [30]
    assert out.read_bytes()[-1000:] == bytes(1000)
    assert facts.bytes == out.stat().st_size
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


@pytest.mark.parametrize("fault", [RuntimeError, OSError, VideoError, KeyboardInterrupt])
def test_a_hook_that_fails_leaves_nothing_and_its_error_passes_through(
    tmp_path: Path, fault: type[BaseException]
) -> None:
    def refuse(path: Path) -> None:
        raise fault("no key to sign with")

    with pytest.raises(fault, match="no key to sign with"):
        write_video(grey(3), VideoFile(tmp_path / "out.mp4", before_publish=refuse), 25)
    assert_nothing_left(tmp_path)


def test_a_hook_is_not_called_for_a_video_that_failed(tmp_path: Path) -> None:
    def frames() -> Iterator[np.ndarray]:
        yield from grey(3)
        raise ZeroDivisionError

    def never(path: Path) -> None:
        raise AssertionError("signed half a video")

    with pytest.raises(ZeroDivisionError):
        write_video(frames(), VideoFile(tmp_path / "out.mp4", before_publish=never), 25)
    assert_nothing_left(tmp_path)


def test_a_video_of_more_than_an_hour_is_in_fragments_with_their_index_in_front(tmp_path: Path) -> None:
    out = tmp_path / "long.mp4"
    voice = Waveform(np.zeros(3700 * 8000, np.float32), 8000)
    voice.samples[3650 * 8000 : 3650 * 8000 + 8] = 0.9
    write_video(grey(7400, size=32, flash=7300), out, 2, voice, n_frames=7400)
    data = out.read_bytes()
    assert data.index(b"moov") < data.index(b"sidx") < data.index(b"moof") < data.index(b"mdat")
    assert len(list(tmp_path.iterdir())) == 1
    with av.open(out) as container:
        assert container.duration == pytest.approx(3700e6, abs=1e5)
        assert container.streams.video[0].average_rate == 2
        container.seek(3600_000_000)
        frames = [(frame.time, frame.to_ndarray().mean()) for frame in container.decode(video=0)]
    assert 3570 <= frames[0][0] <= 3600, "the seek lands at most three fragments early"
    assert max(frames, key=lambda item: float(item[1]))[0] == pytest.approx(3650)
    with av.open(out) as container:
        container.seek(3640_000_000)
        sound = [(frame.time, np.abs(frame.to_ndarray()).max()) for frame in container.decode(audio=0)]
    assert max(sound, key=lambda item: float(item[1]))[0] == pytest.approx(3650, abs=0.13)


# Streams.


def test_a_stream_holds_picture_and_sound_in_step_and_says_that_it_is_made(tmp_path: Path) -> None:
    voice = tmp_path / "voice.wav"
    write_wav(voice, clicks(44100, 6.0, 3.0).samples[None], 44100)
    stream = io.BytesIO()
    facts = write_video(flashing(), FragmentedMp4(stream), 25, voice)
    assert facts.bytes == len(stream.getvalue())
    path = saved(tmp_path, stream.getvalue())
    frames = list(read_frames(path))
    np.testing.assert_allclose([time for time, _ in frames], np.arange(150) / 25, atol=1e-6)
    assert max(frames, key=lambda item: float(item[1].mean()))[0] == pytest.approx(3.0)
    sound = load_waveform(path)
    assert int(np.argmax(np.abs(sound.samples))) / 16000 == pytest.approx(3.0, abs=0.003)
    assert sound.seconds == pytest.approx(6.0, abs=0.03)
    with av.open(path) as container:
        assert container.metadata["title"] == SYNTHETIC_NOTICE


def test_a_stream_broken_off_plays_up_to_its_last_fragment(tmp_path: Path) -> None:
    stream = io.BytesIO()
    write_video(flashing(), FragmentedMp4(stream), 25, clicks(16000, 6.0, 1.0))
    data = stream.getvalue()
    path = saved(tmp_path, data[: len(data) * 6 // 10])
    frames = list(read_frames(path))
    assert 60 <= len(frames) <= 100
    sound = load_waveform(path)
    assert sound.seconds == pytest.approx(len(frames) / 25, abs=1.1)
    assert int(np.argmax(np.abs(sound.samples))) / 16000 == pytest.approx(1.0, abs=0.003)


class Watched(io.RawIOBase):
    """A stream that cannot be rewound, and that takes little at a time, as pipes do."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.data += data[:1000]
        return min(len(data), 1000)


def test_a_stream_plays_before_the_video_is_over(tmp_path: Path) -> None:
    stream = Watched()
    early: list[bytes] = []

    def frames() -> Iterator[np.ndarray]:
        for k, frame in enumerate(flashing(300)):
            if k == 200:
                early.append(stream.data)
            yield frame

    write_video(frames(), FragmentedMp4(stream), 25, clicks(16000, 12.0, 1.0))
    played = list(read_frames(saved(tmp_path, early[0])))
    assert len(played) >= 100, "of the 200 frames that were rendered"
    assert load_waveform(tmp_path / "received.mp4").seconds > 3
    assert len(list(read_frames(saved(tmp_path, stream.data)))) == 300


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_pipes_and_sockets_are_streams(tmp_path: Path, kind: str) -> None:
    if kind == "pipe":
        reading, writing = os.pipe()
        source, drain = os.fdopen(reading, "rb"), os.fdopen(writing, "wb")
    else:
        left, right = socket.socketpair()
        with left, right:
            source, drain = left.makefile("rb"), right.makefile("wb")
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(source.read()))
    reader.start()
    with drain:
        write_video(flashing(), FragmentedMp4(drain), 25, clicks(16000, 6.0, 1.0))
    reader.join(30)
    source.close()
    assert len(list(read_frames(saved(tmp_path, received[0])))) == 150


class Breaking:
    """A stream that fails once it has taken some bytes."""

    def __init__(self, error: Exception, after: int) -> None:
        self.error, self.left = error, after

    def write(self, data: bytes) -> None:
        self.left -= len(data)
        if self.left < 0:
            raise self.error


@pytest.mark.parametrize("after", [0, 30_000, 10_000_000])
def test_a_stream_that_breaks_stops_the_rendering_with_one_line(after: int) -> None:
    rendered = 0

    def frames() -> Iterator[np.ndarray]:
        nonlocal rendered
        for frame in flashing(2000 if after < 1_000_000 else 30):
            rendered += 1
            yield frame

    threads = threading.active_count()
    stream = Breaking(BrokenPipeError(32, "Broken pipe"), after)
    if after == 10_000_000:
        assert write_video(frames(), FragmentedMp4(stream), 25).frames == 30
        return
    with pytest.raises(VideoError, match=r"^browser: .*broken pipe") as caught:
        write_video(frames(), FragmentedMp4(stream, "browser"), 25, clicks(16000, 80, 1))
    assert caught.value.code == "stream-closed"
    assert rendered < 300
    assert threading.active_count() == threads


def test_an_error_of_the_streams_own_kind_passes_through() -> None:
    class Left(Exception):  # noqa: N818
        pass

    with pytest.raises(Left):
        write_video(flashing(), FragmentedMp4(Breaking(Left(), 20_000)), 25)


def test_a_cancelled_stream_gets_no_end_and_stays_open() -> None:
    stream = io.BytesIO()
    so_far: list[int] = []

    def cancel(stage: str, done: int, total: int) -> None:
        if done == 120:
            so_far.append(len(stream.getvalue()))
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        write_video(flashing(), FragmentedMp4(stream), 25, progress=cancel)
    assert not stream.closed
    assert b"mfra" not in stream.getvalue(), "the index at the end of a stream that is whole"


def test_a_talking_portrait_is_saved_to_a_stream_as_to_a_file(
    animator: Animator, astronaut: np.ndarray, tmp_path: Path
) -> None:
    sound = clicks(16000, 0.4, 0.2)
    video = animator.animate(astronaut[:256, 96:352], sound)
    stream = io.BytesIO()
    facts = video.save(FragmentedMp4(stream))
    assert facts.frames == 10
    video.save(tmp_path / "talk.mp4")
    streamed, filed = (list(read_frames(path)) for path in (saved(tmp_path, stream.getvalue()), tmp_path / "talk.mp4"))
    assert all(np.array_equal(one[1], other[1]) for one, other in zip(streamed, filed, strict=True))
    assert load_waveform(tmp_path / "received.mp4").seconds == pytest.approx(0.4, abs=0.07)
