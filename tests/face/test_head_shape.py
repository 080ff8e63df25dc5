"""The head that belongs to a face."""

import numpy as np
import pytest

from rhapsode.face.expression_basis import expression_basis
from rhapsode.face.head_shape import COLUMNS, ROWS, head_shape

EARS = slice(16, 22)


@pytest.fixture(scope="module")
def mean() -> np.ndarray:
    return expression_basis().resting.astype(np.float64)


def wide(head: np.ndarray) -> float:
    return float(np.ptp(head[EARS, :, 0]))


def test_a_mean_face_has_a_head_of_human_measures(mean: np.ndarray) -> None:
    head, face = head_shape().fit(mean)
    assert head.shape == (ROWS, COLUMNS, 3)
    # The outer corners of the eyes are about 9 cm apart: a head is 17 to 20 cm wide, 20 to 24 deep, its crown 9 to 14
    # above the eyes.
    assert 1.8 < wide(head) < 2.2
    assert 2.2 < np.ptp(head[: EARS.stop, :, 2]) < 2.7
    assert 1.0 < -head[0, :, 1].mean() < 1.6
    assert np.abs(face - head_shape().face[0]).max() < 0.12


def test_both_sides_of_a_head_are_alike(mean: np.ndarray) -> None:
    head, _ = head_shape().fit(mean)
    half = COLUMNS // 2
    right, left = head[:, 1:half], head[:, :half:-1]
    assert right * [-1, 1, 1] == pytest.approx(left, abs=1e-5)


def test_a_wider_face_has_a_wider_head(mean: np.ndarray) -> None:
    broad, narrow = (head_shape().fit(mean * [by, 1, 1])[0] for by in (1.08, 0.92))
    assert wide(broad) > 1.04 * wide(narrow)


def test_a_face_that_nobody_has_still_has_a_head(mean: np.ndarray) -> None:
    head, _ = head_shape().fit(mean * [1.6, 0.6, 0.2])
    assert 1.2 < wide(head) < 3.2
