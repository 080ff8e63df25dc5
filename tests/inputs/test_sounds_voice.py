"""Where the voice is: among channels and tracks, beside music, or nowhere."""

import wave
from pathlib import Path

import numpy as np
import pytest
from tests.bench import Bench
from tests.inputs.sound_files import Track, write

from rhapsode.animator import Animator
from rhapsode.audio.find_voice import find_voice
from rhapsode.data.tracking import track_clip
from rhapsode.errors import AudioError, OptionsError
from rhapsode.media.sound import load_waveform, mono_blocks, sound_blocks
from rhapsode.media.tracks import Take
from rhapsode.media.waveform import Waveform
from rhapsode.options import AnimationOptions
from rhapsode.portrait import Portrait

case = pytest.mark.case
RATE = 48_000


@pytest.fixture(scope="module")
def music(voice: np.ndarray) -> np.ndarray:
    """Plucked chords, as loud as the voice and as long."""
    time = np.arange(len(voice)) / RATE
    tones = sum(np.sin(2 * np.pi * pitch * time) for pitch in (220.0, 277.2, 329.6, 440.0))
    return (0.12 * tones * np.exp(-4 * (time % 0.25))).astype(np.float32)


@pytest.fixture(scope="module")
def portrait(animator: Animator, astronaut: np.ndarray) -> Portrait:
    return animator.load_portrait(astronaut[:256, 96:352])


def file(folder: Path, *channels: np.ndarray) -> Path:
    return write(folder / "a.wav", Track(np.stack(channels), RATE))


def heard(caplog: pytest.LogCaptureFixture) -> str:
    return " ".join(record.message for record in caplog.records)


@pytest.mark.parametrize(
    ("channels", "channel", "said"),
    [
        pytest.param("v", None, "", marks=case(
            "Sounds", "One channel", made="ffmpeg -ac 1", happens="drives the face")),
        pytest.param("vv", None, "", marks=case(
            "Sounds", "Two channels alike", made="ffmpeg -ac 2", happens="both drive the face")),
        pytest.param("v0", None, "", marks=case(
            "Sounds", "Voice left, nothing right", made="a recorder with one microphone", happens="heard")),
        pytest.param("vm", 0, "channel 1 (front left)", marks=case(
            "Sounds", "Voice left, music right", made="ffmpeg -filter_complex '[voice][music]amerge'",
            happens="the left drives the face, and that is said; both are heard")),
        pytest.param("mv", 1, "channel 2 (front right)", marks=case(
            "Sounds", "Music left, voice right", made="ffmpeg -filter_complex '[music][voice]amerge'",
            happens="the right drives the face, and that is said; both are heard")),
        pytest.param("v-", 0, "channel 1 (front left)", marks=case(
            "Sounds", "Channels of opposite phase", made="ffmpeg -af 'aeval=val(0)|-val(0)'",
            happens="the left drives the face, where the mix would be silent, and that is said")),
        pytest.param("mnv000", 2, "channel 3 (front center)", marks=case(
            "Sounds", "5.1, the voice in the centre", made="ffmpeg -filter_complex join=inputs=6:channel_layout=5.1",
            happens="the centre drives the face, and that is said; the mix is heard")),
        pytest.param("mnv0nm00", 2, "channel 3 (front center)", marks=case(
            "Sounds", "7.1, the voice in the centre", made="ffmpeg -filter_complex join=inputs=8:channel_layout=7.1",
            happens="the centre drives the face, and that is said; the mix is heard")),
    ],
)  # fmt: skip
def test_the_channel_of_the_voice_drives_the_face(
    tmp_path: Path, voice: np.ndarray, music: np.ndarray, caplog: pytest.LogCaptureFixture,
    channels: str, channel: int | None, said: str,
) -> None:  # fmt: skip
    sounds = {"v": voice, "-": -voice, "m": music, "n": np.roll(music, 5000), "0": np.zeros_like(voice)}
    path = file(tmp_path, *(sounds[one] for one in channels))
    take = find_voice(path)
    assert take == Take(0, channel)
    assert said in heard(caplog)
    assert bool(said) == bool(caplog.records)
    driving = np.concatenate(list(mono_blocks(path, RATE, take)))
    assert np.corrcoef(driving, voice)[0, 1] > 0.99


@pytest.mark.parametrize(
    ("tracks", "track"),
    [
        pytest.param("mv", 1, marks=case("Sounds", "Two tracks, the first is music", made="ffmpeg -map 0 -map 1",
                                         happens="the second drives the face and is heard, and that is said")),
        pytest.param("vv", 0, marks=case("Sounds", "Two tracks with voices, as languages", made="ffmpeg -map 0 -map 1",
                                         happens="the first drives the face")),
        pytest.param("0v", 1, marks=case("Sounds", "Two tracks, the first is silent", made="a screen recorder",
                                         happens="the second drives the face and is heard, and that is said")),
        pytest.param("mm", 0, marks=case("Sounds", "Two tracks, no voice on either", made="ffmpeg -map 0 -map 1",
                                         happens="the first drives the face; no voice is warned of")),
    ],
)  # fmt: skip
def test_the_track_of_the_voice_drives_the_face(
    tmp_path: Path, voice: np.ndarray, music: np.ndarray, caplog: pytest.LogCaptureFixture, tracks: str, track: int
) -> None:
    sounds = {"v": voice, "m": music, "0": np.zeros_like(voice)}
    path = write(tmp_path / "a.mka", *(Track(np.stack([sounds[one]] * 2), RATE, "flac") for one in tracks))
    assert find_voice(path) == Take(track)
    assert ("track 2 of 2" in heard(caplog)) == (track == 1)


@case("Sounds", "A film to learn from, its voice on one channel of the second track", made="ffmpeg -map 0 -map 1",
      happens="that channel is learnt from, and that is said")  # fmt: skip
def test_what_is_learnt_from(
    tmp_path: Path, voice: np.ndarray, music: np.ndarray, astronaut: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    tracks = Track(np.stack([music] * 2), RATE), Track(np.stack([music, voice]), RATE)
    face = np.ascontiguousarray(astronaut[:256, 96:352])
    film = write(tmp_path / "a.mkv", *tracks, picture=True, shown=face)
    samples = track_clip(film).arrays["samples"].astype(np.float32)
    wanted = load_waveform(film, 16_000, Take(1, 1)).samples
    count = min(len(samples), len(wanted))
    assert np.corrcoef(samples[:count], wanted[:count])[0, 1] > 0.99
    assert "the voice was found on channel 2 (front right) of track 2 of 2, which is learnt from" in heard(caplog)


@case(
    "Sounds", "A track and a channel chosen by hand", made="--track 2 --channel right", happens="these drive the face"
)
def test_by_hand(tmp_path: Path, voice: np.ndarray, caplog: pytest.LogCaptureFixture) -> None:
    path = write(tmp_path / "a.mka", *[Track(np.stack([voice, -voice]), RATE, "flac")] * 2)
    assert find_voice(path, track=2, channel="right") == Take(1, 1)
    assert find_voice(path, track=2, channel=1) == find_voice(path, track=2, channel="FL") == Take(1, 0)
    assert find_voice(path, track=1, channel="mix") == Take(0, None)
    assert not caplog.records


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param({"track": 2}, "track=2: there is no such track; choose 1 to 1", marks=case(
            "Sounds", "A track that is not there", made="--track 2", happens="refused: says how many there are")),
        pytest.param({"channel": 3}, r"channel=3: .*choose 1 \(front left\), 2 \(front right\), or mix", marks=case(
            "Sounds", "A channel that is not there", made="--channel 3", happens="refused: lists those that are")),
        pytest.param({"channel": "center"}, "channel=center: .*choose 1", marks=case(
            "Sounds", "The centre of two channels", made="--channel center", happens="refused: lists those that are")),
    ],
)  # fmt: skip
def test_what_is_not_there(tmp_path: Path, voice: np.ndarray, options: dict, words: str) -> None:
    with pytest.raises(OptionsError, match=words):
        find_voice(file(tmp_path, voice, voice), **options)


@pytest.mark.parametrize(
    "options", [{"track": 0}, {"track": "one"}, {"channel": 0}, {"channel": " "}, {"channel": 1.5}]
)
def test_tracks_and_channels_that_make_no_sense(options: dict) -> None:
    with pytest.raises(OptionsError, match="not allowed"):
        AnimationOptions(**options)


def test_options_with_a_channel_go_to_json_and_back() -> None:
    options = AnimationOptions(track=2, channel="3")
    assert options.channel == 3
    assert AnimationOptions.from_json(options.to_json()) == options


@pytest.mark.parametrize("count", [
    pytest.param(3, marks=case("Sounds", "3 channels without places", made="a WAV of 3 channels", happens="averaged")),
    pytest.param(9, marks=case("Sounds", "9 channels", made="a field recorder's WAV", happens="averaged")),
    pytest.param(16, marks=case("Sounds", "16 channels", made="a mixing desk's WAV", happens="averaged")),
])  # fmt: skip
def test_many_channels(tmp_path: Path, voice: np.ndarray, count: int) -> None:
    with wave.open(str(tmp_path / "desk.wav"), "wb") as out:
        out.setparams((count, 2, RATE, 0, "NONE", ""))
        out.writeframes(np.repeat(np.rint(voice * 32767).astype("<i2")[:, None], count, axis=1).tobytes())
    mixed = np.concatenate(list(sound_blocks(tmp_path / "desk.wav", RATE, 2)), axis=1)
    np.testing.assert_allclose(mixed, np.stack([voice, voice]), atol=1e-4)
    np.testing.assert_allclose(load_waveform(tmp_path / "desk.wav", RATE).samples, voice, atol=1e-4)
    assert find_voice(tmp_path / "desk.wav", channel=count) == Take(0, count - 1)


@case("Sounds", "7.1 in AAC", made="ffmpeg -ac 8 -c:a aac voice.m4a", happens="heard")
def test_eight_channels_of_aac(tmp_path: Path, voice: np.ndarray) -> None:
    path = write(tmp_path / "a.m4a", Track(np.stack([voice] * 8), RATE, "aac"))
    found = load_waveform(path, RATE).samples  # its end is cut to the sample
    assert len(found) == pytest.approx(len(voice), abs=50)
    assert np.corrcoef(found[: len(voice)], voice[: len(found)])[0, 1] > 0.95


@case("Sounds", "No voice at all", made="a hum, music or silence", happens="made, with one warning; voice_s is 0")
def test_no_voice_is_warned_of_once(
    animator: Animator, portrait: Portrait, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    options = AnimationOptions(fps=5)
    silence = Waveform(np.zeros(4800, np.float32), 16_000)
    facts = animator.animate(portrait, silence, options).save(tmp_path / "a.mp4")
    assert facts.voice_seconds == 0
    assert [record.code for record in caplog.records] == ["no-voice"]  # type: ignore[attr-defined]


@case("Sounds", "A recording too quiet to hear, its peak at -60 dB", made="ffmpeg -af volume=-54dB -c:a pcm_f32le",
      happens="made, with a warning that tells its level")  # fmt: skip
def test_a_voice_too_quiet(
    animator: Animator, portrait: Portrait, tmp_path: Path, voice: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(tmp_path / "a.wav", Track(0.002 * voice[None], RATE, "pcm_f32le"))
    for _ in animator.animate(portrait, path, AnimationOptions(fps=5)):
        pass
    assert "its peak is -60 dB: raise its level" in heard(caplog)


@case("Sounds", "10 ms", made="ffmpeg -t 0.01", happens="a video of one frame")
def test_the_shortest_sound(animator: Animator, portrait: Portrait, tmp_path: Path, voice: np.ndarray) -> None:
    path = file(tmp_path, voice[10_000:10_480])
    facts = animator.animate(portrait, path).save(tmp_path / "a.mp4")
    assert facts.frames == 1


@pytest.mark.parametrize(
    ("share", "said"),
    [
        pytest.param(0.5, "silence follows", marks=case(
            "Sounds", "A soundtrack shorter than the voice", made="--soundtrack song.wav",
            happens="silence follows; said")),
        pytest.param(2.0, "is cut at", marks=case(
            "Sounds", "A soundtrack longer than the voice", made="--soundtrack song.wav", happens="cut; said")),
        pytest.param(1.0, "", marks=case(
            "Sounds", "The song of a vocal stem", made="--audio stem.wav --soundtrack song.wav",
            happens="the stem drives the face, the song is heard")),
    ],
)  # fmt: skip
def test_a_soundtrack_is_heard_instead(
    animator: Animator, portrait: Portrait, tmp_path: Path, voice: np.ndarray, music: np.ndarray,
    caplog: pytest.LogCaptureFixture, share: float, said: str,
) -> None:  # fmt: skip
    count = round(share * len(voice))
    song = write(tmp_path / "song.wav", Track(np.tile(music, 2)[None, :count], RATE))
    facts = animator.animate(portrait, file(tmp_path, voice), AnimationOptions(fps=5), song).save(tmp_path / "a.mp4")
    assert facts.voice_seconds is not None and facts.voice_seconds > 0.3
    assert said in heard(caplog)
    assert bool(caplog.records) == bool(said)
    found = load_waveform(tmp_path / "a.mp4", RATE).samples
    assert len(found) / RATE == pytest.approx(facts.seconds, abs=0.03)
    length = min(count, round(facts.seconds * RATE))
    assert np.corrcoef(found[:length], np.tile(music, 2)[:length])[0, 1] > 0.95
    assert np.abs(found[length + 2000 :]).max(initial=0) < 0.01


def test_a_soundtrack_that_is_missing_is_refused_before_any_work(bench: Bench, no_work: None) -> None:
    bench.refused(bench.animate(soundtrack=bench.folder / "song.wav"), "song.wav: no such file")


@case("Sounds", "Live: samples that are no sound", made="nan, (n, 3) for 2 channels, a list, int32, 12000.0",
      happens="refused, and the session goes on")  # fmt: skip
def test_what_a_session_refuses(animator: Animator, portrait: Portrait) -> None:
    with animator.start_session(portrait, channels=2) as session:
        for bad in (
            np.full((9, 2), np.nan, np.float32), np.full((9, 2), np.inf, np.float32), np.full((9, 2), 12e3, np.float32),
            np.zeros((9, 3), np.float32), np.zeros(9, np.float32), np.zeros((9, 2, 1), np.int16),
            np.array(1.0, np.float32), np.zeros((9, 2), np.int32), np.zeros((9, 2)),
            [0, 0], None, b"abc", memoryview(np.zeros(8, np.float32).data),
        ):  # fmt: skip
            with pytest.raises(AudioError, match=r"^samples: .*;"):
                session.feed(bad)  # type: ignore[arg-type]
        assert list(session.feed(np.zeros((16_000, 2), np.float32)))


@case("Sounds", "Live: the voice on one of two channels", made="AnimationOptions(channel='right')",
      happens="it drives the face; all are given back")  # fmt: skip
def test_a_session_hears_one_channel(
    animator: Animator, portrait: Portrait, voice: np.ndarray, music: np.ndarray
) -> None:
    def opened(samples: np.ndarray, channel: str | None) -> list[bool]:
        options = AnimationOptions(fps=10, channel=channel)
        with animator.start_session(portrait, options, RATE, samples.shape[1]) as session:
            return [frame.speaking for part in (session.feed(samples), session.finish()) for frame in part]

    alone = opened(voice[:, None], None)
    assert any(alone)
    assert opened(np.stack([music, voice], axis=1), "right") == alone
    with pytest.raises(OptionsError, match="channel=3"):
        animator.start_session(portrait, AnimationOptions(channel=3), RATE, 2)
    with pytest.raises(OptionsError, match="track=2: a session has one track"):
        animator.start_session(portrait, AnimationOptions(track=2), RATE, 2)
