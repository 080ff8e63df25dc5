"""Videos of a style: the clip it was learnt from, and a portrait without it and with it."""

from dataclasses import replace
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from rhapsode.animator import Animator
from rhapsode.credentials.verifying import verify
from rhapsode.data.store import ClipStore, PreparedClip
from rhapsode.errors import VideoError
from rhapsode.evaluation.clips import RealClip
from rhapsode.evaluation.report.side_by_side import pictures
from rhapsode.evaluation.report.style_videos import FPS, STRENGTHS, Showing, style_video
from rhapsode.evaluation.report.styles import write_style_report
from rhapsode.evaluation.seen_expressions import SIZE
from rhapsode.evaluation.styled_clip import StyledClip
from rhapsode.media.encoder import SYNTHETIC_NOTICE
from rhapsode.media.reader import read_frames
from rhapsode.media.sound import load_waveform
from rhapsode.media.waveform import SAMPLE_RATE, Waveform, resample
from rhapsode.options import AnimationOptions

#: Frames of the style clip, fewer than the video has.
FEW = 6


@pytest.fixture(scope="module")
def portrait(astronaut: np.ndarray) -> np.ndarray:
    return cv2.resize(astronaut[:256, 96:352], (SIZE, SIZE), interpolation=cv2.INTER_CUBIC)


@pytest.fixture(scope="module")
def voice(sentence: Waveform) -> Waveform:
    return Waveform(sentence.samples[: sentence.rate // 2], sentence.rate)


@pytest.fixture(scope="module")
def few(clips: list[RealClip]) -> PreparedClip:
    """A few frames of a talking clip."""
    clip = clips[1].tracked
    return replace(clip, times=clip.times[20 : 20 + FEW], landmarks=clip.landmarks[20 : 20 + FEW])


@pytest.fixture(scope="module")
def made(
    few: PreparedClip,
    animator: Animator,
    portrait: np.ndarray,
    voice: Waveform,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    path = tmp_path_factory.mktemp("styles") / "happy.mp4"
    style_video(few, animator.find_style("happy"), portrait, voice, animator, path)
    return path


def _panels(frame: np.ndarray) -> list[np.ndarray]:
    """The pictures of the portrait, from left to right, without their labels."""
    return [frame[:SIZE, frame.shape[1] - n * SIZE :][:, :SIZE].astype(float) for n in (3, 2, 1)]


def test_the_portrait_speaks_without_the_style_and_with_it(
    made: Path, animator: Animator, portrait: np.ndarray, voice: Waveform
) -> None:
    style = animator.find_style("happy")
    options = [AnimationOptions(fps=FPS)]
    options += [AnimationOptions(fps=FPS, style=style, style_strength=strength) for strength in STRENGTHS]
    wanted = [list(animator.animate(portrait, voice, each)) for each in options]
    frames = [frame for _, frame in read_frames(made)]
    assert len(frames) == len(wanted[0])
    for number in (0, len(frames) - 1):
        shown, those = _panels(frames[number]), [frames[number].astype(float) for frames in wanted]
        for place, panel in enumerate(shown):
            apart = [np.abs(panel - one).mean() for one in those]
            assert int(np.argmin(apart)) == place and apart[place] < 4, (number, place, apart)


def test_the_style_clip_is_shown_over_and_over_and_not_heard(made: Path, few: PreparedClip, voice: Waveform) -> None:
    left = [frame[:SIZE, : frame.shape[1] - 3 * SIZE].astype(float) for _, frame in read_frames(made)]
    crops = [cv2.resize(one, left[0].shape[1::-1]).astype(float) for one in pictures(few, few.times)]
    assert len(left) > len(crops) == FEW
    for number, shown in enumerate(left):
        apart = [np.abs(shown - one).mean() for one in crops]
        assert apart[number % FEW] == pytest.approx(min(apart), abs=0.2), (number, apart)
    assert np.abs(crops[0] - crops[FEW // 2]).mean() > 0.5
    heard = load_waveform(made).samples
    said = resample(voice, SAMPLE_RATE).samples[: len(heard)]
    assert np.corrcoef(heard, said)[0, 1] > 0.9


def test_it_says_that_it_is_synthetic_and_signs_it(made: Path) -> None:
    with av.open(str(made)) as container:
        assert SYNTHETIC_NOTICE in container.metadata["comment"]
        assert "the leftmost panel recorded" in container.metadata["comment"]
    found = verify(made)
    assert found.valid
    assert found.inputs["style"] == "happy"
    _, frame = next(read_frames(made))
    assert all(frame[SIZE + 2 :, frame.shape[1] - n * SIZE :][:, :100].max() > 180 for n in (3, 2, 1))


def test_a_still_beside_it_is_one_of_its_frames_with_open_eyes(
    made: Path, animator: Animator, portrait: np.ndarray, voice: Waveform
) -> None:
    still = cv2.imread(str(made.with_suffix(".jpg")))
    assert still is not None
    apart = [np.abs(frame[..., ::-1].astype(float) - still).mean() for _, frame in read_frames(made)]
    motion = list(animator.animate(portrait, voice, AnimationOptions(fps=FPS)).motion())
    shown = motion[int(np.argmin(apart))]
    assert min(apart) < 4
    assert not shown.motion.lids.any()


def test_a_report_whose_video_fails_is_not_there(
    made_up_store: Path, animator: Animator, portrait: np.ndarray, tmp_path: Path
) -> None:
    picture = tmp_path / "portrait.png"
    cv2.imwrite(str(picture), portrait[..., ::-1])
    store = ClipStore.open(made_up_store)
    entry, driver = store.kept[:2]
    still = np.zeros((9, 68, 3))
    clip = StyledClip(entry, still, [driver.name], {"none": [still]}, {}, (), animator.find_style("happy"))
    with pytest.raises(VideoError, match="gone"):  # made-up clips have no recording
        write_style_report(tmp_path / "report", [clip], {}, Showing(store, (picture,), "default", 1))
    assert [path.name for path in tmp_path.iterdir()] == ["portrait.png"]
