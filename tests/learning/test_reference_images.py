from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from tests.made_up import made_up_generator, made_up_style

from rhapsode import cli
from rhapsode.learning.reference_images import draw_sheet, sharpness_of
from rhapsode.style.file import PICTURES
from rhapsode.style.library import StyleLibrary
from rhapsode.style.references import clear_frames, key_motions, reference_distances
from rhapsode.style.style import Style


def flat(frames: np.ndarray) -> np.ndarray:
    return np.zeros(len(frames))


def test_references_are_distinct_even_where_one_frame_is_like_all() -> None:
    distances = np.ones((4, 60))
    distances[:, 30] = 0.1
    frames = clear_frames(distances, np.zeros(60), flat)
    assert frames[0] == 30 and np.diff(np.sort(frames)).min() > 4


def test_of_frames_equally_like_a_key_motion_the_sharpest_is_taken() -> None:
    distances = np.full((4, 400), 1.0)
    for motion in range(4):
        distances[motion, 100 * motion : 100 * motion + 10] = 0.2
    frames = clear_frames(distances, np.zeros(400), lambda numbers: (numbers % 100 == 7).astype(float))
    assert list(frames) == [7, 107, 207, 307]


def test_a_turned_head_is_passed_over_for_one_seen_from_the_front() -> None:
    distances, turned = np.full((4, 400), 1.0), np.zeros(400)
    for motion in range(4):
        distances[motion, 100 * motion + 20] = 0.1
        distances[motion, 100 * motion + 60] = 0.3
        turned[100 * motion + 20] = 0.5
    assert list(clear_frames(distances, turned, flat)) == [60, 160, 260, 360]


def test_the_distance_of_a_template_from_itself_is_nothing() -> None:
    templates = key_motions()
    distances = reference_distances(templates, templates)
    reach = np.sqrt(np.square(templates[1:, 48:]).sum((1, 2)).mean())
    assert distances.argmin(1).tolist() == [0, 1, 2, 3] and reach > 0


def test_blur_makes_a_picture_less_sharp() -> None:
    sharp = np.random.default_rng(0).integers(0, 256, (128, 128, 3)).astype(np.uint8)
    blurred = np.asarray(Image.fromarray(sharp).resize((32, 32)).resize((128, 128)))
    assert sharpness_of(blurred) < 0.5 * sharpness_of(sharp)


def test_pictures_are_kept_in_a_style_only_where_there_are_some(tmp_path: Path) -> None:
    style = made_up_style("seen", made_up_generator().to_numpy())
    style.save(tmp_path / "plain.safetensors")
    assert Style.load(tmp_path / "plain.safetensors").pictures is None
    pictures = np.random.default_rng(0).integers(0, 256, PICTURES).astype(np.uint8)
    made_up_style("seen", made_up_generator().to_numpy(), pictures=pictures).save(tmp_path / "seen.safetensors")
    again = Style.load(tmp_path / "seen.safetensors").pictures
    assert again is not None and np.array_equal(again, pictures)


def test_the_sheet_shows_templates_and_references_and_what_else_there_is(tmp_path: Path) -> None:
    pictures = np.full(PICTURES, 200, np.uint8)
    style = made_up_style("seen", made_up_generator().to_numpy(), pictures=pictures)
    sizes = []
    for number, patterns in enumerate((None, np.zeros((4, 64, 64, 3), np.uint8))):
        draw_sheet(style, patterns, tmp_path / f"{number}.png")
        with Image.open(tmp_path / f"{number}.png") as sheet:
            sizes.append(sheet.size)
    assert sizes[1][0] == sizes[0][0] and sizes[1][1] == sizes[0][1] * 4 // 3
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.slow
def test_the_command_draws_a_shipped_style_on_a_portrait(
    astronaut: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    portrait, sheet = tmp_path / "portrait.png", tmp_path / "sheet.png"
    Image.fromarray(astronaut).save(portrait)
    name = StyleLibrary(tmp_path / "library").entries()[0].name
    call = ["styles", "show", name, "--library", str(tmp_path / "library"), "--pictures", str(sheet)]
    assert cli.main([*call, "--portrait", str(portrait)]) == 0
    assert "distances" in capsys.readouterr().out
    with Image.open(sheet) as picture:
        assert picture.height > 600
    assert cli.main(["styles", "show", name, "--portrait", str(portrait)]) == 2
