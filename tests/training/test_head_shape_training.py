"""What learns a head's shape from a face model."""

import numpy as np
import pytest

from rhapsode.face.head_shape import COLUMNS, ROWS, TELLING
from rhapsode.training.head_shape import errors_of, left_at, linear


def test_a_ray_leaves_a_body_at_its_last_wall() -> None:
    wall = np.array([[-1, -1, 0], [3, -1, 0], [-1, 3, 0]], float)
    walls = wall + np.array([1, 2, -5])[:, None, None] * [0, 0, 1]
    corners = np.arange(9).reshape(3, 3)
    vertices, shares = left_at(walls, corners, np.zeros((2, 3)), np.array([[0, 0, 1.0], [0, 0.1, -1]]))
    points = np.einsum("nk,nkd->nd", shares, walls.reshape(-1, 3)[vertices])
    assert points == pytest.approx(np.array([[0, 0, 2], [0, 0.5, -5]]))


def test_heads_that_go_with_their_faces_are_told_by_them() -> None:
    rng = np.random.default_rng(0)
    x, y, z = rng.uniform(0.1, 1, (3, len(TELLING) // 2))
    side = np.stack([x, y, z], axis=-1)
    middle = np.concatenate([side, side * [-1, 1, 1], [[0, 0, 0]]])[: len(TELLING)]
    half = rng.uniform(0.1, 1, (ROWS, COLUMNS // 2 + 1, 3)) * [-1, 1, 1]
    half[:, [0, -1], 0] = 0
    sizes = rng.normal([1, 1, 1], 0.1, (60, 3))
    faces = np.zeros((60, 478, 3))
    faces[:, TELLING] = middle * sizes[:, None]
    heads = half * sizes[:, None, None]
    errors = errors_of(linear(faces[:40][:, TELLING], heads[:40], 5), faces[40:], heads[40:])
    assert errors["told"] < 0.2 * errors["mean head"]
