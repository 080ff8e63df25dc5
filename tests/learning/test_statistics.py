import numpy as np

from rhapsode.learning.statistics import optimal_transport
from rhapsode.motion.head import HeadModel


def test_optimal_transport_gives_one_set_the_mean_and_covariance_of_the_other() -> None:
    rng = np.random.default_rng(0)
    source = rng.standard_normal((5000, 4)) @ rng.standard_normal((4, 4)) + 3
    target = rng.standard_normal((3000, 4)) @ rng.standard_normal((4, 4)) - 1
    a, b = optimal_transport(source, target)
    moved = source @ a.T + b
    np.testing.assert_allclose(moved.mean(0), target.mean(0), atol=1e-9)
    np.testing.assert_allclose(np.cov(moved.T), np.cov(target.T), atol=0.02 * np.abs(np.cov(target.T)).max())


def test_optimal_transport_turns_nothing_round() -> None:
    rng = np.random.default_rng(1)
    a, _ = optimal_transport(rng.standard_normal((500, 3)), 2 * rng.standard_normal((500, 3)))
    np.testing.assert_allclose(a, a.T, atol=1e-9)
    assert (np.linalg.eigvalsh(a) > 0).all()


def test_a_head_gain_scales_each_direction_by_itself() -> None:
    from tests.made_up import made_up_generator, made_up_style

    head = HeadModel(0.3 * np.eye(5)[None], 0.01 * np.eye(5), 0.01 * np.eye(5))
    gain = np.array([2.0, 1.0, 0.5, 1.0, 1.0], np.float32)
    style = made_up_style("mine", made_up_generator().to_numpy(), head_gain=gain)
    voice = np.ones(3000)
    plain, _ = head.sample(voice, np.random.default_rng(0))
    styled, _ = style.move_head(head).sample(voice, np.random.default_rng(0))
    np.testing.assert_allclose(styled.std(0) / plain.std(0), [2.0, 1.0, 0.5], rtol=0.03)
