from pathlib import Path

import av
import numpy as np
import pytest

from rhapsode.animator import Animator
from rhapsode.credentials.verifying import verify
from rhapsode.evaluation.clips import RealClip
from rhapsode.evaluation.report.side_by_side import PictureFigures, side_by_side
from rhapsode.media.encoder import SYNTHETIC_NOTICE
from rhapsode.media.reader import probe, read_frames


@pytest.fixture(scope="module")
def made(clips: list[RealClip], animator: Animator, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("side") / "two.mp4"
    figures = side_by_side(clips[1], animator, path)
    assert isinstance(figures, PictureFigures)
    assert 0 < figures.cpbd <= 1
    assert 0 < figures.real_cpbd <= 1
    assert 0.5 < figures.ssim < 1
    assert figures.psnr > 15
    return path


def test_the_video_is_as_long_as_the_recording_and_keeps_its_sound(made: Path, clips: list[RealClip]) -> None:
    there, here = probe(clips[1].clip.path), probe(made)
    assert here.fps == there.fps
    assert here.seconds == pytest.approx(there.seconds, abs=0.1)
    assert here.has_audio


def test_the_recording_is_left_and_the_portrait_right(made: Path) -> None:
    frames = [frame.astype(float) for _, frame in read_frames(made)]
    half = frames[0].shape[1] // 2
    left = np.stack([frame[:-28, :half] for frame in frames])
    right = np.stack([frame[:-28, half:] for frame in frames])
    # Eyes blink and the head moves in the recording; beside the mouth the portrait stands still.
    assert left[:, :40].std(0).mean() > 3 * right[:, :40].std(0).mean()
    assert np.abs(left - right).mean() < 20


def test_it_says_that_it_is_synthetic_and_is_signed(made: Path) -> None:
    with av.open(str(made)) as container:
        assert SYNTHETIC_NOTICE in container.metadata["title"] + container.metadata["comment"]
    assert verify(made).valid
    _, frame = next(read_frames(made))
    strip, half = frame[-26:], frame.shape[1] // 2
    assert strip[:, half : half + 100].max() > 180
