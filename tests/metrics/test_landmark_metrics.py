import numpy as np
import pytest

from rhapsode.face.geometry import mean_face
from rhapsode.face.landmarks import INNER_LIPS, MOUTH
from rhapsode.metrics.landmarks import (
    landmark_distance,
    lmd,
    open_area_difference,
    open_mouth_area,
    velocity_difference,
)


@pytest.fixture
def real() -> np.ndarray:
    return mean_face() + 0.01 * np.random.default_rng(0).standard_normal((50, 68, 3))


def _with_inner_lips(points: list[tuple[float, float]]) -> np.ndarray:
    face = np.zeros((1, 68, 2))
    face[0, INNER_LIPS] = points
    return face


SQUARE = [(0.0, 1.0), (0.0, 0.0), (1.0, 0.0), (2.0, 0.0), (2.0, 1.0), (2.0, 2.0), (1.0, 2.0), (0.0, 2.0)]


def test_a_motion_differs_from_itself_by_nothing(real: np.ndarray) -> None:
    for measure in (landmark_distance, lmd, velocity_difference, open_area_difference):
        assert measure(real, real) == 0


def test_a_face_moved_aside_is_as_far_away_as_it_was_moved_but_moves_and_opens_alike(real: np.ndarray) -> None:
    moved = real + np.array([0.3, 0.0, 0.4])
    assert landmark_distance(moved, real) == pytest.approx(0.5)
    assert lmd(moved, real) == pytest.approx(0.5)
    assert velocity_difference(moved, real) == pytest.approx(0)
    assert open_area_difference(moved, real) == pytest.approx(0)


def test_lmd_sees_the_mouth_alone_and_landmark_distance_the_whole_face(real: np.ndarray) -> None:
    mouth, brow = real.copy(), real.copy()
    mouth[:, MOUTH, 1] += 0.1
    brow[:, 17:37, 1] += 0.1
    assert lmd(mouth, real) == pytest.approx(0.1)
    assert lmd(brow, real) == 0
    assert landmark_distance(mouth, real) == pytest.approx(0.1 * 20 / 68)
    assert landmark_distance(brow, real) == pytest.approx(0.1 * 20 / 68)


def test_a_steady_drift_is_a_constant_difference_of_velocity(real: np.ndarray) -> None:
    drifting = real.copy()
    drifting[..., 0] += 0.02 * np.arange(len(real))[:, None]
    assert velocity_difference(drifting, real) == pytest.approx(0.02)


def test_the_open_mouth_is_the_area_between_the_inner_lips() -> None:
    assert open_mouth_area(_with_inner_lips(SQUARE)) == pytest.approx([4.0])


def test_crossed_lips_are_not_open() -> None:
    upside_down = [(x, -y) for x, y in SQUARE]
    assert open_mouth_area(_with_inner_lips(upside_down)) == pytest.approx([0.0])


def test_a_dropped_jaw_opens_the_mouth_of_the_mean_face() -> None:
    dropped = mean_face()[None].copy()
    dropped[:, 65:68, 1] += 0.1
    assert open_mouth_area(dropped)[0] > open_mouth_area(mean_face()[None])[0] + 0.01


@pytest.mark.parametrize("axes", [2, 3])
def test_flat_and_solid_landmarks_are_both_measured_in_windows(real: np.ndarray, axes: int) -> None:
    window = real[10:20, :, :axes]
    assert lmd(window + 0.1, window) == pytest.approx(0.1 * axes**0.5)
