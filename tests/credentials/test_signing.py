"""What a file says of itself holds, and a change of anything is seen."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

pytest.importorskip("c2pa")

from tests.media.test_writer import assert_nothing_left, clicks

from rhapsode.credentials import signing
from rhapsode.credentials.keys import SigningKey, make_key
from rhapsode.credentials.origin import Origin, picture_hash, sound_hash
from rhapsode.credentials.verifying import verify
from rhapsode.errors import VideoError
from rhapsode.media import sinks
from rhapsode.media.encoder import DIGITAL_SOURCE
from rhapsode.media.reader import read_frames
from rhapsode.media.sinks import VideoFile
from rhapsode.media.source import Piped
from rhapsode.media.waveform import Waveform
from rhapsode.media.writer import write_video

INPUTS = {"portrait": "ab", "voice": "cd", "style": "happy", "style_strength": 0.5}
NOISE = np.random.default_rng(0).integers(0, 255, (9, 48, 48, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def key() -> SigningKey:
    return make_key()


def signed(path: Path, key: SigningKey, frames: Any = NOISE) -> Path:
    sink = VideoFile(path, lambda part: signing.sign(part, path.name, INPUTS, key))
    facts = write_video(frames, sink, 25, clicks(16000, 0.36, 0.2), n_frames=9)
    assert facts.bytes == path.stat().st_size
    return path


@pytest.mark.parametrize("ending", [".mp4", ".m4v", ".mov", ".gif"])
def test_a_signed_file_plays_and_says_what_it_is_and_was_made_of(tmp_path: Path, key: SigningKey, ending: str) -> None:
    path = signed(tmp_path / f"talk{ending}", key)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    assert len(list(read_frames(path))) == 9
    found = verify(path)
    assert found.valid and not found.own and not found.faults
    assert found.generator.startswith("Rhapsode ") and found.source == DIGITAL_SOURCE
    assert found.inputs == INPUTS
    said = "\n".join(found.lines())
    for words in ("made by AI", "SHA-256 ab", "happy, strength 0.5", "nobody vouches"):
        assert words in said


def samples(path: Path) -> dict[str, tuple[int, int]]:
    """Place and size of the middle packet of picture and sound."""
    with av.open(path) as container:
        packets = [one for one in container.demux() if one.size]
        found = {}
        for kind in ("video", "audio"):
            own = [one for one in packets if one.stream.type == kind]
            place = own[len(own) // 2].pos
            assert place is not None
            found[kind] = (place, own[len(own) // 2].size)
        return found


@pytest.mark.parametrize("ending", [".mp4", ".mov"])
@pytest.mark.parametrize("kind", ["video", "audio"])
def test_one_changed_byte_of_picture_or_sound_is_seen(tmp_path: Path, key: SigningKey, ending: str, kind: str) -> None:
    path = signed(tmp_path / f"talk{ending}", key)
    place, size = samples(path)[kind]
    data = bytearray(path.read_bytes())
    data[place + size // 2] ^= 1
    path.write_bytes(data)
    found = verify(path)
    assert not found.valid
    assert "was changed after it was signed" in found.why


def test_any_byte_of_a_file_of_several_megabytes_is_watched(tmp_path: Path, key: SigningKey) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (9, 512, 512, 3), dtype=np.uint8)
    path = signed(tmp_path / "talk.mov", key, noise)
    data = path.read_bytes()
    assert len(data) > 2_000_000 and verify(path).valid
    for place in np.linspace(50_000, len(data) - 100, 7).astype(int):
        changed = bytearray(data)
        changed[place] ^= 1
        path.write_bytes(changed)
        try:
            assert not verify(path).valid
        except VideoError as error:  # what is said is no longer readable
            assert error.code == "damaged"


def test_what_is_said_cannot_be_changed_either(tmp_path: Path, key: SigningKey) -> None:
    path = signed(tmp_path / "talk.mp4", key)
    data = path.read_bytes()
    assert b"compositeWithTrained" in data
    path.write_bytes(data.replace(b"compositeWithTrained", b"compositeWithoutAny!"))
    assert not verify(path).valid


def test_a_long_video_in_fragments_is_signed_and_found_in_as_before(
    tmp_path: Path, key: SigningKey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sinks, "_LONG", 0.1)
    monkeypatch.setattr(sinks, "_LONG_KEY_FRAME_SECONDS", 0.12)
    path = signed(tmp_path / "long.mp4", key)
    assert path.read_bytes().count(b"moof") > 1
    assert verify(path).valid
    assert len(list(read_frames(path))) == 9
    with av.open(path) as container:
        container.seek(300_000)
        assert next(container.decode(video=0)).time == pytest.approx(0.24)


def test_a_full_disk_while_signing_leaves_nothing(tmp_path: Path, key: SigningKey) -> None:
    resource = pytest.importorskip("resource")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)

    def sign(part: Path) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (part.stat().st_size, before[1]))
        signing.sign(part, "talk.mp4", INPUTS, key)

    try:
        with pytest.raises(VideoError) as caught:
            write_video(NOISE, VideoFile(tmp_path / "talk.mp4", sign), 25)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.code == "disk-full"
    assert_nothing_left(tmp_path)


def test_a_certificate_that_may_not_sign_is_refused_and_leaves_nothing(tmp_path: Path, key: SigningKey) -> None:
    lone = SigningKey(key.key, key.root.encode())
    with pytest.raises(VideoError, match="cannot be signed"):
        signed(tmp_path / "talk.mp4", lone)
    assert_nothing_left(tmp_path)


def test_inputs_are_known_by_their_hashes(tmp_path: Path) -> None:
    path = tmp_path / "abc.wav"
    path.write_bytes(b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sound_hash(path) == picture_hash(path) == known
    with path.open("rb") as stream:
        assert sound_hash(Piped(stream, "pipe", VideoError)) == known
    assert sound_hash(Waveform(np.zeros(2, np.float32), 16000)) == picture_hash(np.zeros(8, np.uint8))
    said = Origin(("p", "q"), "happy", 0.5).inputs({None: path}, path)
    assert said == {
        "portrait": "p", "extra_photos": ["q"], "voice": known, "soundtrack": known, "style": "happy",
        "style_strength": 0.5,
    }  # fmt: skip


def bad_files(folder: Path) -> Iterator[tuple[Path, str]]:
    plain = folder / "plain.mp4"
    write_video(NOISE, plain, 25)
    yield plain, "there are no Content Credentials"
    words = folder / "words.txt"
    words.write_text("words")
    yield words, "no kind of file"
    noise = folder / "noise.mp4"
    noise.write_bytes(NOISE.tobytes())
    yield noise, "noise.mp4"
    yield folder / "nowhere.mp4", "no such file"


def test_files_that_say_nothing_are_refused_with_a_word(tmp_path: Path) -> None:
    for path, said in bad_files(tmp_path):
        with pytest.raises(VideoError, match=said):
            verify(path)
