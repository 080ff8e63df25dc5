"""Sound from files of every kind: length, clock, and one clear line for what cannot be read."""

import logging
import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from rhapsode.errors import AudioError
from rhapsode.media.sound import (
    Waveform,
    load_waveform,
    normalise_loudness,
    resample,
    sound_blocks,
    sound_info,
)

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


def test_a_float_file_beyond_full_scale_is_scaled_into_range(tmp_path: Path) -> None:
    path = tmp_path / "loud.wav"
    write_sound(path, "pcm_f32le", "flt", 5 * click_track(16000, 1), 16000)
    peak = np.abs(load_waveform(path).samples).max()
    assert peak == pytest.approx(1, abs=1e-6)
    assert peak <= 1


def test_a_missing_file_says_so_by_name(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match=r"^nowhere\.wav: no such file"):
        load_waveform(tmp_path / "nowhere.wav")


def test_a_folder_is_no_sound(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="no such file"):
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


@pytest.mark.parametrize("level", [0.003, 0.03, 0.3])
@pytest.mark.parametrize("seconds", [0.05, 3.0])
def test_loudness_comes_to_one_level_whatever_the_length(level: float, seconds: float) -> None:
    import pyloudnorm

    noise = np.random.default_rng(1).uniform(-level, level, round(16000 * seconds)).astype(np.float32)
    result = normalise_loudness(Waveform(noise, 16000))
    assert len(result.samples) == len(noise)
    meter = pyloudnorm.Meter(16000)
    measured = meter.integrated_loudness(np.resize(result.samples, 48000).astype(np.float64))
    assert measured == pytest.approx(-23, abs=0.7)


def test_silence_stays_silence() -> None:
    for silence in (np.zeros(16000, np.float32), np.zeros(0, np.float32), np.full(16000, 1e-6, np.float32)):
        np.testing.assert_array_equal(normalise_loudness(Waveform(silence, 16000)).samples, silence)


def test_gain_stops_at_40_db_and_where_the_peak_reaches_full_scale() -> None:
    faint = 4e-4 * np.random.default_rng(2).standard_normal(32000).clip(-3, 3).astype(np.float32)
    lifted = normalise_loudness(Waveform(faint, 16000))
    assert np.abs(lifted.samples).max() / np.abs(faint).max() == pytest.approx(100, rel=1e-3)
    spiky = np.full(32000, 0, np.float32)
    spiky[::4000] = 0.5
    assert np.abs(normalise_loudness(Waveform(spiky, 16000), target_lufs=-5).samples).max() <= 1


def test_resampling_keeps_the_click_in_place() -> None:
    sound = Waveform(click_track(22050, 1)[0], 22050)
    result = resample(sound, 16000)
    assert result.rate == 16000
    assert result.seconds == pytest.approx(sound.seconds, abs=1e-4)
    assert click_time(result) == pytest.approx(CLICK_AT, abs=0.0005)


def test_a_waveform_has_one_channel() -> None:
    with pytest.raises(AudioError, match="one channel"):
        Waveform(np.zeros((2, 10), np.float32), 16000)
