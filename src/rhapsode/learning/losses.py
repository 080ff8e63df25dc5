"""The losses of style transfer, arXiv 2303.09799 eq. (1) to (4).

phi_mg is motion of the Motion Generator and phi_s motion of the style clip, each as feature rows (N, D) for the
transfer network f. The last layer of f gives "mean features": f of a motion is the mean of f over its rows.

    L_sc       = || f(phi_mg) - f(phi_s) ||_2^2                                   (1)
    L_r        = ( || grad_{phi^} f(phi^) ||_2 - 1 )^2                            (2)
    phi^       = gamma * phi_s + (1 - gamma) * phi_mg                             (3)
    L_transfer = L_mg + L_sc + L_r                                                (4)
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

#: Norm in (2). f has 256 outputs, so its gradient is a Jacobian J (256, D); the paper does not say which norm it takes.
Norm = Literal["direction", "frobenius", "sum"]


def constraint(features_mg: Tensor, features_s: Tensor) -> Tensor:
    """Compute L_sc, eq. (1): squared distance of the mean features, (N, 256) and (M, 256) -> ()."""
    return (features_mg.mean(0) - features_s.mean(0)).square().sum()


def joint_representation(phi_s: Tensor, phi_mg: Tensor, gamma: float) -> Tensor:
    """Compute phi^, eq. (3): rows between the style and the generated motion.

    Args:
        phi_s: (N, D) rows of the style clip.
        phi_mg: (N, D) rows of generated motion.
        gamma: 0 the generated motion to 1 the style.

    Returns:
        (N, D).
    """
    return gamma * phi_s + (1 - gamma) * phi_mg


def regularisation(
    f: Callable[[Tensor], Tensor],
    phi_hat: Tensor,
    norm: Norm = "direction",
    direction: Tensor | None = None,
    rng: torch.Generator | None = None,
) -> Tensor:
    """Compute L_r, eq. (2), from the gradient of f with respect to phi^; it is differentiable in f's weights.

    Args:
        f: the transfer network, (N, D) -> (N, 256).
        phi_hat: (N, D).
        norm: norm of the Jacobian J of each row. `direction`: |J^T u| for one unit vector u. With u from the mean
            features of one motion to those of the other, <u, f> is the critic whose gap (1) measures, and (2) holds its
            slope at 1, as in WGAN-GP (Gulrajani et al. 2017). `frobenius`: ||J||_F, estimated by one random normal
            vector for each row. `sum`: |J^T 1|, the gradient of the sum of the outputs, which automatic differentiation
            gives for "the gradient of f".
        direction: u, (256,); needed for `direction`.
        rng: random numbers for `frobenius`.

    Returns:
        () mean over the rows.
    """
    phi_hat = phi_hat.detach().requires_grad_(True)
    features = f(phi_hat)
    if norm == "direction":
        if direction is None:
            raise ValueError("norm 'direction' needs a direction")
        projected = features @ direction
    elif norm == "frobenius":
        projected = (features * torch.randn(features.shape, generator=rng, dtype=features.dtype)).sum(1)
    else:
        projected = features.sum(1)
    (gradient,) = torch.autograd.grad(projected.sum(), phi_hat, create_graph=True)
    return (gradient.square().sum(1).clamp(min=1e-24).sqrt() - 1).square().mean()


def direction_between(features_mg: Tensor, features_s: Tensor) -> Tensor:
    """Give the unit vector from phi_mg's mean features to phi_s's, (N, 256) and (M, 256) -> (256,), a constant."""
    difference = (features_s.mean(0) - features_mg.mean(0)).detach()
    return difference / difference.norm().clamp(min=1e-12)


def transfer_loss(l_mg: Tensor, l_sc: Tensor, l_r: Tensor) -> Tensor:
    """Compute L_transfer, eq. (4)."""
    return l_mg + l_sc + l_r
