"""The pace at which replayed speech is said while a style is learnt."""

import pytest
import torch

from rhapsode.learning.task import at_a_pace


def paces_of(length: int, frames: int, tempo: float) -> torch.Tensor:
    """Draw from a ramp, whose slope tells the pace, and check that it is never left."""
    ramp, rng = torch.arange(float(length))[:, None], torch.Generator().manual_seed(0)
    drawn = torch.stack([at_a_pace(ramp, frames, tempo, rng)[:, 0] for _ in range(50)])
    assert drawn.min() >= 0 and drawn.max() <= length - 1
    steps = drawn.diff(dim=1)
    assert torch.allclose(steps, steps[:, :1].expand_as(steps), atol=1e-3)
    return steps[:, 0]


def test_speech_is_said_faster_and_slower_up_to_the_tempo() -> None:
    paces = paces_of(300, 120, 0.4)
    assert 0.6 <= paces.min() < 0.7 and 1.3 < paces.max() <= 1.4 + 1e-4


def test_without_tempo_speech_is_as_it_was() -> None:
    assert paces_of(300, 120, 0.0).numpy() == pytest.approx(1, abs=1e-4)


def test_a_short_piece_is_said_slowly_enough_to_last() -> None:
    assert paces_of(120, 120, 0.4).max() <= 1 + 1e-4
