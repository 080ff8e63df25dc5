import numpy as np
import torch
from tests.made_up import made_up_generator, made_up_style

from rhapsode.face.landmarks import EYES
from rhapsode.learning.statistics import LARGEST_CHANGE, optimal_transport, transported_readout
from rhapsode.models.motion_generator import MotionGenerator
from rhapsode.motion.head import HeadModel


def test_optimal_transport_gives_one_set_the_mean_and_covariance_of_the_other() -> None:
    rng = np.random.default_rng(0)
    source = rng.standard_normal((5000, 4)) @ rng.standard_normal((4, 4)) + 3
    target = rng.standard_normal((3000, 4)) @ rng.standard_normal((4, 4)) - 1
    a, b = optimal_transport(source, target, shrinkage=0)
    moved = source @ a.T + b
    np.testing.assert_allclose(moved.mean(0), target.mean(0), atol=1e-9)
    np.testing.assert_allclose(np.cov(moved.T), np.cov(target.T), atol=0.02 * np.abs(np.cov(target.T)).max())


def test_optimal_transport_turns_nothing_round() -> None:
    rng = np.random.default_rng(1)
    a, _ = optimal_transport(rng.standard_normal((500, 3)), 2 * rng.standard_normal((500, 3)))
    np.testing.assert_allclose(a, a.T, atol=1e-9)
    assert (np.linalg.eigvalsh(a) > 0).all()


def test_a_head_gain_scales_each_direction_by_itself() -> None:
    head = HeadModel(0.3 * np.eye(5)[None], 0.01 * np.eye(5), 0.01 * np.eye(5))
    gain = np.array([2.0, 1.0, 0.5, 1.0, 1.0], np.float32)
    style = made_up_style("mine", made_up_generator().to_numpy(), head_gain=gain)
    voice = np.ones(3000)
    plain, _ = head.sample(voice, np.random.default_rng(0))
    styled, _ = style.move_head(head).sample(voice, np.random.default_rng(0))
    np.testing.assert_allclose(styled.std(0) / plain.std(0), [2.0, 1.0, 0.5], rtol=0.03)


def uneven_generator() -> tuple[MotionGenerator, list[torch.Tensor]]:
    """A generator whose last expression is small and hardly used, as in trained ones; and its motion."""
    generator = made_up_generator()
    basis = torch.linalg.qr(torch.randn(204, 4, generator=torch.Generator().manual_seed(1)))[0].T.reshape(4, 68, 3)
    basis[:, EYES] = 0
    generator.basis.copy_(basis.reshape(4, 204) * torch.tensor([0.14, 0.09, 0.05, 0.005])[:, None])
    weights = torch.randn(3000, 4, generator=torch.Generator().manual_seed(2)) * torch.tensor([0.8, 0.4, 0.1, 0.01])
    return generator, [(weights @ generator.basis).reshape(-1, 68, 3)]


def test_a_clip_that_moves_where_the_generator_hardly_does_changes_no_weight_wildly() -> None:
    generator, motion = uneven_generator()
    rng = np.random.default_rng(3)
    # Tracked faces move by some 0.01 in every direction, 200 times as much as this generator in its last one.
    clip = (rng.standard_normal((500, 4)) @ (np.eye(4) * [0.8, 0.4, 0.2, 2.0]) @ generator.basis.numpy()).reshape(
        -1, 68, 3
    )
    changes = transported_readout(generator, motion, clip.astype(np.float32))
    assert all(change.abs().max() < 0.5 * LARGEST_CHANGE for change in changes.values())
    exact = transported_readout(generator, motion, clip.astype(np.float32), shrinkage=0)
    assert exact["readout.weight"].abs().max() == LARGEST_CHANGE


def test_what_the_generator_does_move_is_moved_as_the_clip_moves_it() -> None:
    generator, motion = uneven_generator()
    clip = motion[0].numpy() * np.float32(1.5)
    changes = transported_readout(generator, motion, clip)
    hidden = torch.randn(2000, 8, generator=torch.Generator().manual_seed(4))
    before = hidden @ generator.readout.weight.T + generator.readout.bias
    after = before + hidden @ changes["readout.weight"].T + changes["readout.bias"]
    ratio = (after.std(0) / before.std(0)).detach()
    assert 1.0 < ratio[0] < 1.5


def test_eyelids_of_a_clip_change_nothing() -> None:
    generator, motion = uneven_generator()
    clip = motion[0].numpy().copy()
    blinking = clip.copy()
    blinking[::7, EYES, 1] += 0.1
    one, other = (transported_readout(generator, motion, each) for each in (clip, blinking))
    for name in one:
        torch.testing.assert_close(one[name], other[name])
