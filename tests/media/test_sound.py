"""Sound from files of every kind: length, clock, and one clear line for what cannot be read."""

import logging
import tracemalloc
import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from rhapsode.errors import AudioError
from rhapsode.media.sound import estimated_seconds, load_waveform, mono_blocks, sound_blocks
from rhapsode.media.tracks import sound_info
from rhapsode.media.waveform import Waveform, resample

SECONDS = 1.5
CLICK_AT = 1.0

# ending, codec, sample format, highest difference of length in seconds
KINDS = [
    ("wav", "pcm_s16le", "s16", 0.0001),
    ("flac", "flac", "s16", 0.0001),
    ("mp3", "libmp3lame", "s16p", 0.005),
    ("m4a", "aac", "fltp", 0.005),
    ("ogg", "libopus", "flt", 0.005),
    ("webm", "libopus", "flt", 0.005),
    ("mp4", "aac", "fltp", 0.005),
]


def click_track(rate: int, channels: int, seconds: float = SECONDS, at: float = CLICK_AT) -> np.ndarray:
    """A faint tone with one loud burst of 2 ms, centred on `at`; (channels, n) float32."""
    time = np.arange(round(rate * seconds)) / rate
    burst = 0.9 * np.exp(-(((time - at) / 0.0006) ** 2)) * np.cos(2 * np.pi * 1000 * (time - at))
    mono = 0.002 * np.sin(2 * np.pi * 200 * time) + burst
    return np.tile(mono, (channels, 1)).astype(np.float32)


def write_sound(
    path: Path,
    codec: str,
    sample_format: str,
    sound: np.ndarray,
    rate: int,
    start: float = 0,
    picture: bool = False,
) -> None:
    """Encode (channels, n) samples; `start` delays the track against a picture of grey frames at 10 fps."""
    layout = {1: "mono", 2: "stereo", 6: "5.1"}[len(sound)]
    with av.open(path, "w") as container:
        if picture:
            video = container.add_stream("mpeg4", rate=10)
            video.width = video.height = 32
        stream = container.add_stream(codec, rate=rate, layout=layout)
        if picture:
            for k in range(round(10 * (start + sound.shape[1] / rate))):
                grey = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 128, np.uint8))
                grey.pts, grey.time_base = k, Fraction(1, 10)
                container.mux(video.encode(grey))
            container.mux(video.encode(None))
        frame = av.AudioFrame.from_ndarray(sound, format="fltp", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = rate, round(start * rate), Fraction(1, rate)
        for part in av.AudioResampler(format=sample_format, layout=layout, rate=rate).resample(frame):
            container.mux(stream.encode(part))
        container.mux(stream.encode(None))


def click_time(waveform: Waveform) -> float:
    return int(np.argmax(np.abs(waveform.samples))) / waveform.rate


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (44100, 2), (48000, 1)])
@pytest.mark.parametrize(("ending", "codec", "sample_format", "tolerance"), KINDS)
def test_every_kind_of_file_loads_with_its_length_and_its_click_in_place(
    tmp_path: Path, ending: str, codec: str, sample_format: str, tolerance: float, rate: int, channels: int
) -> None:
    if codec == "libopus" and rate == 44100:
        rate = 24000  # Opus has no 44.1 kHz
    path = tmp_path / f"sound.{ending}"
    write_sound(path, codec, sample_format, click_track(rate, channels), rate, picture=ending == "mp4")
    waveform = load_waveform(path)
    assert waveform.rate == 16000
    assert waveform.samples.dtype == np.float32
    assert waveform.samples.ndim == 1
    assert waveform.seconds == pytest.approx(SECONDS, abs=tolerance)
    assert click_time(waveform) == pytest.approx(CLICK_AT, abs=0.003)
    assert 0.4 < np.abs(waveform.samples).max() <= 1


def test_a_track_that_starts_late_in_a_video_is_padded_with_silence(tmp_path: Path) -> None:
    path = tmp_path / "late.mp4"
    write_sound(path, "aac", "fltp", click_track(48000, 2), 48000, start=0.5, picture=True)
    waveform = load_waveform(path)
    assert click_time(waveform) == pytest.approx(0.5 + CLICK_AT, abs=0.003)
    assert np.abs(waveform.samples[: int(0.45 * 16000)]).max() < 1e-3


def test_the_clock_of_a_transport_stream_is_counted_from_its_own_start(tmp_path: Path) -> None:
    path = tmp_path / "stream.ts"
    write_sound(path, "mp2", "s16", click_track(48000, 1), 48000, start=7, picture=False)
    # MPEG audio has 481 samples of delay that a transport stream does not state.
    assert click_time(load_waveform(path)) == pytest.approx(CLICK_AT, abs=0.012)


def test_a_hole_in_the_sound_is_filled_so_that_what_follows_stays_in_place(tmp_path: Path) -> None:
    path = tmp_path / "hole.mka"
    sound = click_track(48000, 1)
    with av.open(path, "w") as container:
        stream = container.add_stream("flac", rate=48000, layout="mono")
        for first in range(0, sound.shape[1], 4800):
            part = np.ascontiguousarray(sound[:, first : first + 4800] * 32767).astype(np.int16)
            frame = av.AudioFrame.from_ndarray(part, format="s16", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 48000, first, Fraction(1, 48000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    # An encoder may join its input, so the hole is made afterwards, by moving the second half of the packets.
    moved = tmp_path / "moved.mka"
    with av.open(path) as source, av.open(moved, "w") as container:
        track = source.streams.audio[0]
        copy = container.add_stream_from_template(track)
        for packet in source.demux(track):
            if packet.dts is None or packet.pts is None:
                continue
            if packet.pts * track.time_base > 0.5:
                packet.pts += 400
                packet.dts += 400
            packet.stream = copy
            container.mux(packet)
    assert click_time(load_waveform(moved)) == pytest.approx(click_time(load_waveform(path)) + 0.4, abs=0.003)


def test_damaged_packets_are_skipped_with_a_warning_and_the_rest_stays_in_sync(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "damaged.m4a"
    write_sound(path, "aac", "fltp", click_track(44100, 1), 44100)
    data = bytearray(path.read_bytes())
    with av.open(path) as container:
        packets = [packet for packet in container.demux(audio=0) if packet.pos is not None]
        for packet in packets[10:14]:
            assert packet.pos is not None
            data[packet.pos : packet.pos + packet.size] = b"\xff" * packet.size
    path.write_bytes(data)
    with caplog.at_level(logging.WARNING):
        waveform = load_waveform(path)
    assert "damaged audio packets" in caplog.text
    assert click_time(waveform) == pytest.approx(CLICK_AT, abs=0.003)


def test_stereo_is_averaged(tmp_path: Path) -> None:
    path = tmp_path / "sides.wav"
    tone = click_track(16000, 1)[0]
    write_sound(path, "pcm_f32le", "flt", np.stack([tone, np.zeros_like(tone)]), 16000)
    np.testing.assert_allclose(load_waveform(path).samples, tone / 2, atol=1e-6)


@pytest.mark.skipif(int(av.__version__.split(".")[0]) < 18, reason="PyAV before 18 cannot weigh channels")
def test_six_channels_are_mixed_without_clipping(tmp_path: Path) -> None:
    path = tmp_path / "cinema.wav"
    write_sound(path, "pcm_s16le", "s16", click_track(16000, 6), 16000)
    assert sound_info(path).channels == 6
    blocks = np.concatenate(list(sound_blocks(path, 16000, 2)), axis=1)
    assert 0.5 < np.abs(blocks).max() <= 1


def test_peaks_beyond_full_scale_are_clipped_and_the_rest_keeps_its_level(tmp_path: Path) -> None:
    path = tmp_path / "loud.wav"
    sound = 5 * click_track(16000, 1)
    write_sound(path, "pcm_f32le", "flt", sound, 16000)
    assert np.array_equal(np.concatenate(list(mono_blocks(path))), sound[0].clip(-1, 1))


@pytest.mark.parametrize(("rate", "channels"), [(8000, 1), (44100, 2)])
def test_blocks_join_to_the_whole_sound_and_are_small(tmp_path: Path, rate: int, channels: int) -> None:
    path = tmp_path / "long.flac"
    write_sound(path, "flac", "s16", np.tile(click_track(rate, channels), 20), rate)
    blocks = list(mono_blocks(path))
    assert all(block.dtype == np.float32 and block.ndim == 1 and 0 < len(block) <= 16000 for block in blocks)
    whole = np.concatenate(blocks)
    assert np.array_equal(whole, load_waveform(path).samples)
    assert len(whole) / 16000 == pytest.approx(20 * SECONDS, abs=1e-3)
    assert click_time(Waveform(whole[-24000:], 16000)) == pytest.approx(CLICK_AT, abs=0.003)


def test_ten_minutes_of_sound_are_read_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(16000)
        for _ in range(600):
            file.writeframesraw(bytes(64000))
    tracemalloc.start()
    try:
        seconds = sum(len(block) for block in mono_blocks(path)) / 16000
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert seconds == 600
    assert peak < 2e6, "bytes: the whole sound takes 38 million"


@pytest.mark.parametrize("rate", [16000, 22050])
def test_a_sound_in_memory_comes_in_blocks_too(rate: int) -> None:
    sound = Waveform(click_track(rate, 1)[0], rate)
    whole = np.concatenate(list(mono_blocks(sound)))
    assert np.array_equal(whole, resample(sound, 16000).samples)
    assert estimated_seconds(sound) == sound.seconds


def test_an_empty_sound_in_memory_is_refused() -> None:
    with pytest.raises(AudioError, match="empty"):
        next(mono_blocks(Waveform(np.zeros(0, np.float32), 16000)))


@pytest.mark.parametrize(("ending", "codec", "sample_format", "tolerance"), KINDS)
def test_the_length_of_a_file_is_estimated_without_decoding_it(
    tmp_path: Path, ending: str, codec: str, sample_format: str, tolerance: float
) -> None:
    path = tmp_path / f"sound.{ending}"
    film = ending == "mp4"
    write_sound(path, codec, sample_format, click_track(48000, 1), 48000, 0.5 * film, picture=film)
    assert estimated_seconds(path) == pytest.approx(load_waveform(path).seconds, abs=0.06)


def test_a_missing_file_says_so_by_name(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"^nowhere\.wav: no such file"):
        load_waveform(tmp_path / "nowhere.wav")


def test_a_folder_is_no_sound(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="is a folder"):
        load_waveform(tmp_path)


@pytest.mark.parametrize("content", [b"", b"This is a letter, not a song.\n" * 50, bytes(5000)])
def test_a_file_that_is_no_media_says_so_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "letter.mp3"
    path.write_bytes(content)
    with pytest.raises(AudioError, match=r"^letter\.mp3: ") as caught:
        load_waveform(path)
    assert "\n" not in str(caught.value)


def test_a_silent_film_has_no_audio_track(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    with av.open(path, "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8))))
        container.mux(stream.encode(None))
    with pytest.raises(AudioError, match=r"^film\.mp4: no audio track"):
        load_waveform(path)


def test_a_sound_file_without_samples_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "empty.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
    with pytest.raises(AudioError, match=r"^empty\.wav: .*empty"):
        load_waveform(path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_samples_that_are_not_finite_are_refused(tmp_path: Path, value: float) -> None:
    path = tmp_path / "broken.wav"
    sound = click_track(48000, 1)
    sound[0, 30000] = value
    write_sound(path, "pcm_f32le", "flt", sound, 48000)
    with pytest.raises(AudioError, match=r"^broken\.wav: .*not finite"):
        load_waveform(path)
