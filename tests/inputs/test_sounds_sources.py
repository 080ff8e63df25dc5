"""Where sound comes from: pipes, names of any kind, and never the network."""

import os
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from tests.bench import Bench
from tests.inputs.sound_files import Track, write

from rhapsode.errors import AudioError
from rhapsode.media import source as source_module
from rhapsode.media.sound import estimated_seconds, load_waveform, mono_blocks, opened_sound
from rhapsode.media.source import Piped, media_source

case = pytest.mark.case
posix = pytest.mark.skipif(os.name != "posix", reason="needs pipes of POSIX")


@pytest.fixture
def speech(tmp_path: Path, voice: np.ndarray) -> Path:
    return write(tmp_path / "speech.wav", Track(voice[None], 48_000))


@contextmanager
def pipe(content: bytes) -> Iterator[int]:
    """The reading end of a pipe into which a thread writes."""
    reading, writing = os.pipe()

    def feed() -> None:
        with os.fdopen(writing, "wb") as out:
            out.write(content)

    thread = threading.Thread(target=feed)
    thread.start()
    try:
        yield reading
    finally:
        thread.join()
        os.close(reading)


@contextmanager
def standard_input(number: int) -> Iterator[None]:
    kept = os.dup(0)
    os.dup2(number, 0)
    try:
        yield
    finally:
        os.dup2(kept, 0)
        os.close(kept)


def samples_of(source: "str | Path | Piped") -> np.ndarray:
    return np.concatenate(list(mono_blocks(source)))


@posix
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("-", marks=case("Sounds", "Standard input", made="cat speech.wav | rhapsode animate --audio -",
                                     happens="read to its end, then as a file")),
        pytest.param("/dev/stdin", marks=case("Sounds", "/dev/stdin", made="cat speech.wav | ... --audio /dev/stdin",
                                              happens="read to its end, then as a file")),
        pytest.param("/dev/fd/{}", marks=case("Sounds", "/dev/fd/N", made="3< <(cat speech.wav) --audio /dev/fd/3",
                                              happens="read to its end, then as a file")),
    ],
)  # fmt: skip
def test_a_pipe_is_heard_as_its_file(speech: Path, name: str) -> None:
    with pipe(speech.read_bytes()) as number, standard_input(number):
        piped = opened_sound(name.format(number))
    assert isinstance(piped, Piped)
    assert estimated_seconds(piped) == pytest.approx(estimated_seconds(speech), abs=0.01)
    for _ in range(2):  # as often as one likes
        np.testing.assert_array_equal(samples_of(piped), samples_of(speech))


@posix
@case(
    "Sounds", "A named pipe", made="mkfifo voice; cat speech.wav > voice &", happens="read to its end, then as a file"
)
def test_a_named_pipe(tmp_path: Path, speech: Path) -> None:
    fifo = tmp_path / "voice"
    os.mkfifo(fifo)
    writer = threading.Thread(target=lambda: fifo.write_bytes(speech.read_bytes()))
    writer.start()
    np.testing.assert_array_equal(samples_of(opened_sound(fifo)), samples_of(speech))  # type: ignore[arg-type]
    writer.join()


@posix
@case("Sounds", "Process substitution", made="--audio <(cat speech.wav)", happens="read to its end, then as a file")
def test_process_substitution(speech: Path) -> None:
    program = (
        "import sys; from rhapsode.media.sound import load_waveform as load; print(len(load(sys.argv[1]).samples))"
    )
    command = f"{sys.executable} -c '{program}' <(cat {speech})"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert int(done.stdout) == len(samples_of(speech))


@posix
@case("Sounds", "A video through a pipe, its index at the end", made="cat film.mp4 | ... --audio -", happens="heard")
def test_a_film_through_a_pipe(tmp_path: Path, voice: np.ndarray, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "IN_MEMORY", 1000)  # the rest goes to the disk
    film = write(tmp_path / "film.mp4", Track(voice[None], 48_000, "aac"), picture=True)
    with pipe(film.read_bytes()) as number:
        np.testing.assert_array_equal(samples_of(opened_sound(f"/dev/fd/{number}")), samples_of(film))  # type: ignore[arg-type]


@posix
@case("Sounds", "A pipe for which the temporary folder has no room", made="TMPDIR=/full, beyond 32 MB",
      happens="refused: name another folder")  # fmt: skip
def test_no_room_for_a_pipe(speech: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "IN_MEMORY", 1000)
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    with pipe(speech.read_bytes()) as number, pytest.raises(AudioError, match=r"temporary folder.*TMPDIR"):
        opened_sound(f"/dev/fd/{number}")


@posix
@case("Sounds", "A pipe into which nothing is written", made="true | ... --audio -", happens="refused: empty")
def test_an_empty_pipe(bench: Bench) -> None:
    with pipe(b"") as number:
        bench.refused(bench.animate(audio=f"/dev/fd/{number}"), "empty")


@posix
@case("Sounds", "A whole request through a pipe", made="cat speech.wav | rhapsode animate --audio - --out talk.mp4",
      happens="the video with its sound")  # fmt: skip
def test_a_video_of_standard_input(bench: Bench) -> None:
    with pipe(bench.speech.read_bytes()) as number, standard_input(number):
        outcome = bench.animate(audio="-", fps=5)
    assert outcome.code == 0, outcome
    assert np.abs(load_waveform(bench.out).samples).max() > 0.1


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("a:b.wav", marks=case(
            "Sounds", "A name with a colon", made="mv speech.wav a:b.wav", happens="heard")),
        pytest.param("concat:x|y.wav", marks=case(
            "Sounds", "A name that begins as a protocol", made="mv speech.wav 'concat:x|y.wav'", happens="heard")),
        pytest.param("take%03d.wav", marks=case(
            "Sounds", "A name with a pattern", made="mv speech.wav take%03d.wav", happens="heard")),
        pytest.param("-voice.wav", marks=case(
            "Sounds", "A name with a leading dash", made="mv speech.wav ./-voice.wav; --audio=-voice.wav",
            happens="heard")),
        pytest.param("ü" * 125 + "x.wav", marks=case(
            "Sounds", "A name of 255 bytes", made="mv speech.wav üüü...x.wav", happens="heard")),
    ],
)  # fmt: skip
@posix
def test_names(speech: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = samples_of(speech)
    monkeypatch.chdir(speech.parent)
    speech.rename(name)
    np.testing.assert_array_equal(samples_of(name), samples)


@posix
@case("Sounds", "A file named -", made="mv speech.wav ./-; --audio ./-", happens="heard")
def test_a_file_named_as_standard_input(speech: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(speech.parent)
    speech.rename("-")
    assert media_source("./-", AudioError) == Path("-")
    assert len(samples_of("./-"))


@pytest.fixture
def server() -> Iterator[tuple[socket.socket, str]]:
    """A server that nobody should ask, and its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.02)
        yield listening, f"127.0.0.1:{listening.getsockname()[1]}"


@pytest.mark.parametrize("protocol", [
    pytest.param(one, marks=case("Sounds", "An address", made="--audio http://..., https, rtmp, rtsp, ftp, file",
                                 happens="refused: nothing is read from the network"))
    for one in ("http", "https", "rtmp", "rtsp", "ftp", "file")
])  # fmt: skip
def test_an_address_is_refused_and_nobody_is_asked(server: tuple[socket.socket, str], protocol: str) -> None:
    address = f"{protocol}://{server[1]}/voice.wav"
    for given in (address, Path(address)):
        with pytest.raises(AudioError, match=r"is an address, .*network") as caught:
            opened_sound(given)
        assert caught.value.code == "is-address"
    with pytest.raises(TimeoutError):
        server[0].accept()


_SDP = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n"
_MPD = (
    '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period>'
    '<AdaptationSet mimeType="audio/mp4"><Representation id="1" bandwidth="1"><BaseURL>http://{}/a.mp4</BaseURL>'
    "</Representation></AdaptationSet></Period></MPD>"
)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("list.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nhttp://{}/a.ts\n#EXT-X-ENDLIST\n",
                     marks=case("Sounds", "A playlist of a stream", made="voice.m3u8 that names http://...",
                                happens="refused: a list of other files")),
        pytest.param("list.wav", "#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nspeech.wav\n#EXT-X-ENDLIST\n",
                     marks=case("Sounds", "A playlist of local files, named .wav", made="mv list.m3u8 list.wav",
                                happens="refused: a list of other files")),
        pytest.param("list.ffconcat", "ffconcat version 1.0\nfile speech.wav\n",
                     marks=case("Sounds", "A list for concat", made="list.ffconcat that names speech.wav",
                                happens="refused: a list of other files")),
        pytest.param("call.sdp", _SDP, marks=case("Sounds", "A description of a session", made="call.sdp",
                                                  happens="refused: a list of other files")),
        pytest.param("list.mpd", _MPD, marks=case("Sounds", "A DASH manifest", made="voice.mpd that names http://...",
                                                  happens="refused: a list of other files")),
    ],
)  # fmt: skip
def test_a_file_that_names_others_is_refused_and_none_is_opened(
    tmp_path: Path, speech: Path, server: tuple[socket.socket, str], name: str, content: str
) -> None:
    (tmp_path / name).write_text(content.format(server[1]))
    assert speech.is_file()
    with pytest.raises(AudioError, match="a list of other files"):
        opened_sound(tmp_path / name)
    with pytest.raises(TimeoutError):
        server[0].accept()


@case("Sounds", "A folder", made="--audio recordings/", happens="refused")
def test_a_folder(bench: Bench) -> None:
    bench.refused(bench.animate(audio=bench.folder), "is a folder", "name a file in it")


@case("Sounds", "A file that is not there", made="--audio missing.wav", happens="refused")
def test_a_missing_file(bench: Bench) -> None:
    bench.refused(bench.animate(audio=bench.folder / "missing.wav"), "missing.wav: no such file")


@posix
@case("Sounds", "A device", made="--audio /dev/zero", happens="refused")
def test_a_device(bench: Bench) -> None:
    bench.refused(bench.animate(audio="/dev/zero"), "/dev/zero: is a device")


@posix
@case("Sounds", "A file that may not be read", made="chmod 000 speech.wav", happens="refused")
def test_a_file_without_permission() -> None:
    # Not below pytest's own folder, which only its owner may enter.
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        Path(name).chmod(0o755)
        path = Path(name) / "secret.wav"
        path.touch(0o000)
        root = os.geteuid() == 0
        if root:
            os.seteuid(65534)
        try:
            with pytest.raises(AudioError, match=r"^secret\.wav: may not be read"):
                opened_sound(path)
        finally:
            if root:
                os.seteuid(0)
