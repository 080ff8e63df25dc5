"""What a style can be learnt from: every clip here is a real file, made by the project itself."""

import logging
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import scipy.io.wavfile
from tests.made_up import babble

from rhapsode.audio.mel import motion_frames
from rhapsode.data.tracking import track_clip
from rhapsode.errors import StyleError
from rhapsode.face.geometry import mean_face
from rhapsode.face.lasting import lasting_units
from rhapsode.face.units import UNITS
from rhapsode.learning.read_clip import longest_shot, read_neutral, read_style_clip
from rhapsode.learning.style_clip import StyleClip
from rhapsode.media.reader import read_frames
from rhapsode.media.sound import load_waveform
from rhapsode.media.waveform import Waveform
from rhapsode.media.writer import write_video

RATE = Fraction(25)


def film(frames: Iterator[np.ndarray] | list[np.ndarray], path: Path, sound: np.ndarray | None = None) -> Path:
    frames = list(frames)
    samples = babble(len(frames) / 25, 0) if sound is None else sound
    write_video(iter(frames), path, RATE, Waveform(samples, 16000))
    return path


@pytest.fixture(scope="module")
def talking(talking_clip: Path) -> list[np.ndarray]:
    return [frame for _, frame in read_frames(talking_clip)]


def test_a_talking_clip_gives_motion_in_sync_and_a_warning_that_it_is_short(
    talking_clip: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "rhapsode"):
        style_clip = read_style_clip(talking_clip)
    assert len(style_clip.expression) == motion_frames(len(style_clip.clip.samples))
    assert style_clip.seconds == pytest.approx(2.5, abs=0.3)
    assert abs(style_clip.clip.av_offset) < 0.1
    assert len(style_clip.sha256) == 64
    assert "show little" in caplog.text


def test_of_a_clip_that_is_too_long_only_the_beginning_is_looked_at(talking_clip: Path) -> None:
    arrays = track_clip(talking_clip, longest=1.0).arrays
    assert arrays["times"][-1] < 1.0
    assert len(arrays["samples"]) == 16000


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StyleError, match="no such file"):
        read_style_clip(tmp_path / "gone.mp4")


def test_a_text_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "words.mp4"
    path.write_text("not a video")
    with pytest.raises(StyleError, match=r"words\.mp4: unreadable"):
        read_style_clip(path)


def test_a_clip_of_exactly_a_second_and_a_half_will_do(
    talking: list[np.ndarray], talking_clip: Path, tmp_path: Path
) -> None:
    # 1.52 s, the least that whole frames at 25 a second give; the last frame counts.
    sound = load_waveform(talking_clip, 16000).samples[6400 : 48 * 640]
    style_clip = read_style_clip(film(talking[10:48], tmp_path / "just.mp4", sound))
    assert style_clip.seconds == pytest.approx(1.52)


def test_a_picture_that_goes_on_after_its_sound_is_learnt_from_only_while_there_is_sound(
    talking: list[np.ndarray], tmp_path: Path
) -> None:
    path = film(talking, tmp_path / "late.mp4", babble(2.0, 0))
    style_clip = read_style_clip(path)
    assert style_clip.seconds == pytest.approx(2.0, abs=0.1)
    assert len(style_clip.expression) == pytest.approx(120, abs=6)
    with pytest.raises(StyleError, match="with sound"):
        read_style_clip(film(talking, tmp_path / "brief.mp4", babble(0.6, 0)))


def test_no_face_is_held_still_where_the_sound_was_late(talking_clip: Path) -> None:
    style_clip = read_style_clip(talking_clip)
    assert style_clip.clip.times[0] == pytest.approx(0, abs=1e-3)
    assert len(style_clip.expression) / 60 == pytest.approx(style_clip.seconds, abs=0.03)


def test_a_clip_without_a_face_is_refused(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (128, 128, 3)).astype(np.uint8)
    with pytest.raises(StyleError, match="no face"):
        read_style_clip(film([np.roll(noise, n, 0) for n in range(50)], tmp_path / "noise.mp4"))


def test_a_clip_with_two_faces_is_refused(talking: list[np.ndarray], tmp_path: Path) -> None:
    with pytest.raises(StyleError, match=r"several faces.*crop"):
        read_style_clip(film([np.hstack([frame, frame]) for frame in talking], tmp_path / "two.mp4"))


def test_a_silent_clip_is_refused(talking: list[np.ndarray], tmp_path: Path) -> None:
    silence = np.zeros(int(len(talking) / 25 * 16000), np.float32)
    with pytest.raises(StyleError, match="no sound"):
        read_style_clip(film(talking, tmp_path / "silent.mp4", silence))


def test_a_clip_under_a_second_and_a_half_is_refused(talking: list[np.ndarray], tmp_path: Path) -> None:
    with pytest.raises(StyleError, match=r"too short.*1\.5 s or more"):
        read_style_clip(film(talking[:30], tmp_path / "short.mp4"))


def test_a_frozen_picture_is_refused(talking: list[np.ndarray], tmp_path: Path) -> None:
    with pytest.raises(StyleError, match="frozen"):
        read_style_clip(film([talking[0]] * 60, tmp_path / "frozen.mp4"))


def test_a_cut_to_another_picture_leaves_the_longest_shot_and_says_so(
    talking: list[np.ndarray], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    other = [np.roll(frame[:, ::-1], 40, axis=1) for frame in talking[:20]]
    with caplog.at_level(logging.WARNING, "rhapsode"):
        style_clip = read_style_clip(film(other + talking, tmp_path / "cut.mp4"))
    assert "longest shot" in caplog.text
    assert style_clip.seconds == pytest.approx((len(talking) - 1) / 25, abs=0.1)


def test_cuts_that_leave_no_shot_long_enough_are_refused(talking: list[np.ndarray], tmp_path: Path) -> None:
    other = [np.roll(frame[:, ::-1], 40, axis=1) for frame in talking]
    mixed = [(talking if n // 20 % 2 else other)[n] for n in range(len(talking))]
    with pytest.raises(StyleError, match="without a cut"):
        read_style_clip(film(mixed, tmp_path / "cuts.mp4"))


def test_a_gap_without_a_face_is_a_cut() -> None:
    times = np.concatenate([np.arange(30), np.arange(40, 60)]) / 25
    landmarks = np.repeat(mean_face()[None] * 100, 50, 0)
    assert longest_shot(times, landmarks) == (0, 30)


def test_a_head_that_turns_fast_is_no_cut() -> None:
    times = np.arange(60) / 25
    landmarks = np.repeat(mean_face()[None] * 100, 60, 0)
    landmarks[..., 0] += 60 * np.sin(times * 6)[:, None]
    assert longest_shot(times, landmarks) == (0, 60)


def test_what_lasts_is_told_against_people_and_with_a_neutral_face_against_the_person(talking_clip: Path) -> None:
    style_clip = read_style_clip(talking_clip)
    smile = UNITS.index("mouthSmileLeft")
    assert style_clip.lasting[smile] > 0.3  # the astronaut smiles all the time
    easy = lasting_units(style_clip.clip.units)
    brows = [UNITS.index("browDownLeft"), UNITS.index("browDownRight")]
    easy[brows] -= 0.25  # the neutral face holds its brows higher, so that the performance frowns
    frowning = style_clip.against(easy)
    assert frowning.lasting[brows] == pytest.approx([0.25, 0.25], abs=1e-6)
    assert frowning.lasting[smile] == pytest.approx(0, abs=1e-6)


def test_against_itself_a_clip_has_no_lasting_expression(talking_clip: Path) -> None:
    assert np.abs(read_style_clip(talking_clip, talking_clip).lasting).max() < 0.05


def test_a_neutral_picture_is_read_as_the_face_that_it_shows(talking: list[np.ndarray], tmp_path: Path) -> None:
    from PIL import Image

    Image.fromarray(talking[0]).save(tmp_path / "neutral.png")
    assert read_neutral(tmp_path / "neutral.png")[UNITS.index("mouthSmileLeft")] > 0.4  # the astronaut smiles


def test_a_neutral_picture_without_a_face_is_refused(tmp_path: Path) -> None:
    from PIL import Image

    Image.fromarray(np.zeros((64, 64, 3), np.uint8)).save(tmp_path / "black.png")
    with pytest.raises(StyleError, match="no face found"):
        read_neutral(tmp_path / "black.png")


def test_a_sound_alone_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "voice.wav"
    scipy.io.wavfile.write(path, 16000, babble(2, 0))
    with pytest.raises(StyleError, match="unreadable"):
        read_style_clip(path)


def test_a_prepared_clip_is_a_performance(made_up_store: Path) -> None:
    from rhapsode.data.store import ClipStore

    store = ClipStore.open(made_up_store)
    style_clip = StyleClip.from_prepared(store.load(store.kept[0]))
    assert style_clip.expression.shape == (120, 68, 3)
