"""Frames of a video: upright, in true colours, on the clock of the sound."""

import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition
from PIL import Image

from rhapsode.errors import VideoError
from rhapsode.media.reader import is_video, probe, read_frames
from rhapsode.media.sound import load_waveform

COLOURS = [(200, 30, 60), (30, 200, 60), (40, 60, 220), (240, 240, 240), (10, 10, 10)]


def quarters(width: int = 64, height: int = 48) -> np.ndarray:
    """Red above left, green above right, blue below left, white below right."""
    image = np.zeros((height, width, 3), np.uint8)
    top, left = height // 2, width // 2
    image[:top, :left], image[:top, left:] = COLOURS[0], COLOURS[1]
    image[top:, :left], image[top:, left:] = COLOURS[2], COLOURS[3]
    return image


def write_plain(
    path: Path,
    images: list[np.ndarray],
    *,
    matrix: int = 2,
    colour_range: int = 1,
    rotation: int = 0,
    start: int = 0,
) -> None:
    """Encode at 25 fps, tagged with `matrix` (2: none); converted by BT.709 for tag 1, else by BT.601."""
    with av.open(path, "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "5", "preset": "ultrafast"})
        stream.height, stream.width = images[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.colorspace, stream.codec_context.color_range = matrix, colour_range
        if rotation:
            stream.set_display_rotation(rotation)
        for k, image in enumerate(images):
            frame = av.VideoFrame.from_ndarray(image).reformat(
                format="yuv420p", dst_colorspace=1 if matrix == 1 else 5, dst_color_range=colour_range
            )
            frame.pts, frame.time_base = start + k, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


@pytest.mark.parametrize(("matrix", "colour_range"), [(1, 1), (5, 1), (2, 1), (1, 2)])
def test_colours_come_back_by_the_matrix_and_range_of_the_file(tmp_path: Path, matrix: int, colour_range: int) -> None:
    path = tmp_path / "colours.mp4"
    images = [np.full((48, 64, 3), colour, np.uint8) for colour in COLOURS]
    write_plain(path, images, matrix=matrix, colour_range=colour_range)
    frames = [frame for _, frame in read_frames(path)]
    assert len(frames) == len(images)
    for frame, image in zip(frames, images, strict=True):
        assert np.abs(frame.astype(int) - image).max() <= 3


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_a_rotation_that_the_file_asks_for_is_applied(tmp_path: Path, rotation: int) -> None:
    path = tmp_path / "phone.mp4"
    write_plain(path, [quarters()] * 3, rotation=rotation)
    expected = np.rot90(quarters(), rotation // 90)
    _, frame = next(read_frames(path))
    assert frame.shape == expected.shape
    assert frame.flags.c_contiguous
    assert np.abs(frame.astype(int) - expected).mean() < 6
    info = probe(path)
    assert (info.height, info.width) == expected.shape[:2]


def test_probe_tells_size_rate_and_length(tmp_path: Path) -> None:
    path = tmp_path / "plain.mp4"
    write_plain(path, [quarters()] * 10)
    info = probe(path)
    assert (info.width, info.height, info.n_frames_estimate) == (64, 48, 10)
    assert info.fps == Fraction(25)
    assert info.seconds == pytest.approx(0.4, abs=0.001)
    assert not info.has_audio


def test_the_rate_is_the_nominal_one_where_rounded_time_stamps_blur_it(tmp_path: Path) -> None:
    path = tmp_path / "rounded.flv"
    with av.open(path, "w") as container:
        stream = container.add_stream("flv", rate=Fraction(30000, 1001))
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for k in range(67):
            frame = av.VideoFrame.from_ndarray(quarters())
            frame.pts, frame.time_base = k, Fraction(1001, 30000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    assert probe(path).fps == Fraction(30000, 1001)


def test_times_are_exact_and_start_at_zero(tmp_path: Path) -> None:
    path = tmp_path / "plain.mp4"
    write_plain(path, [quarters()] * 10)
    times = [time for time, _ in read_frames(path)]
    np.testing.assert_allclose(times, np.arange(10) / 25, atol=1e-9)


def test_a_stream_whose_clock_starts_late_has_one_zero_for_sound_and_picture(tmp_path: Path) -> None:
    path = tmp_path / "camera.ts"
    with av.open(path, "w") as container:
        video = container.add_stream("libx264", rate=25, options={"tune": "zerolatency"})
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio = container.add_stream("mp2", rate=48000, layout="mono")
        flash = 20
        sound = np.zeros((1, 48000 * 2), np.int16)
        sound[0, flash * 1920 : flash * 1920 + 48] = 30000
        for k in range(50):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 255 * (k == flash), np.uint8))
            frame.pts, frame.time_base = 100 + k, Fraction(1, 25)
            container.mux(video.encode(frame))
            samples = np.ascontiguousarray(sound[:, 1920 * k : 1920 * (k + 1)])
            part = av.AudioFrame.from_ndarray(samples, layout="mono")
            part.sample_rate, part.pts, part.time_base = 48000, 48000 * 4 + 1920 * k, Fraction(1, 48000)
            container.mux(audio.encode(part))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    brightest = max(read_frames(path), key=lambda item: float(item[1].mean()))[0]
    waveform = load_waveform(path)
    # MPEG audio's own delay of 481 samples is not stated in a transport stream.
    assert np.argmax(np.abs(waveform.samples)) / 16000 == pytest.approx(brightest, abs=0.015)


def test_a_damaged_video_gives_the_frames_that_are_whole(tmp_path: Path) -> None:
    path = tmp_path / "damaged.mp4"
    noise = np.random.default_rng(0).integers(0, 255, (20, 48, 64, 3), dtype=np.uint8)
    write_plain(path, list(noise))
    data = path.read_bytes()
    start = data.index(b"mdat")
    path.write_bytes(data[: start + 20000] + b"\xff" * 4000 + data[start + 24000 :])
    frames = list(read_frames(path))
    assert len(frames) >= 10
    assert np.abs(frames[0][1].astype(int) - noise[0]).mean() < 60


@pytest.mark.parametrize("call", [probe, lambda path: next(read_frames(path))])
def test_what_cannot_be_read_says_so_in_one_line(tmp_path: Path, call: Callable[[Path], object]) -> None:
    letter, song = tmp_path / "letter.mp4", tmp_path / "song.wav"
    letter.write_text("Dear friend,\n" * 100)
    with av.open(song, "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000, layout="mono")
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), layout="mono")
        silence.sample_rate = 8000
        container.mux(stream.encode(silence))
    for path, message in [
        (tmp_path / "nowhere.mp4", r"^nowhere\.mp4: no such file"),
        (letter, r"^letter\.mp4: not a video"),
        (song, r"^song\.wav: no video track"),
    ]:
        with pytest.raises(VideoError, match=message) as caught:
            call(path)
        assert "\n" not in str(caught.value)


def write_film(path: Path, container: str, picture: str, sound: str | None = None) -> None:
    """Ten frames, and a second of silence."""
    with av.open(path, "w", format=container) as output:
        video = output.add_stream(picture, rate=25)
        video.width, video.height, video.pix_fmt = 176, 144, "yuv420p"  # a size that H.263 has
        audio = None if sound is None else output.add_stream(sound, rate=48000, layout="mono")
        for k in range(10):
            frame = av.VideoFrame.from_ndarray(quarters(176, 144)).reformat(format="yuv420p")
            frame.pts, frame.time_base = k, Fraction(1, 25)
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
        if audio is not None:
            silence = av.AudioFrame.from_ndarray(np.zeros((1, 48000), np.float32), format="fltp", layout="mono")
            silence.sample_rate, silence.pts, silence.time_base = 48000, 0, Fraction(1, 48000)
            for part in av.AudioResampler(format=audio.format.name, layout="mono", rate=48000).resample(silence):
                output.mux(audio.encode(part))
            output.mux(audio.encode(None))


@pytest.mark.parametrize(
    ("name", "container", "picture", "sound"),
    [
        ("clip.mp4", "mp4", "libx264", "aac"),
        ("clip.wmv", "asf", "wmv2", "libmp3lame"),
        ("clip.3gp", "3gp", "h263", "aac"),
        ("clip.ogv", "ogg", "libvpx", "libopus"),
        ("clip.m2ts", "mpegts", "libx264", "aac"),
        ("clip.mts", "mpegts", "mpeg2video", "mp2"),
        ("clip.vob", "vob", "mpeg2video", "mp2"),
        ("clip.mxf", "mxf", "mpeg2video", None),
        ("clip.webm", "webm", "libvpx", "libopus"),
        ("clip.avi", "avi", "mpeg4", "mp2"),
        ("clip", "mp4", "libx264", "aac"),
        ("clip.jpg", "mp4", "libx264", None),
        ("clip.2", "matroska", "libx264", None),
    ],
)
def test_a_video_is_known_by_its_content(
    tmp_path: Path, name: str, container: str, picture: str, sound: str | None
) -> None:
    path = tmp_path / name
    try:
        write_film(path, container, picture, sound)
    except av.codec.codec.UnknownCodecError:
        pytest.skip(f"this FFmpeg cannot write {picture}")
    assert is_video(path)


@pytest.mark.parametrize("kind", ["jpeg", "png", "gif", "webp", "tiff", "bmp", "avif"])
def test_a_picture_is_no_video_whatever_its_name(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "face.mp4"
    try:
        Image.fromarray(quarters()).save(path, format=kind)
    except (KeyError, OSError):
        pytest.skip(f"this Pillow cannot write {kind}")
    assert not is_video(path)


def test_sound_text_and_nothing_are_no_videos(tmp_path: Path) -> None:
    song, letter, list_of_songs = tmp_path / "song.mp4", tmp_path / "letter.txt", tmp_path / "songs.mp4"
    with av.open(song, "w") as container:
        stream = container.add_stream("aac", rate=48000, layout="mono")
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.float32), format="fltp", layout="mono")
        silence.sample_rate = 48000
        container.mux(stream.encode(silence))
        container.mux(stream.encode(None))
    letter.write_text("Dear friend,\n" * 100)
    list_of_songs.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\nclip.mp4\n#EXT-X-ENDLIST\n")
    noise = tmp_path / "noise.mp4"
    noise.write_bytes(np.random.default_rng(0).bytes(200_000))
    for path in (song, letter, list_of_songs, noise, tmp_path, tmp_path / "nowhere.mp4", Path("x" * 400)):
        assert not is_video(path), path
    assert not is_video("angry*0.6+address*0.4")


def test_a_song_with_a_cover_is_no_video(tmp_path: Path) -> None:
    path = tmp_path / "song.m4a"
    cover = io.BytesIO()
    Image.fromarray(quarters()).save(cover, "JPEG")
    with av.open(path, "w", format="mp4") as container:
        picture = container.add_stream("mjpeg", rate=1)
        picture.width, picture.height, picture.pix_fmt = 64, 48, "yuvj420p"
        picture.disposition = Disposition.attached_pic
        stream = container.add_stream("aac", rate=48000, layout="mono")
        packet = av.Packet(cover.getvalue())
        packet.stream, packet.pts, packet.dts, packet.time_base = picture, 0, 0, Fraction(1, 1)
        container.mux(packet)
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 4800), np.float32), format="fltp", layout="mono")
        silence.sample_rate = 48000
        container.mux(stream.encode(silence))
        container.mux(stream.encode(None))
    assert not is_video(path)
