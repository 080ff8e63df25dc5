"""Layers of the motion networks in plain NumPy, one frame at a time, on the calling thread (torch's equations)."""

from collections.abc import Mapping

import numpy as np
from scipy.special import erf, expit

from rhapsode.compute import SingleThreadedMatrix

Weights = Mapping[str, np.ndarray]
Matrices = Mapping[str, SingleThreadedMatrix]


def matrices(weights: Weights) -> dict[str, SingleThreadedMatrix]:
    """Prepare those weights that are multiplied with vectors, by name."""
    return {name: SingleThreadedMatrix(value) for name, value in weights.items() if value.ndim == 2}


def gelu(x: np.ndarray) -> np.ndarray:
    """Compute x times the normal distribution's cumulative function at x."""
    y: np.ndarray = np.float32(0.5) * x * (1 + erf(x * np.float32(0.5**0.5)))
    return y


def linear(products: Matrices, weights: Weights, name: str, x: np.ndarray) -> np.ndarray:
    """Map linearly: (F,) -> (H,)."""
    y: np.ndarray = products[f"{name}.weight"] @ x + weights[f"{name}.bias"]
    return y


def gru(
    products: Matrices, weights: Weights, name: str, layers: int, x: np.ndarray, state: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """Run a stack of GRUs over one frame: (F,) -> (H,), and the hidden states (layers, H)."""
    hidden = []
    for layer in range(layers):
        into = products[f"{name}.weight_ih_l{layer}"] @ x + weights[f"{name}.bias_ih_l{layer}"]
        width = len(into) // 3
        before = state[layer] if state is not None else np.zeros(width, np.float32)
        back = products[f"{name}.weight_hh_l{layer}"] @ before + weights[f"{name}.bias_hh_l{layer}"]
        gates = expit(into[: 2 * width] + back[: 2 * width])
        new = np.tanh(into[2 * width :] + gates[:width] * back[2 * width :])
        x = new + gates[width:] * (before - new)
        hidden.append(x)
    return x, np.stack(hidden)


def gru_shapes(name: str, width: int, layers: int) -> dict[str, tuple[int, ...]]:
    """Give the shape of every weight of a stack of GRUs."""
    return {
        f"{name}.{kind}_{way}_l{layer}": (3 * width, width) if kind == "weight" else (3 * width,)
        for layer in range(layers)
        for kind in ("weight", "bias")
        for way in ("ih", "hh")
    }


def linear_shapes(name: str, into: int, out: int) -> dict[str, tuple[int, ...]]:
    """Give the shapes of the weights of a linear map."""
    return {f"{name}.weight": (out, into), f"{name}.bias": (out,)}
