"""The losses of style transfer, arXiv 2303.09799 eq. (1) to (4).

phi_mg is motion of the Motion Generator and phi_s motion of the style clip, as rows for the transfer network f, whose
last layer gives mean features: f of a set of rows is the mean over them.

    L_sc       = || f(phi_mg) - f(phi_s) ||_2^2                                   (1)
    L_r        = ( || grad_{phi^} f(phi^) ||_2 - 1 )^2                            (2)
    phi^       = gamma * phi_s + (1 - gamma) * phi_mg                             (3)
    L_transfer = L_mg + L_sc + L_r                                                (4)
"""

from collections.abc import Callable
from typing import Literal

import torch
from torch import Tensor

#: How the norm in (2) is read. f gives 256 numbers, so that its gradient is a Jacobian J (256, D); the published text
#: does not say which norm of it is meant.
Norm = Literal["direction", "frobenius", "sum"]


def constraint(features_mg: Tensor, features_s: Tensor) -> Tensor:
    """L_sc, eq. (1): squared distance between the mean features, (N, 256) and (M, 256) -> ()."""
    return (features_mg.mean(0) - features_s.mean(0)).square().sum()


def joint_representation(phi_s: Tensor, phi_mg: Tensor, gamma: float) -> Tensor:
    """phi^, eq. (3): rows (N, D) between the style and the generated motion.

    Args:
        phi_s: (N, D).
        phi_mg: (N, D).
        gamma: 0 the generated motion .. 1 the style.
    """
    return gamma * phi_s + (1 - gamma) * phi_mg


def regularisation(
    f: Callable[[Tensor], Tensor],
    phi_hat: Tensor,
    norm: Norm = "direction",
    direction: Tensor | None = None,
    rng: torch.Generator | None = None,
) -> Tensor:
    """L_r, eq. (2), with the gradient with respect to phi^; it can be propagated back once more into f.

    Args:
        f: the transfer network, (N, D) -> (N, 256).
        phi_hat: (N, D).
        norm: of the Jacobian J of a row: `direction`, |J^T u| along one unit vector u: with u from the mean features of
            the one motion to those of the other, <u, f> is the critic whose gap (1) measures, and (2) holds it to slope
            1, as in WGAN-GP (Gulrajani et al., 2017); `frobenius`, ||J||_F, estimated along one random vector of unit
            normals for each row; `sum`, |J^T 1|, the gradient of the sum of the outputs, which is what an automatic
            differentiation gives when it is asked for "the gradient of f".
        direction: u, (256,); needed by `direction`.
        rng: source of chance for `frobenius`.
    """
    phi_hat = phi_hat.detach().requires_grad_(True)
    features = f(phi_hat)
    if norm == "direction":
        if direction is None:
            raise ValueError("the norm along a direction needs one")
        read_out = features @ direction
    elif norm == "frobenius":
        read_out = (features * torch.randn(features.shape, generator=rng, dtype=features.dtype)).sum(1)
    else:
        read_out = features.sum(1)
    (gradient,) = torch.autograd.grad(read_out.sum(), phi_hat, create_graph=True)
    return (gradient.square().sum(1).clamp(min=1e-24).sqrt() - 1).square().mean()


def direction_between(features_mg: Tensor, features_s: Tensor) -> Tensor:
    """The unit vector from phi_mg's mean features to phi_s's, (N, 256) and (M, 256) -> (256,), a constant."""
    difference = (features_s.mean(0) - features_mg.mean(0)).detach()
    return difference / difference.norm().clamp(min=1e-12)


def transfer_loss(l_mg: Tensor, l_sc: Tensor, l_r: Tensor) -> Tensor:
    """L_transfer, eq. (4)."""
    return l_mg + l_sc + l_r
