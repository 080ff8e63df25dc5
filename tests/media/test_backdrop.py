"""What a person can be shown before."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rhapsode.errors import OptionsError
from rhapsode.media.backdrop import backdrop, check_background, is_file


@pytest.mark.parametrize(
    ("name", "colour"), [("white", (255, 255, 255)), ("#204060", (32, 64, 96)), ("#f00", (255, 0, 0))]
)
def test_a_colour_fills_the_frame(name: str, colour: tuple[int, int, int]) -> None:
    made = backdrop(name, 5, 3)
    assert made.shape == (3, 5, 3) and (made == colour).all()
    assert not is_file(name)


def test_a_picture_fills_the_frame_and_is_cut_at_its_sides(tmp_path: Path) -> None:
    wide = np.zeros((40, 120, 3), np.uint8)
    wide[:, 40:80] = 200
    Image.fromarray(wide).save(tmp_path / "wall.png")
    made = backdrop(str(tmp_path / "wall.png"), 80, 80)
    assert made.shape == (80, 80, 3)
    assert (made[:, 8:72] > 190).all()


def test_what_is_no_background_is_refused(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("no picture")
    for wrong in ("bluish", str(tmp_path / "gone.png"), "#12345678"):
        with pytest.raises(OptionsError, match="no such colour"):
            check_background(wrong)
    with pytest.raises(OptionsError, match="note"):
        backdrop(str(tmp_path / "note.txt"), 8, 8)
    for word in ("keep", "transparent", "navy"):
        check_background(word)
