import numpy as np
import pytest

from rhapsode.face.geometry import mean_face
from rhapsode.face.landmarks import EYES
from rhapsode.face.mouth import lip_opening, lip_openings
from rhapsode.motion.retarget import CLOSURE, GAPE, close_as, lips_together, retarget


def _open_mouth(by: float) -> np.ndarray:
    offsets = np.zeros((68, 3))
    offsets[[61, 62, 63], 1] -= 0.3 * by
    offsets[[65, 66, 67], 1] += 0.7 * by
    return offsets


@pytest.fixture
def smiling() -> np.ndarray:
    """A face that bares its teeth, lips 0.12 apart and corners drawn out."""
    face = mean_face() + _open_mouth(0.12)
    face[[48, 60], 0] -= 0.08
    face[[54, 64], 0] += 0.08
    return face


def test_silence_leaves_the_portrait_as_it_is(smiling: np.ndarray) -> None:
    moving = np.repeat(_open_mouth(0.1)[None], 5, axis=0)
    assert (retarget(moving, np.zeros(5), smiling) == 0).all()


def test_lips_meet_where_speech_closes_them_even_on_an_open_smile(smiling: np.ndarray) -> None:
    closed = smiling + retarget(np.zeros((1, 68, 3)), np.ones(1), smiling)[0]
    assert np.abs(lip_openings(closed)).max() < 1e-6
    nearly = smiling + retarget(_open_mouth(0.015)[None], np.ones(1), smiling)[0]
    assert np.abs(lip_openings(nearly)).max() < 1e-6


def test_an_open_smile_does_not_over_open(smiling: np.ndarray) -> None:
    spoken = _open_mouth(0.2)[None]
    on_smile = smiling + retarget(spoken, np.ones(1), smiling)[0]
    rest = mean_face()
    on_rest = rest + retarget(spoken, np.ones(1), rest)[0]
    assert np.abs(lip_openings(on_smile) - lip_openings(on_rest)).max() < 1e-6


def test_a_smile_keeps_its_corners(smiling: np.ndarray) -> None:
    offsets = retarget(_open_mouth(0.2)[None], np.ones(1), smiling)[0]
    assert np.abs(offsets[[48, 54, 60, 64]]).max() < 1e-6


def test_who_has_begun_to_speak_does_not_gape_in_pauses() -> None:
    gaping, nothing, silence = mean_face() + _open_mouth(0.3), np.zeros((1, 68, 3)), np.zeros(1)
    before, after = (gaping + retarget(nothing, silence, gaping, begun=begun)[0] for begun in (0.0, 1.0))
    assert lip_opening(before) == pytest.approx(lip_opening(gaping))
    assert 0 < lip_opening(after) < 0.3 * GAPE


def test_a_smile_that_bares_teeth_comes_back_in_pauses(smiling: np.ndarray) -> None:
    assert np.abs(retarget(np.zeros((1, 68, 3)), np.zeros(1), smiling, begun=1.0)).max() < 0.02


def test_the_gain_scales_the_mouth_and_zero_stills_it() -> None:
    rest, spoken = mean_face(), _open_mouth(0.2)[None]
    one, half, none = (retarget(spoken, np.ones(1), rest, gain)[0] for gain in (1.0, 0.5, 0.0))
    assert 0.35 < lip_opening(half) / lip_opening(one) < 0.6
    assert (none == 0).all()


def test_lips_never_cross_and_eyelids_are_left_to_the_blinks() -> None:
    rng = np.random.default_rng(0)
    rest = mean_face()
    offsets = retarget(rng.normal(0, 0.1, (200, 68, 3)), rng.random(200), rest)
    assert lip_openings(rest + offsets).min() > -1e-5
    assert (offsets[:, EYES] == 0).all()


def test_lips_together_keeps_all_of_an_expression_but_the_opening() -> None:
    offsets = np.zeros((68, 3))
    offsets[17:27, 1] = -0.05
    offsets[[66, 57, 8], 1] = 0.1  # lower lip and chin
    closed = lips_together(offsets)
    np.testing.assert_allclose(lip_openings(closed), 0, atol=1e-9)
    np.testing.assert_array_equal(closed[17:27], offsets[17:27])
    assert closed[8, 1] < 0.06


@pytest.mark.parametrize("opening", [-0.02, 0.0, 0.9 * CLOSURE])
def test_lips_close_as_those_of_other_motion_do(opening: float) -> None:
    closed = close_as(_open_mouth(0.2), _open_mouth(opening))
    assert lip_openings(closed) == pytest.approx(max(opening, 0.0), abs=1e-6)
    assert (closed[[48, 54, 60, 64]] == 0).all()


def test_lips_are_let_open_where_those_of_other_motion_are(smiling: np.ndarray) -> None:
    moved = smiling - mean_face()
    assert close_as(moved, _open_mouth(0.15)) == pytest.approx(moved)
    closing = [lip_opening(close_as(moved, _open_mouth(by))) for by in np.linspace(0, 0.15, 16)]
    assert (np.diff(closing) >= 0).all()


def test_lips_never_open_for_other_motion() -> None:
    assert close_as(_open_mouth(-0.01), _open_mouth(0.015)) == pytest.approx(_open_mouth(-0.01))
