"""Maps of furrows are learnt from pictures of people, and put together."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from rhapsode.errors import DataError
from rhapsode.face import texture
from rhapsode.face.tracker import FaceTracker
from rhapsode.face.units import UNITS
from rhapsode.training.furrow_pairs import changes_of_pairs, look_of_films, mean_look
from rhapsode.training.furrows import compose

NOTHING = np.zeros(texture.SHAPE, np.float32)


def at(shade: np.ndarray, x: float, y: float) -> float:
    column, row = np.rint(texture.to_texture(np.array([x, y]))).astype(int)
    return float(shade[row, column])


def test_the_change_between_two_pictures_of_a_person_is_found(astronaut: np.ndarray, tmp_path: Path) -> None:
    with FaceTracker() as tracker:
        cheek = tracker.detect(astronaut)[0].mesh[[50, 280], :2]  # right and left
    shade = np.ones(astronaut.shape[:2], np.float32)
    for x, y in np.rint(cheek).astype(int):
        cv2.circle(shade, (int(x), int(y)), 9, 0.8, -1)
    darker = np.rint(astronaut * cv2.GaussianBlur(shade, (0, 0), 2)[..., None]).astype(np.uint8)
    Image.fromarray(astronaut).save(tmp_path / "001_neutral.png")
    Image.fromarray(darker).save(tmp_path / "001_smiling.png")
    Image.fromarray(astronaut).save(tmp_path / "002_neutral.png")  # without a partner
    changes = changes_of_pairs(tmp_path, "neutral", "smiling")
    assert len(changes) == 1
    change = mean_look(changes).shade
    x, y = texture.resting()[280]
    assert at(change, x, y) == pytest.approx(np.log(0.8), abs=0.06)
    assert at(change, -x, y) == pytest.approx(at(change, x, y), abs=0.02)
    assert abs(at(change, 0.0, 0.1)) < 0.02


def test_folders_without_faces_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no pairs of faces"):
        changes_of_pairs(tmp_path, "neutral", "smiling")
    with pytest.raises(DataError, match="no face found"):
        look_of_films([])


def test_maps_are_mirrored_and_spare_eyes_lips_and_what_is_no_face() -> None:
    flat = NOTHING - 0.2
    maps = compose(np.stack([flat] * len(UNITS)), flat, flat, flat)
    left, right = (maps[UNITS.index(f"mouthSmile{side}")] for side in ("Left", "Right"))
    assert np.array_equal(left, right[:, ::-1])
    assert at(left, 0.35, 0.5) == pytest.approx(-0.2, abs=0.03)
    assert abs(at(left, -0.35, 0.5)) < 0.01
    for x, y in ((0.35, 0.0), (0.0, 0.72), (0.79, 0.2), (0.0, 1.33)):
        assert abs(at(left, x, y)) < 0.02


def test_lines_are_drawn_where_nothing_is_learnt() -> None:
    maps = compose(np.stack([NOTHING] * len(UNITS)), NOTHING, NOTHING, NOTHING)
    frown, raised = (maps[UNITS.index(unit)] for unit in ("browDownLeft", "browInnerUp"))
    assert at(frown, 0.055, -0.19) < -0.15
    assert at(raised, 0.0, -0.425) < -0.05
    assert abs(at(raised, 0.0, 0.3)) < 0.01
    assert not maps[UNITS.index("mouthFrownLeft")].any()
