"""Finished videos: exact rates, sound in step, true colours, and whole or not there at all."""

import signal
import threading
import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from rhapsode.errors import AudioError, Cancelled, VideoError
from rhapsode.media.encoder import DIGITAL_SOURCE, SYNTHETIC_NOTICE, notice
from rhapsode.media.reader import probe, read_frames
from rhapsode.media.sinks import FragmentedMp4
from rhapsode.media.sound import load_waveform
from rhapsode.media.tracks import sound_info
from rhapsode.media.waveform import Waveform
from rhapsode.media.writer import write_video


def grey(count: int, size: int = 64, flash: int = -1) -> Iterator[np.ndarray]:
    """Grey frames; frame `flash` is white."""
    for k in range(count):
        yield np.full((size, size, 3), 255 if k == flash else 90, np.uint8)


def clicks(rate: int, seconds: float, at: float) -> Waveform:
    times = np.arange(round(rate * seconds)) / rate
    burst = 0.9 * np.exp(-(((times - at) / 0.0006) ** 2)) * np.cos(2 * np.pi * 1000 * (times - at))
    return Waveform((burst + 0.01 * np.sin(2 * np.pi * 300 * times)).astype(np.float32), rate)


def write_wav(path: Path, sound: np.ndarray, rate: int) -> None:
    """Write (channels, n) float32."""
    layout = "mono" if len(sound) == 1 else "stereo"
    with av.open(path, "w") as container:
        stream = container.add_stream("pcm_f32le", rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(sound.T.reshape(1, -1).copy(), format="flt", layout=layout)
        frame.sample_rate = rate
        container.mux(stream.encode(frame))


def assert_nothing_left(folder: Path) -> None:
    assert [path.name for path in folder.iterdir()] == []


RATES = [Fraction(24000, 1001), Fraction(30000, 1001), Fraction(25), Fraction(50), Fraction(60)]


@pytest.mark.parametrize("fps", RATES)
def test_rate_and_times_are_exact(tmp_path: Path, fps: Fraction) -> None:
    out = tmp_path / "out.mp4"
    facts = write_video(grey(90), out, fps, clicks(16000, 90 / float(fps), 1.0))
    assert (facts.frames, facts.fps, facts.bytes) == (90, fps, out.stat().st_size)
    assert facts.seconds == pytest.approx(90 / float(fps))
    with av.open(out) as container:
        video = container.streams.video[0]
        assert video.average_rate == fps
        frames = list(container.decode(video))
        times = [frame.pts * frame.time_base for frame in frames if frame.pts is not None and frame.time_base]
        assert times == [k / fps for k in range(90)]
        assert container.duration == pytest.approx(1e6 * facts.seconds, abs=1e6 / float(fps))
        assert container.start_time == 0


def test_sound_and_picture_flash_together(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    source = tmp_path / "voice.wav"
    write_wav(source, clicks(44100, 4.0, 3.0).samples[None], 44100)
    write_video(grey(100, flash=75), out, 25, source)
    flash = max(read_frames(out), key=lambda item: float(item[1].mean()))[0]
    sound = load_waveform(out)
    assert flash == 3.0
    assert int(np.argmax(np.abs(sound.samples))) / 16000 == pytest.approx(3.0, abs=0.003)
    assert sound.seconds == pytest.approx(4.0, abs=0.001)


def test_sound_of_another_video_keeps_its_place(tmp_path: Path) -> None:
    first, second = tmp_path / "first.mp4", tmp_path / "second.mp4"
    write_video(grey(50), first, 25, clicks(48000, 2.0, 1.5))
    write_video(grey(60), second, 30, first)
    assert np.argmax(np.abs(load_waveform(second).samples)) / 16000 == pytest.approx(1.5, abs=0.003)


def test_long_sound_is_cut_at_the_last_frame_and_short_sound_just_ends(tmp_path: Path) -> None:
    for seconds, expected in [(5.0, 2.0), (1.0, 1.0)]:
        out = tmp_path / f"{seconds}.mp4"
        write_video(grey(50), out, 25, clicks(16000, seconds, 0.5))
        assert load_waveform(out).seconds == pytest.approx(expected, abs=0.001)
        assert probe(out).seconds == pytest.approx(2.0, abs=0.001)


@pytest.mark.parametrize(
    ("rate", "channels", "kept_rate"),
    [(48000, 2, 48000), (22050, 1, 22050), (96000, 2, 48000), (20000, 1, 22050)],
)
def test_sound_keeps_rate_channels_and_loudness(tmp_path: Path, rate: int, channels: int, kept_rate: int) -> None:
    source, out = tmp_path / "voice.wav", tmp_path / "out.mp4"
    tone = 0.2 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    sound = np.stack([tone, tone / 2])[:channels].astype(np.float32)
    write_wav(source, sound, rate)
    write_video(grey(25), out, 25, source)
    info = sound_info(out)
    assert (info.rate, info.channels) == (kept_rate, channels)
    loudness = [float(np.std(load_waveform(path).samples[2000:-2000])) for path in (source, out)]
    assert loudness[1] == pytest.approx(loudness[0], rel=0.02)


def test_a_waveform_at_a_rate_that_aac_lacks_is_resampled(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    write_video(grey(25), out, 25, clicks(20000, 1.0, 0.5))
    assert sound_info(out).rate == 22050
    assert np.argmax(np.abs(load_waveform(out).samples)) / 16000 == pytest.approx(0.5, abs=0.003)


def test_a_video_without_sound_has_no_audio_track(tmp_path: Path) -> None:
    write_video(grey(5), tmp_path / "out.mp4", 25)
    assert not probe(tmp_path / "out.mp4").has_audio


def test_the_file_is_what_browsers_play(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    write_video(grey(30), out, 30, clicks(44100, 1.0, 0.5))
    data = out.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(out) as container:
        video = container.streams.video[0].codec_context
        assert (video.name, video.pix_fmt) == ("h264", "yuv420p")
        assert (video.colorspace, video.color_primaries, video.color_trc, video.color_range) == (1, 1, 1, 1)
        assert container.streams.audio[0].codec_context.name == "aac"


def test_colours_come_back(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    colours = [(200, 30, 60), (20, 180, 90), (40, 60, 220), (224, 172, 150), (255, 255, 255), (0, 0, 0)]
    write_video((np.full((64, 64, 3), colour, np.uint8) for colour in colours), out, 25)
    for (_, frame), colour in zip(read_frames(out), colours, strict=True):
        assert np.abs(frame.astype(int) - colour).max() <= 3


def test_an_odd_size_is_made_even_by_repeating_the_edge(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    image = np.full((63, 65, 3), 90, np.uint8)
    image[-2:], image[:, -2:] = 200, 200
    write_video([image] * 3, out, 25)
    _, frame = next(read_frames(out))
    assert frame.shape == (64, 66, 3)
    assert np.abs(frame[-1, 10:50].astype(int) - 200).max() <= 12
    assert np.abs(frame[10:50, -1].astype(int) - 200).max() <= 12
    assert np.abs(frame[5:55, 5:55].astype(int) - 90).max() <= 6


def test_the_metadata_say_that_the_video_is_made(tmp_path: Path) -> None:
    plain, noted = tmp_path / "plain.mp4", tmp_path / "noted.mp4"
    write_video(grey(3), plain, 25)
    write_video(grey(3), noted, 25, comment="style: anna")
    with av.open(plain) as container:
        assert container.metadata["title"] == SYNTHETIC_NOTICE
        assert container.metadata["comment"] == notice() == f"{SYNTHETIC_NOTICE}. Digital source type: {DIGITAL_SOURCE}"
    with av.open(noted) as container:
        assert container.metadata["comment"] == f"{notice()}. style: anna"


def test_frames_may_share_one_buffer(tmp_path: Path) -> None:
    def painted() -> Iterator[np.ndarray]:
        buffer = np.empty((64, 64, 3), np.uint8)
        for k in range(20):
            buffer[:] = 10 * k
            yield buffer

    write_video(painted(), tmp_path / "out.mp4", 25)
    levels = [float(frame.mean()) for _, frame in read_frames(tmp_path / "out.mp4")]
    np.testing.assert_allclose(levels, 10 * np.arange(20), atol=2)


@pytest.mark.parametrize("fault", [KeyboardInterrupt, GeneratorExit, ZeroDivisionError, OSError, AudioError])
@pytest.mark.parametrize("after", [0, 30])
def test_a_fault_while_rendering_passes_through_and_leaves_nothing(
    tmp_path: Path, fault: type[BaseException], after: int
) -> None:
    def failing() -> Iterator[np.ndarray]:
        yield from grey(after)
        raise fault("rendering stopped")

    threads = threading.active_count()
    with pytest.raises(fault, match="rendering stopped"):
        write_video(failing(), tmp_path / "out.mp4", 25, clicks(16000, 3, 1))
    assert_nothing_left(tmp_path)
    assert threading.active_count() == threads


def test_a_failure_leaves_the_video_that_stood_there_before(tmp_path: Path) -> None:
    out = tmp_path / "out.mp4"
    write_video(grey(5), out, 25)
    before = out.read_bytes()

    def failing() -> Iterator[np.ndarray]:
        yield from grey(20)
        # While it is being written, the new video lies beside the old one under a hidden name.
        assert all(path.name.startswith(".") for path in tmp_path.iterdir() if path != out)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_video(failing(), out, 25)
    assert out.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["out.mp4"]


def test_a_full_disk_says_so_stops_rendering_and_leaves_nothing(tmp_path: Path) -> None:
    resource = pytest.importorskip("resource", reason="needs a POSIX system")
    # A limit on the size of files stops the encoder's writing as a full disk does, without the need of one.
    rng = np.random.default_rng(0)
    rendered = 0

    def noise() -> Iterator[np.ndarray]:
        nonlocal rendered
        for _ in range(2000):
            rendered += 1
            yield rng.integers(0, 255, (128, 128, 3), dtype=np.uint8)

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, hard))
    try:
        with pytest.raises(VideoError, match=r"^out\.mp4: larger than files may be"):
            write_video(noise(), tmp_path / "out.mp4", 25)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert rendered < 300
    assert_nothing_left(tmp_path)


def test_a_sound_that_breaks_on_the_way_stops_the_video(tmp_path: Path) -> None:
    source, folder = tmp_path / "voice.wav", tmp_path / "results"
    folder.mkdir()
    sound = clicks(16000, 4.0, 1.0).samples[None].copy()
    sound[0, 40000] = np.nan
    write_wav(source, sound, 16000)
    with pytest.raises(AudioError, match=r"^voice\.wav: .*not finite"):
        write_video(grey(100), folder / "out.mp4", 25, source)
    assert_nothing_left(folder)


def test_a_bad_sound_is_refused_before_anything_is_rendered(tmp_path: Path) -> None:
    def render(_: int) -> np.ndarray:
        raise AssertionError("rendered in vain")

    def never() -> Iterator[np.ndarray]:
        return map(render, range(3))

    with pytest.raises(AudioError, match=r"^nowhere\.wav: no such file"):
        write_video(never(), tmp_path / "out.mp4", 25, tmp_path / "nowhere.wav")
    with pytest.raises(VideoError, match=r"out\.xyz': not the name of a video; let it end in \.mp4"):
        write_video(never(), tmp_path / "out.xyz", 25)
    with pytest.raises(VideoError, match=r"^out\.mp4: there is no folder"):
        write_video(never(), tmp_path / "missing" / "out.mp4", 25)
    with pytest.raises(VideoError, match=r"frames per second"):
        write_video(never(), tmp_path / "out.mp4", 0)
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(VideoError, match="is a folder"):
        write_video(never(), tmp_path / "folder.mp4", 25)


@pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs Linux")
def test_a_folder_that_cannot_be_written_to_says_so() -> None:
    # /proc refuses new files even to the superuser.
    with pytest.raises(VideoError, match=r"^out\.mp4: "):
        write_video(grey(3), Path("/proc/out.mp4"), 25)


@pytest.mark.parametrize(
    ("frames", "message"),
    [
        ([], "no frames to write"),
        ([np.zeros((64, 64), np.uint8)], "must be uint8, "),
        ([np.zeros((64, 64, 3), np.float32)], "must be uint8, "),
        ([np.zeros((64, 64, 3), np.uint8), np.zeros((32, 64, 3), np.uint8)], "frame 1 is 64 x 32"),
    ],
)
def test_wrong_frames_say_what_is_wrong(tmp_path: Path, frames: list[np.ndarray], message: str) -> None:
    with pytest.raises(VideoError, match=message):
        write_video(frames, tmp_path / "out.mp4", 25)
    assert_nothing_left(tmp_path)


def test_rendering_waits_for_the_encoder_instead_of_piling_up_frames() -> None:
    asked = 0

    def frames() -> Iterator[np.ndarray]:
        nonlocal asked
        for frame in grey(600):
            asked += 1
            yield frame

    class Stuck:
        """Takes its first bytes only once nobody renders any more."""

        rendered = 0

        def write(self, data: bytes) -> None:
            before = -1
            while not self.rendered:
                if asked == before:
                    self.rendered = asked
                before = asked
                time.sleep(0.3)

    stream = Stuck()
    assert write_video(frames(), FragmentedMp4(stream), 25).frames == 600
    # A fragment of a second, what the encoder looks ahead, and the queue.
    assert stream.rendered < 100


def test_progress_counts_every_frame_and_cancels(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    write_video(grey(5), tmp_path / "out.mp4", 25, n_frames=4, progress=lambda *step: told.append(step))
    assert told == [("frames", done, max(done, 4)) for done in range(6)] + [("frames", 5, 5)]
    told.clear()
    write_video(grey(2), tmp_path / "out.mp4", 25, progress=lambda *step: told.append(step))
    assert told == [("frames", 0, 0), ("frames", 1, 0), ("frames", 2, 0), ("frames", 2, 2)]

    def cancel(stage: str, done: int, total: int) -> None:
        if done == 3:
            raise Cancelled("stopped")

    (tmp_path / "out.mp4").unlink()
    with pytest.raises(Cancelled):
        write_video(grey(50), tmp_path / "out.mp4", 25, clicks(16000, 2, 1), progress=cancel)
    assert_nothing_left(tmp_path)
