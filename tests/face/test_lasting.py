"""The expression that lasts in a clip."""

import numpy as np
import pytest

from rhapsode.face.expression_basis import expression_basis
from rhapsode.face.expression_network import ExpressionNetwork
from rhapsode.face.face import Face
from rhapsode.face.geometry import mean_face
from rhapsode.face.lasting import as_speaker, balanced, expressed, lasting_units, resting_units, taken_to
from rhapsode.face.units import UNITS

LEFT, RIGHT = UNITS.index("browDownLeft"), UNITS.index("browDownRight")


def units(**values: float) -> np.ndarray:
    asked = np.zeros(51, np.float32)
    for name, value in values.items():
        asked[UNITS.index(name)] = value
    return asked


def smiling_face(amount: float) -> Face:
    """Make the mean face with a smile, in pixels."""
    asked = amount * units(mouthSmileLeft=1, mouthSmileRight=1)
    mesh = expression_basis().resting + np.tensordot(asked, expression_basis().mesh, 1)
    return Face((200 * mesh + 300).astype(np.float32))


def test_brows_that_rise_with_every_phrase_last_and_blinks_do_not() -> None:
    seen = np.tile(units(browDownLeft=0.1), (100, 1))
    seen[::10, UNITS.index("eyeBlinkLeft")] = 1
    landmarks = np.tile(200 * mean_face(), (100, 1, 1))
    landmarks[40:, 65:68, 1] += 30
    seen[40:, LEFT] = 0.6
    lasting, resting = lasting_units(seen), resting_units(seen, landmarks)
    assert lasting[LEFT] == pytest.approx(0.4)
    assert resting[LEFT] == np.float32(0.1)
    assert lasting[UNITS.index("eyeBlinkLeft")] == 0


def test_a_still_is_compared_with_people_at_rest() -> None:
    network = ExpressionNetwork.load()
    assert np.abs(expressed(as_speaker(network.resting))).max() < 1e-6
    assert np.abs(network.lasting - network.resting).max() > 0.02  # words show


def test_what_neutral_people_differ_by_is_no_expression() -> None:
    network = ExpressionNetwork.load()
    assert not expressed(network.lasting).any()
    assert np.abs(expressed(network.lasting + 0.3 * network.spread)).max() < 0.1 * network.spread.max()


def test_a_slightly_crooked_face_is_straightened_and_a_wink_is_not() -> None:
    slight = balanced(units(browDownLeft=0.5, browDownRight=0.4))
    assert abs(slight[LEFT] - slight[RIGHT]) < 0.04
    one = balanced(units(browDownLeft=0.8))
    assert one[LEFT] - one[RIGHT] > 0.5


def test_a_face_that_smiles_already_is_not_made_to_smile_wider() -> None:
    asked, smile = units(mouthSmileLeft=0.5, mouthSmileRight=0.5), UNITS.index("mouthSmileLeft")
    calm, smiling = (taken_to(asked, smiling_face(amount))[smile] for amount in (0.0, 1.0))
    assert calm > 0.4
    assert smiling < 0.3 * calm


def test_a_face_is_read_as_asked() -> None:
    network, asked = ExpressionNetwork.load(), units(browInnerUp=0.4, mouthSmileLeft=0.4, mouthSmileRight=0.4)
    resting = expression_basis().resting[None]
    moved = resting + np.tensordot(taken_to(asked, smiling_face(0.0)), expression_basis().mesh, 1)
    change = network.units(moved)[0] - network.units(resting)[0]
    assert np.corrcoef(change, asked)[0, 1] > 0.7
    assert 0.6 < change @ asked / (asked @ asked) < 1.4
