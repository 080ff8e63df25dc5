"""Kinds of output: what is read back is what was written, and nothing half-written stays."""

import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image
from tests.media.test_writer import assert_nothing_left, clicks, grey

from rhapsode.errors import Cancelled, VideoError
from rhapsode.media.encoder import DIGITAL_SOURCE, notice
from rhapsode.media.frame_folder import FrameFolder
from rhapsode.media.outputs import sink_for
from rhapsode.media.reader import read_frames
from rhapsode.media.sinks import FragmentedMp4
from rhapsode.media.sound import load_waveform
from rhapsode.media.writer import write_video

OUTPUTS = ["out.mp4", "out.mov", "out.webm", "out.gif", "frames/"]


def scene(count: int = 12, width: int = 48, height: int = 32) -> list[np.ndarray]:
    """Smooth colours that move."""
    rows, columns = np.mgrid[:height, :width]
    return [
        np.stack([4 * columns + 3 * k, 6 * rows + 20, 220 - 3 * columns - rows], -1).clip(0, 255).astype(np.uint8)
        for k in range(count)
    ]


def error(given: np.ndarray, read: np.ndarray) -> float:
    return float(np.abs(given.astype(float) - read).mean())


@pytest.mark.parametrize(("name", "most"), [("out.mov", 1.0), ("out.webm", 4.0), ("out.gif", 8.0)])
def test_a_video_has_the_frames_that_it_was_given(tmp_path: Path, name: str, most: float) -> None:
    given = scene()
    write_video(given, tmp_path / name, 25, clicks(48000, 0.48, 0.2))
    read = list(read_frames(tmp_path / name))
    np.testing.assert_allclose([time for time, _ in read], np.arange(12) / 25, atol=0.002)
    for one, (_, other) in zip(given, read, strict=True):
        assert error(one, other) < most


def clear_scene(count: int = 5, width: int = 48, height: int = 32) -> list[np.ndarray]:
    """Frames with a matte that moves and has every value."""
    mattes = np.zeros((count, height, width), np.uint8)
    for k, matte in enumerate(mattes):
        matte[4:28, 4 + k : 36 + k] = np.linspace(0, 255, 32).astype(np.uint8)
        matte[8:20, 10 + k : 20 + k] = 255
    return [np.dstack([one, matte]) for one, matte in zip(scene(count, width, height), mattes, strict=True)]


def alphas(path: Path) -> list[np.ndarray]:
    """The mattes of a video, uint8: of VP9 by libvpx, since FFmpeg's own decoder leaves them out."""
    with av.open(path) as container:
        stream: Any = container.streams.video[0]
        decoder: Any = stream
        if path.suffix == ".webm":
            decoder = av.CodecContext.create("libvpx-vp9", "r")
        frames = [
            frame for packet in container.demux(stream) for frame in decoder.decode(packet if packet.size else None)
        ]
    if path.suffix != ".mov":
        return [frame.reformat(format="rgba").to_ndarray()[..., 3] for frame in frames]
    planes = [(np.frombuffer(frame.planes[3], np.uint16), frame) for frame in frames]
    return [
        np.rint(plane.reshape(frame.height, -1)[:, : frame.width] / 4095 * 255).astype(np.uint8)
        for plane, frame in planes
    ]


@pytest.mark.parametrize(("name", "most"), [("out.mov", 0), ("out.webm", 12)])
def test_a_transparent_video_has_the_matte_that_it_was_given(tmp_path: Path, name: str, most: int) -> None:
    given = clear_scene()
    write_video(given, tmp_path / name, 25, clicks(48000, 0.2, 0.1))
    read = alphas(tmp_path / name)
    assert len(read) == len(given)
    for one, matte in zip(given, read, strict=True):
        assert np.abs(one[..., 3].astype(int) - matte).max() <= most


def test_a_transparent_gif_shows_what_is_more_than_half_there(tmp_path: Path) -> None:
    given = clear_scene()
    write_video(given, tmp_path / "out.gif", 10)
    with Image.open(tmp_path / "out.gif") as picture:
        for k, one in enumerate(given):
            picture.seek(k)
            shown = np.asarray(picture.convert("RGBA"))
            np.testing.assert_array_equal(shown[..., 3] > 0, one[..., 3] >= 128)
            seen = shown[..., 3] > 0
            assert error(one[..., :3][seen], shown[..., :3][seen]) < 8


def test_a_folder_holds_the_very_matte(tmp_path: Path) -> None:
    given = clear_scene(2)
    write_video(given, f"{tmp_path}/frames/", 25)
    for k, one in enumerate(given):
        with Image.open(tmp_path / f"frames/0000{k}.png") as picture:
            np.testing.assert_array_equal(np.asarray(picture), one)


def test_transparent_frames_are_refused_where_they_cannot_be_held(tmp_path: Path) -> None:
    for sink in (sink_for(tmp_path / "out.mp4"), FragmentedMp4(io.BytesIO())):
        with pytest.raises(VideoError, match="never transparent"):
            sink.check(Fraction(25), clear=True)
        with pytest.raises(VideoError, match="never transparent"):
            write_video(clear_scene(1), sink, 25)
    assert_nothing_left(tmp_path)
    for name in ("out.mov", "out.webm", "out.gif", "frames/"):
        sink_for(f"{tmp_path}/{name}").check(Fraction(25), clear=True)


def test_a_gif_keeps_its_length_at_any_rate(tmp_path: Path) -> None:
    write_video(scene(30), tmp_path / "out.gif", 30)
    with av.open(tmp_path / "out.gif") as container:
        assert container.duration == pytest.approx(1e6, abs=2e4)


def test_one_palette_serves_all_frames_of_a_gif(tmp_path: Path) -> None:
    """Colours that only a late frame has are there, and what does not move does not flicker."""
    frames = scene(1) * 8
    red = frames[-1].copy()
    red[8:24, 8:40] = (250, 10, 10)
    write_video([*frames, red, *frames], tmp_path / "out.gif", 10)
    read = [frame for _, frame in read_frames(tmp_path / "out.gif")]
    assert error(red[10:22, 10:38], read[8][10:22, 10:38]) < 12
    for frame in read[:8]:
        np.testing.assert_array_equal(frame, read[0])


@pytest.mark.parametrize("name", ["out.mov", "frames/"])
def test_sound_without_loss_is_the_sound_that_was_given(tmp_path: Path, name: str) -> None:
    voice = clicks(16000, 0.48, 0.2)
    write_video(scene(), sink_for(f"{tmp_path}/{name}"), 25, voice)
    path = tmp_path / name
    sound = load_waveform(path / "sound.wav" if path.is_dir() else path)
    np.testing.assert_allclose(sound.samples, voice.samples, atol=1e-4)


def test_a_folder_holds_the_very_frames_and_says_that_they_are_made(tmp_path: Path) -> None:
    given = scene(3, width=33)
    facts = write_video(given, f"{tmp_path}/frames/face-%03d.png", 25)
    assert sorted(one.name for one in (tmp_path / "frames").iterdir()) == [f"face-00{k}.png" for k in range(3)]
    assert facts.bytes == sum(one.stat().st_size for one in (tmp_path / "frames").iterdir())
    for k, frame in enumerate(given):
        with Image.open(tmp_path / f"frames/face-{k:03d}.png") as picture:
            np.testing.assert_array_equal(np.asarray(picture), frame)
            assert picture.info["Comment"] == notice()
            assert DIGITAL_SOURCE in picture.info["XML:com.adobe.xmp"]


@pytest.mark.parametrize("fault", [RuntimeError, Cancelled, KeyboardInterrupt])
@pytest.mark.parametrize("name", OUTPUTS)
def test_an_output_that_fails_leaves_nothing(tmp_path: Path, name: str, fault: type[BaseException]) -> None:
    def frames() -> Iterator[np.ndarray]:
        yield from grey(9)
        raise fault("stopped")

    with pytest.raises(fault):
        write_video(frames(), sink_for(f"{tmp_path}/{name}"), 25, clicks(16000, 1.0, 0.1))
    assert_nothing_left(tmp_path)


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_full_disk_leaves_nothing(tmp_path: Path, name: str) -> None:
    resource = pytest.importorskip("resource")
    # A limit on the size of files stops writing as a full disk does.
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    noise = np.random.default_rng(0).integers(0, 255, (30, 96, 96, 3), dtype=np.uint8)
    resource.setrlimit(resource.RLIMIT_FSIZE, (12_000, before[1]))
    try:
        with pytest.raises(VideoError) as caught:
            write_video(noise, sink_for(f"{tmp_path}/{name}"), 25)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert caught.value.code == "disk-full"
    assert_nothing_left(tmp_path)


def test_a_folder_that_fails_leaves_the_earlier_one(tmp_path: Path) -> None:
    write_video(grey(2), f"{tmp_path}/frames/", 25)

    def frames() -> Iterator[np.ndarray]:
        yield from grey(1)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_video(frames(), FrameFolder(tmp_path / "frames", overwrite=True), 25)
    assert sorted(one.name for one in tmp_path.rglob("*")) == ["00000.png", "00001.png", "frames"]
    write_video(grey(1), FrameFolder(tmp_path / "frames", overwrite=True), 25)
    assert sorted(one.name for one in tmp_path.rglob("*")) == ["00000.png", "frames"]
