"""A flow that spreads far is turned round without a fold."""

import numpy as np

from rhapsode.render.grid import Box, Grid


def test_small_steps_turn_a_field_round_that_whole_steps_do_not() -> None:
    grid = Grid.over(Box(0, 0, 80, 80), 2)
    nodes = grid.nodes()
    # Rises from 0 at y = 40 by 1.4 pixels a pixel, over ten pixels, and falls off far from there.
    height = np.clip((40 - nodes[..., 1]) / 10, 0, 1)
    field = np.zeros_like(nodes)
    field[..., 1] = -14 * height * np.clip(nodes[..., 1] / 20, 0, 1)

    def missed(iterations: int, step: float) -> float:
        source = grid.invert(field, nodes, iterations, step)
        return float(np.abs(source + grid.sample(field, source) - nodes)[20:40].max())

    assert missed(9, 0.6) < 0.5
    assert missed(9, 1.0) > 4 * missed(9, 0.6)
