"""How units of expression move the points of a face."""

import numpy as np
import pytest

from rhapsode.face.expression_basis import expression_basis
from rhapsode.face.landmarks import MESH_TO_68
from rhapsode.face.units import UNITS


def moved(unit: str, landmark: int) -> np.ndarray:
    """Give the displacement (3,) of one of the 68 landmarks at full expression."""
    return expression_basis().landmarks[UNITS.index(unit), landmark]


@pytest.mark.parametrize(
    ("unit", "landmark", "direction"),
    [
        ("mouthSmileLeft", 54, (1, -1)),
        ("mouthSmileRight", 48, (-1, -1)),
        ("mouthFrownLeft", 54, (1, 1)),
        ("browInnerUp", 21, (0, -1)),
        ("browInnerUp", 22, (0, -1)),
        ("browDownLeft", 22, (-1, 1)),
        ("jawOpen", 57, (0, 1)),
        ("noseSneerRight", 50, (0, -1)),
        ("eyeWideLeft", 43, (0, -1)),
        ("eyeBlinkRight", 38, (0, 1)),
    ],
)
def test_a_unit_moves_the_face_its_way(unit: str, landmark: int, direction: tuple[int, int]) -> None:
    step = moved(unit, landmark)
    for axis, sign in enumerate(direction):
        if sign:
            assert sign * step[axis] > 0.01


def test_left_units_are_right_units_in_the_mirror() -> None:
    mirrored = [54, 53, 52, 51, 50, 49, 48]
    left = expression_basis().landmarks[UNITS.index("mouthSmileLeft")][48:55]
    right = expression_basis().landmarks[UNITS.index("mouthSmileRight")][mirrored] * [-1, 1, 1]
    assert np.abs(left - right).max() < 0.02


def test_the_upper_lip_stays_while_the_jaw_opens() -> None:
    assert np.abs(moved("jawOpen", 51)).max() < 0.03
    assert moved("jawOpen", 57)[1] > 0.3


def test_the_resting_face_is_like_that_of_people() -> None:
    from rhapsode.face.geometry import mean_face

    assert np.abs(expression_basis().resting[MESH_TO_68] - mean_face()).mean() < 0.06
