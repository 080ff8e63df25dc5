"""Sizes and rates: what players get, read back from the file."""

from fractions import Fraction
from itertools import repeat
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from skimage import data
from tests.bench import Bench, hum, write_sound

from rhapsode.media.levels import too_high_level
from rhapsode.media.writer import write_video

case = pytest.mark.case


def read(path: Path) -> tuple[int, int, str, int, Fraction]:
    """Width, height, profile, ten times the level, and frames a second, as they stand in the file."""
    with av.open(path) as container:
        (video,) = container.streams.video
        assert video.codec_context.pix_fmt == "yuv420p"
        next(container.decode(video))  # it is a picture, not only a header
        # In the header: configuration version, profile, compatible profiles, level.
        assert video.codec_context.extradata is not None and video.codec_context.profile is not None
        level = video.codec_context.extradata[3]
        assert video.average_rate is not None
        return video.width, video.height, video.codec_context.profile, level, Fraction(video.average_rate)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        pytest.param({"size": 64, "fps": 5}, (64, 64, "High", 10, 5), marks=case(
            "Outputs", "The smallest video", made="--size 64", happens="64 pixels, H.264 High at level 1")),
        pytest.param({"size": 99, "fps": 5}, (100, 100, "High", 10, 5), marks=case(
            "Outputs", "An odd size", made="--size 99", happens="100 x 100: H.264 wants even numbers")),
        pytest.param({"size": 128, "fps": 240}, (128, 128, "High", 21, 240), marks=case(
            "Outputs", "The highest rate", made="--fps 240", happens="240 frames a second, level 2.1 at 128 pixels")),
        pytest.param({"size": 128, "fps": 1}, (128, 128, "High", 10, 1), marks=case(
            "Outputs", "The lowest rate", made="--fps 1", happens="1 frame a second")),
        pytest.param({"size": 128, "fps": 23.976}, (128, 128, "High", 11, Fraction(24000, 1001)), marks=case(
            "Outputs", "A rate of films and television", made="--fps 23.976", happens="exactly 24000/1001")),
    ],
)  # fmt: skip
def test_what_is_asked_for_stands_in_the_file(
    bench: Bench, options: dict[str, float], expected: tuple[int, int, str, int, Fraction]
) -> None:
    # The face alone: at least 24 pixels between the eyes, however small the video.
    Image.fromarray(data.astronaut()[40:180, 155:295]).save(bench.portrait)
    write_sound(bench.speech, hum(0.1))
    assert bench.animate(**options).code == 0
    found = read(bench.out)
    assert found[:3] == expected[:3]
    assert found[3] <= expected[3]
    assert found[4] == expected[4]


@pytest.mark.parametrize(
    ("size", "fps"),
    [
        pytest.param((1920, 1080), 240, marks=case(
            "Outputs", "1080p at 240 frames a second", made="--size 1920 --fps 240", happens="H.264 level 5.2")),
        pytest.param((4096, 2160), 60, marks=case(
            "Outputs", "4096 x 2160 at 60 frames a second", made="--size 4096 --fps 60", happens="H.264 level 5.2")),
    ],
)  # fmt: skip
def test_the_largest_that_players_take(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, size: tuple[int, int], fps: int
) -> None:
    frame = np.full((size[1], size[0], 3), 120, np.uint8)
    write_video(repeat(frame, 2), tmp_path / "out.mp4", fps)
    assert read(tmp_path / "out.mp4")[:4] == (*size, "High", 52)
    assert not caplog.records


@case("Outputs", "4096 x 4096 at 60 frames a second", made="--size 4096 --fps 60, of a square picture",
      happens="works; a warning names the level, 6, and sizes and rates that players take")  # fmt: skip
def test_more_than_players_take_is_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    frame = np.full((4096, 4096, 3), 120, np.uint8)
    write_video(repeat(frame, 1), tmp_path / "out.mp4", 60)
    assert read(tmp_path / "out.mp4")[3] == 60
    (record,) = caplog.records
    assert "level 6, and many players end at 5.2; choose a longest side of at most 2944 pixels" in record.message


def test_what_the_warning_advises_is_within_the_level() -> None:
    for width, height, fps in ((4096, 4096, 60), (4096, 2304, 60), (4090, 2730, 25), (2048, 2048, 240)):
        said = too_high_level(width, height, Fraction(fps))
        longest = int(said.partition("at most ")[2].split()[0])
        smaller = longest / max(width, height)
        assert longest > 1400
        assert not too_high_level(round(width * smaller), round(height * smaller), Fraction(fps)), said
        if ", or at most " in said:
            slower = int(said.partition(", or at most ")[2].split()[0])
            assert not too_high_level(width, height, Fraction(slower))
            assert too_high_level(width, height, Fraction(slower + 1))
    assert not too_high_level(512, 512, Fraction(25))
