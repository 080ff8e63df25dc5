import numpy as np
import pytest

from rhapsode.render.grid import Box, Grid, smoothstep


def test_a_linear_field_is_enlarged_exactly() -> None:
    grid = Grid.over(Box(0, 0, 53, 37), 8)
    whole = Box(0, 0, 53, 37)
    big = grid.enlarge(grid.nodes(), whole)
    x, y = np.meshgrid(np.arange(53), np.arange(37))
    assert big == pytest.approx(np.stack([x, y], -1), abs=1e-3)
    part = Box(11, 5, 30, 37)
    assert grid.enlarge(grid.nodes(), part) == pytest.approx(big[part.slices], abs=1e-4)


def test_sampling_a_linear_field_is_exact() -> None:
    grid = Grid.over(Box(3, 4, 60, 50), 6)
    points = np.random.default_rng(0).uniform(6, 48, (40, 2)).astype(np.float32)
    assert grid.sample(grid.nodes(), points) == pytest.approx(points, abs=1e-3)


def test_inversion_undoes_a_smooth_displacement() -> None:
    grid = Grid.over(Box(0, 0, 120, 100), 4)
    nodes = grid.nodes()
    bump = 9 * np.exp(-((nodes - [60, 50]) ** 2).sum(-1) / 500)
    move = np.stack([bump, -0.5 * bump], -1).astype(np.float32)
    source = grid.invert(move, nodes, 8)
    assert source + grid.sample(move, source) == pytest.approx(nodes, abs=0.05)


def test_where_a_field_folds_the_place_is_found_that_lies_nearest_to_the_start() -> None:
    grid = Grid.over(Box(0, 0, 120, 20), 4)
    nodes = grid.nodes()
    # What lies left of 60 moves right by 16, over what lies right of it.
    move = np.zeros_like(nodes)
    move[..., 0] = 16 * smoothstep((60 - nodes[..., 0]) / 8 + 0.5)
    pace = np.ones(nodes.shape[:2], np.float32)
    hidden = np.array([[[66.0, 10.0]]], np.float32)
    starts = (hidden + np.array([by, 0], np.float32) for by in (-20, 6))
    nearer, farther = (grid.search(move, pace, hidden, start, 12, 1.0) for start in starts)
    assert nearer[0, 0] == pytest.approx([50, 10], abs=0.1)
    assert farther[0, 0] == pytest.approx([66, 10], abs=0.1)


def test_boxes() -> None:
    one, other = Box(0, 0, 10, 10), Box(5, 6, 20, 8)
    assert one.intersect(other) == Box(5, 6, 10, 8)
    assert one.union(other) == Box(0, 0, 20, 10)
    assert one.intersect(Box(11, 0, 12, 5)).is_empty
    assert Box(0, 0, 0, 0).union(other) == other


def test_smoothstep_is_bounded_and_rises() -> None:
    values = smoothstep(np.linspace(-1, 2, 50))
    assert values.min() == 0
    assert values.max() == 1
    assert (np.diff(values) >= 0).all()
