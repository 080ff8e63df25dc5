import pytest
import torch

from rhapsode.learning import losses


def _f(weights: torch.Tensor) -> torch.nn.Module:
    """A small smooth f in float64 with the given last layer."""
    torch.manual_seed(0)
    hidden = torch.nn.Linear(3, 5).double()
    last = torch.nn.Linear(5, 4).double()
    with torch.no_grad():
        last.weight.copy_(weights)
    return torch.nn.Sequential(hidden, torch.nn.Tanh(), last)


def test_the_constraint_is_the_squared_distance_of_the_mean_features() -> None:
    a = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    b = torch.tensor([[0.0, 1.0]])
    # Means (2, 3) and (0, 1): 4 + 4.
    assert losses.constraint(a, b).item() == pytest.approx(8.0)


def test_the_constraint_does_not_mind_the_order_or_the_number_of_frames() -> None:
    a, b = torch.randn(6, 4), torch.randn(9, 4)
    shuffled = losses.constraint(a.flip(0).repeat(2, 1), b)
    assert shuffled.item() == pytest.approx(losses.constraint(a, b).item(), rel=1e-5)


def test_the_joint_representation_lies_gamma_of_the_way_to_the_style() -> None:
    phi_s, phi_mg = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 2.0]])
    torch.testing.assert_close(losses.joint_representation(phi_s, phi_mg, 0.25), torch.tensor([[0.25, 1.5]]))
    torch.testing.assert_close(losses.joint_representation(phi_s, phi_mg, 1.0), phi_s)


def test_the_regularisation_of_a_linear_f_is_known_by_hand() -> None:
    weights = torch.tensor([[3.0, 0.0], [0.0, 1.0]])  # f(x) = x W, J = W^T

    def f(rows: torch.Tensor) -> torch.Tensor:
        return rows @ weights

    rows = torch.randn(7, 2)
    along = losses.regularisation(f, rows, "direction", torch.tensor([1.0, 0.0]))
    assert along.item() == pytest.approx((3 - 1) ** 2)
    # Gradient of the sum of the outputs: W 1 = (3, 1).
    assert losses.regularisation(f, rows, "sum").item() == pytest.approx((10**0.5 - 1) ** 2, rel=1e-5)


def test_the_frobenius_norm_is_right_on_average() -> None:
    weights = 0.02 * torch.randn(30, 256, generator=torch.Generator().manual_seed(1))
    rng = torch.Generator().manual_seed(0)
    rows = torch.zeros(2000, 30)
    value = losses.regularisation(lambda x: x @ weights, rows, "frobenius", rng=rng).item()
    # |J^T v| scatters about ||J||_F, so that its squared distance from 1 is that of the norm, and its scatter.
    norm = weights.norm().item()
    assert abs(value - (norm - 1) ** 2) < 0.12 * norm**2 + 0.05


def test_the_regularisation_needs_a_direction_to_look_along() -> None:
    with pytest.raises(ValueError, match="direction"):
        losses.regularisation(lambda x: x, torch.zeros(1, 2), "direction")


@pytest.mark.parametrize("norm", ["direction", "sum"])
def test_the_regularisation_agrees_with_the_jacobian_in_float64(norm: losses.Norm) -> None:
    f = _f(torch.randn(4, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(2)))
    rows = torch.randn(6, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    u = torch.nn.functional.normalize(torch.arange(1.0, 5.0, dtype=torch.float64), dim=0)
    expected = []
    for row in rows:
        jacobian: torch.Tensor = torch.func.jacrev(f)(row)
        along = u if norm == "direction" else torch.ones(4, dtype=torch.float64)
        expected.append((jacobian.T @ along).norm())
    wanted = (torch.stack(expected) - 1).square().mean()
    torch.testing.assert_close(losses.regularisation(f, rows, norm, u), wanted)


def test_the_regularisation_propagates_back_into_f_as_its_second_derivative_in_float64() -> None:
    rows = torch.randn(6, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(3))
    u = torch.nn.functional.normalize(torch.ones(4, dtype=torch.float64), dim=0)
    hidden = torch.randn(3, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(4), requires_grad=True)
    last = torch.randn(5, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(5), requires_grad=True)

    def l_r(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        return losses.regularisation(lambda x: torch.tanh(x @ first) @ second, rows, "direction", u)

    assert torch.autograd.gradcheck(l_r, (hidden, last))


def test_the_direction_points_from_the_generated_features_to_the_style_and_has_length_one() -> None:
    features_mg = torch.zeros(3, 2, requires_grad=True)
    direction = losses.direction_between(features_mg, torch.tensor([[0.0, 5.0]]))
    torch.testing.assert_close(direction, torch.tensor([0.0, 1.0]))
    assert not direction.requires_grad


def test_the_transfer_loss_is_the_sum_of_its_three_terms() -> None:
    one, two, three = torch.tensor(1.0), torch.tensor(2.0), torch.tensor(3.0)
    assert losses.transfer_loss(one, two, three).item() == 6.0
