"""Measures of a mouth, on the mean face with its lips moved."""

import numpy as np
import pytest
import torch
from scipy.spatial.transform import Rotation

from rhapsode.face.geometry import mean_face
from rhapsode.face.mouth import lip_distance, lip_opening, lip_openings, mouth_shape


def with_lips_apart(amount: float) -> np.ndarray:
    """The mean face with inner lips that touch, moved apart by some canonical units."""
    face = mean_face().copy()
    face[[61, 62, 63], 1] = face[[67, 66, 65], 1] = face[[61, 62, 63, 65, 66, 67], 1].mean()
    face[[65, 66, 67], 1] += amount
    return face


def test_openings_are_signed_and_distances_are_not() -> None:
    parted, crossed = with_lips_apart(0.2), with_lips_apart(-0.1)
    np.testing.assert_allclose(lip_openings(parted), [0.2, 0.2, 0.2])
    assert lip_opening(parted) == pytest.approx(0.2) and lip_opening(crossed) == pytest.approx(-0.1)
    assert lip_distance(crossed) >= 0.1


def test_a_distance_is_the_same_whichever_way_the_head_is_turned() -> None:
    turn = Rotation.from_euler("xyz", [20, 30, 40], degrees=True).as_matrix()
    parted = with_lips_apart(0.2)
    assert lip_distance(parted @ turn.T) == pytest.approx(lip_distance(parted))


def test_a_measure_of_many_faces_is_that_of_each() -> None:
    faces = np.stack([with_lips_apart(amount) for amount in (0.0, 0.1, 0.3)])[None].repeat(2, 0)
    for measure, shape in ((lip_openings, (2, 3, 3)), (lip_opening, (2, 3)), (mouth_shape, (2, 3, 4))):
        assert measure(faces).shape == shape
        np.testing.assert_array_equal(measure(faces)[1, 2], measure(faces[1, 2]))


def test_torch_tensors_are_measured_as_arrays_are() -> None:
    faces = np.stack([with_lips_apart(amount) for amount in (0.0, 0.1)]).astype(np.float32)
    for measure in (lip_openings, lip_opening):
        np.testing.assert_array_equal(measure(torch.from_numpy(faces)).numpy(), measure(faces))


def test_mouth_shapes_tell_open_from_closed_and_wide_from_round() -> None:
    face = np.zeros((3, 68, 3))
    face[1, [65, 66, 67], 1] = 0.2
    face[2, [48, 60], 0], face[2, [54, 64], 0] = -0.3, 0.3
    closed, wide_open, spread = mouth_shape(face)
    assert wide_open[0] == pytest.approx(0.2) and closed[0] == 0
    assert spread[1] == pytest.approx(0.6) and closed[1] == 0
