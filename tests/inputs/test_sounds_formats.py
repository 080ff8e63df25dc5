"""Sounds of every format, as programs and devices write them, whole and damaged: heard, or refused in a line."""

import struct
from pathlib import Path

import numpy as np
import pytest
from tests.inputs.sound_files import Track, write

from rhapsode.audio.agc import AutomaticGainControl
from rhapsode.audio.voice_activity import voice_activity
from rhapsode.errors import AudioError
from rhapsode.media.sound import load_waveform, opened_sound
from rhapsode.media.waveform import Waveform, resample

case = pytest.mark.case


def at(voice: np.ndarray, rate: int) -> np.ndarray:
    return resample(Waveform(voice, 48_000), rate).samples


def likeness(path: Path, voice: np.ndarray, delay: float = 0.0, late: float = 0.025) -> float:
    """Correlation of what is read with the voice, `delay` seconds on and up to `late` more: raw streams have the delay
    of their encoder."""
    wanted, found = at(voice, 16_000), load_waveform(path).samples
    first = round(16_000 * delay)
    best = 0.0
    for shift in range(first, first + round(16_000 * late)):
        heard = found[shift : shift + len(wanted)]
        best = max(best, float(np.corrcoef(wanted[: len(heard)], heard)[0, 1]))
    return best


def sound(name: str, what: str, made: str, happens: str = "heard", **options: object) -> object:
    return pytest.param(name, options, marks=case("Sounds", what, made=made, happens=happens), id=what)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        sound("a.wav", "WAV, 8 bits", "ffmpeg -c:a pcm_u8", codec="pcm_u8"),
        sound("a.wav", "WAV, 16 bits", "ffmpeg -c:a pcm_s16le"),
        sound("a.wav", "WAV, 24 bits", "ffmpeg -c:a pcm_s24le", codec="pcm_s24le"),
        sound("a.wav", "WAV, 32 bits", "ffmpeg -c:a pcm_s32le", codec="pcm_s32le"),
        sound("a.wav", "WAV, floats of 32 bits", "ffmpeg -c:a pcm_f32le", codec="pcm_f32le"),
        sound("a.wav", "WAV, floats of 64 bits", "ffmpeg -c:a pcm_f64le", codec="pcm_f64le"),
        sound("a.wav", "WAV, A-law, of telephones", "ffmpeg -ar 8000 -c:a pcm_alaw", codec="pcm_alaw", rate=8000),
        sound("a.wav", "WAV, mu-law, of telephones", "ffmpeg -ar 8000 -c:a pcm_mulaw", codec="pcm_mulaw", rate=8000),
        sound("a.wav", "WAV, ADPCM of Microsoft", "ffmpeg -c:a adpcm_ms", codec="adpcm_ms"),
        sound("a.wav", "WAV, ADPCM of IMA", "ffmpeg -c:a adpcm_ima_wav", codec="adpcm_ima_wav"),
        sound("a.wav", "RF64, of files beyond 4 GB", "ffmpeg -rf64 always", rf64="always"),
        sound("a.w64", "W64, of Sony", "ffmpeg voice.w64"),
        sound("a.aiff", "AIFF", "ffmpeg voice.aiff", codec="pcm_s16be"),
        sound("a.caf", "CAF, of Apple", "ffmpeg voice.caf"),
        sound("a.au", "AU, of Sun", "ffmpeg voice.au", codec="pcm_s16be"),
        sound("a.flac", "FLAC", "ffmpeg voice.flac", codec="flac"),
        sound("a.m4a", "ALAC", "ffmpeg -c:a alac voice.m4a", codec="alac"),
        sound("a.m4a", "AAC in M4A", "ffmpeg -c:a aac voice.m4a", codec="aac"),
        sound("a.aac", "AAC without a container", "ffmpeg voice.aac", codec="aac"),
        sound("a.mp3", "MP3", "ffmpeg voice.mp3", codec="libmp3lame"),
        sound("a.mp3", "MP3 without the header that tells its length", "ffmpeg -write_xing 0", codec="libmp3lame",
              write_xing="0"),
        sound("a.opus", "Opus", "ffmpeg -c:a libopus voice.opus", codec="libopus"),
        sound("a.webm", "Opus in WebM, of browsers", "MediaRecorder; ffmpeg -c:a libopus voice.webm", codec="libopus"),
        sound("a.oga", "FLAC in Ogg", "ffmpeg -c:a flac voice.oga", codec="flac"),
        sound("a.mka", "Matroska", "ffmpeg -c:a flac voice.mka", codec="flac"),
        sound("a.ac3", "AC-3, of discs", "ffmpeg voice.ac3", codec="ac3"),
        sound("a.ts", "MPEG transport stream, of television", "ffmpeg -c:a mp2 voice.ts", codec="mp2"),
        sound("a.mp4", "A video, MP4", "ffmpeg -i film.y4m -i voice.wav film.mp4", codec="aac", picture=True),
        sound("a.mov", "A video, QuickTime", "ffmpeg -i film.y4m -i voice.wav film.mov", codec="aac", picture=True),
        sound("a.mkv", "A video, Matroska", "ffmpeg -i film.y4m -i voice.wav film.mkv", codec="flac", picture=True),
        sound("a.wav", "8 kHz", "ffmpeg -ar 8000", rate=8000),
        sound("a.wav", "11.025 kHz", "ffmpeg -ar 11025", rate=11_025),
        sound("a.wav", "96 kHz", "ffmpeg -ar 96000", rate=96_000),
        sound("a.wav", "192 kHz", "ffmpeg -ar 192000", rate=192_000),
        sound("a.mp3", "A sound with the ending of another format", "mv voice.flac voice.mp3",
              "heard: the content counts", codec="flac", format="flac"),
        sound("voice", "A sound without an ending", "mv voice.wav voice", format="wav"),
    ],
)  # fmt: skip
def test_a_sound_is_heard(tmp_path: Path, voice: np.ndarray, name: str, options: dict) -> None:
    given = dict(options)
    codec, rate = given.pop("codec", "pcm_s16le"), given.pop("rate", 48_000)
    path = write(tmp_path / name, Track(at(voice, rate)[None], rate, codec), **given)
    assert likeness(path, voice) > 0.95
    # Formats without a stated end keep the filling of their last packet.
    assert load_waveform(path).seconds == pytest.approx(len(voice) / 48_000, abs=0.06)


@case("Sounds", "MP3 with a cover picture and tags", made="id3v2 with APIC", happens="heard")
def test_a_song_with_a_cover(tmp_path: Path, voice: np.ndarray) -> None:
    path = write(tmp_path / "song.mp3", Track(voice[None], 48_000, "libmp3lame"))
    picture = b"\x00image/png\x00\x03\x00" + b"\x89PNG\r\n\x1a\n" + bytes(5000)
    frame = b"APIC" + struct.pack(">I", len(picture)) + b"\x00\x00" + picture
    size = bytes(len(frame) >> shift & 127 for shift in (21, 14, 7, 0))
    path.write_bytes(b"ID3\x03\x00\x00" + size + frame + path.read_bytes())
    assert likeness(path, voice) > 0.95


@case("Sounds", "Sound that begins after the picture", made="ffmpeg -itsoffset 0.3 -i voice.wav -i film.y4m film.mp4",
      happens="silence first: lips stay in step with the picture")  # fmt: skip
def test_a_late_sound(tmp_path: Path, voice: np.ndarray) -> None:
    path = write(tmp_path / "late.mp4", Track(voice[None], 48_000, "aac", start=0.3), picture=True)
    assert likeness(path, voice, delay=0.297, late=0.006) > 0.95


@case("Sounds", "A rate that changes on the way", made="cat one.aac two.aac, of 48 and 16 kHz", happens="heard on")
def test_another_rate_on_the_way(tmp_path: Path, voice: np.ndarray) -> None:
    parts = [
        write(tmp_path / f"{rate}.aac", Track(at(voice, rate)[None], rate, "aac")).read_bytes()
        for rate in (48_000, 16_000)
    ]
    (tmp_path / "both.aac").write_bytes(b"".join(parts))
    assert load_waveform(tmp_path / "both.aac").seconds == pytest.approx(2 * len(voice) / 48_000, abs=0.2)


@pytest.mark.parametrize(
    "stated",
    [
        pytest.param(0, marks=case("Sounds", "WAV that states no length", made="ffmpeg -f wav - | cat > voice.wav",
                                   happens="heard to its end")),
        pytest.param(2**32 - 1, marks=case("Sounds", "WAV that states the greatest length",
                                           made="sox -t wav - | cat > voice.wav", happens="heard to its end")),
        pytest.param(10**7, marks=case("Sounds", "WAV that is shorter than it states", made="head -c 40000 long.wav",
                                       happens="what is there is heard")),
    ],
)  # fmt: skip
def test_a_wrong_length_in_the_header(tmp_path: Path, voice: np.ndarray, stated: int) -> None:
    path = write(tmp_path / "a.wav", Track(voice[None], 48_000))
    data = bytearray(path.read_bytes())
    place = data.index(b"data") + 4
    data[place : place + 4] = struct.pack("<I", stated)
    path.write_bytes(data)
    assert likeness(path, voice) > 0.95
    assert load_waveform(path).seconds == pytest.approx(len(voice) / 48_000, abs=0.01)


@pytest.mark.parametrize(
    ("name", "codec"),
    [
        pytest.param("a.wav", "pcm_s16le", marks=case("Sounds", "WAV cut short", made="head -c 50%",
                                                      happens="what is there is heard")),
        pytest.param("a.flac", "flac", marks=case("Sounds", "FLAC cut short", made="head -c 50%",
                                                  happens="what is there is heard")),
        pytest.param("a.mp3", "libmp3lame", marks=case("Sounds", "MP3 cut short", made="head -c 50%",
                                                       happens="what is there is heard")),
        pytest.param("a.ogg", "libopus", marks=case("Sounds", "Ogg cut short", made="head -c 70%",
                                                      happens="what is there is heard")),
    ],
)  # fmt: skip
def test_a_file_cut_short(tmp_path: Path, voice: np.ndarray, name: str, codec: str) -> None:
    path = write(tmp_path / name, Track(np.tile(voice, 3)[None], 48_000, codec))
    data = path.read_bytes()
    path.write_bytes(data[: round(len(data) * 0.7)])
    assert 0.7 < load_waveform(path).seconds < 2.9 * len(voice) / 48_000
    assert likeness(path, voice) > 0.95


@pytest.mark.parametrize(
    ("change", "happens"),
    [
        pytest.param(lambda voice: 0.02 * voice, "heard", marks=case(
            "Sounds", "A quiet recording, its peak at -40 dB", made="ffmpeg -af volume=-34dB",
            happens="raised, and heard")),
        pytest.param(lambda voice: (20 * voice).clip(-1, 1), "heard", marks=case(
            "Sounds", "A clipped recording", made="ffmpeg -af volume=26dB", happens="heard")),
        pytest.param(lambda voice: 0.3 * voice + 0.4, "heard", marks=case(
            "Sounds", "A recording off centre", made="ffmpeg -af dcshift=0.4", happens="heard")),
        pytest.param(lambda voice: 20 * voice, "heard", marks=case(
            "Sounds", "Floats beyond full scale", made="ffmpeg -af volume=26dB -c:a pcm_f32le",
            happens="clipped, and heard")),
    ],
)  # fmt: skip
def test_levels(tmp_path: Path, voice: np.ndarray, change, happens: str) -> None:  # type: ignore[no-untyped-def]
    path = write(tmp_path / "a.wav", Track(change(voice)[None], 48_000, "pcm_f32le"))
    samples = load_waveform(path).samples
    assert np.abs(samples).max() <= 1
    assert voice_activity(AutomaticGainControl().push(samples)).mean() > 0.4, happens


@pytest.mark.parametrize(
    ("value", "words"),
    [
        pytest.param(np.nan, "not finite", marks=case(
            "Sounds", "Floats that are no numbers", made="samples[100] = nan", happens="refused")),
        pytest.param(np.inf, "not finite", marks=case(
            "Sounds", "Floats without end", made="samples[100] = inf", happens="refused")),
        pytest.param(12_000.0, "times full scale", marks=case(
            "Sounds", "Whole numbers stored as floats", made="int16.astype('<f4') in a WAV of floats",
            happens="refused: scale them")),
    ],
)  # fmt: skip
def test_samples_that_are_no_sound(tmp_path: Path, voice: np.ndarray, value: float, words: str) -> None:
    broken = voice.copy()
    broken[9000:9100] = value
    path = tmp_path / "a.wav"
    data = broken.astype("<f4").tobytes()
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 3, 1, 48_000, 192_000, 4, 32)
    header = struct.pack("<4sI4s", b"RIFF", 36 + len(data), b"WAVE") + form + struct.pack("<4sI", b"data", len(data))
    path.write_bytes(header + data)
    with pytest.raises(AudioError, match=rf"^a\.wav: .*{words}"):
        load_waveform(path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param(b"", "empty", marks=case("Sounds", "A file of no bytes", made="touch a.wav", happens="refused")),
        pytest.param(b"Dear friend,\n" * 40, "not a sound", marks=case(
            "Sounds", "A text named .wav", made="cp letter.txt a.wav", happens="refused")),
        pytest.param(b"\x89PNG\r\n\x1a\n" + bytes(600), "", marks=case(
            "Sounds", "A picture named .wav", made="cp photo.png a.wav", happens="refused")),
        pytest.param(b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\x01\0\x01\0\x80\xbb\0\0\0\x77\x01\0\x02\0\x10\0data\0\0\0\0",
                     "empty", marks=case("Sounds", "WAV without samples", made="ffmpeg -t 0", happens="refused")),
        pytest.param(b"RIFF\x24\0\0\0WAVE", "", marks=case(
            "Sounds", "WAV cut within its header", made="head -c 12", happens="refused")),
    ],
)  # fmt: skip
def test_what_is_no_sound_is_refused_in_a_line(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(content)
    with pytest.raises(AudioError, match=rf"^a\.wav: .*{words}") as caught:
        opened_sound(path)
    assert "\n" not in str(caught.value)
    assert caught.value.remedy


@case("Sounds", "M4A cut short, its index lost", made="head -c 50%", happens="refused")
def test_a_file_without_its_index(tmp_path: Path, voice: np.ndarray) -> None:
    path = write(tmp_path / "a.m4a", Track(voice[None], 48_000, "aac"))
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(AudioError, match=r"^a\.m4a: not a sound"):
        opened_sound(path)
