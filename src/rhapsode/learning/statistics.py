"""A style as statistics: what can be taken from a clip at once, without training.

The generator's motion and the style clip's motion are each described by a Gaussian over expressions. Of all linear maps
from the one to the other, that of optimal transport moves the landmarks least (Olkin and Pukelsheim 1982),

    y = A (x - m_a) + m_s,      A = S_a^(-1/2) (S_a^(1/2) S_s S_a^(1/2))^(1/2) S_a^(-1/2)

so an opening stays an opening. The generator ends in a linear read-out, into which the map is folded.

x are coordinates in an orthonormal basis of the generator's expressions, so that distances are those of landmarks. S_a
is shrunk towards a multiple of the identity (Ledoit and Wolf 2004): the generator hardly moves in most directions, and
without shrinkage the map would amplify its noise there a hundredfold.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from rhapsode.face.landmarks import EYES
from rhapsode.learning.style_clip import StyleClip, head_spread
from rhapsode.models.generators import Generator
from rhapsode.motion.head import HeadModel

#: How much of the identity is added to S_a, in units of its mean eigenvalue. From 1 to 10 styles never seen come
#: nearest (SLD, SLV, SMD), and lips stay in sync (correlation 0.82, 0.75 without); the more, the less mouths open.
SHRINKAGE = 3.0
#: Largest change of a weight, half of what a style file may hold; only tracking faults come near.
LARGEST_CHANGE = 5.0
#: Seconds of a clip that weigh as much as the prior (people in general) for head gain and blink rate.
PRIOR = 10.0
#: Seconds of sampled head motion by which the spread of a head model is measured.
_SAMPLED = 300
#: Blinks a minute that `motion.blinks` makes at scale 1.
_NATURAL_BLINKS = 28.0


def optimal_transport(
    source: np.ndarray, target: np.ndarray, shrinkage: float = SHRINKAGE
) -> tuple[np.ndarray, np.ndarray]:
    """Compute the linear map between the Gaussians of two sets of rows.

    Args:
        source: (N, K) float64.
        target: (M, K) float64.
        shrinkage: see `SHRINKAGE`; 0 maps the covariances exactly.

    Returns:
        A (K, K) symmetric and b (K,), y = A x + b.
    """
    mean_a, mean_s = source.mean(0), target.mean(0)
    covariance = np.cov(source.T)
    covariance += (shrinkage + 1e-9) * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    root = _root(covariance)
    inverse = np.linalg.inv(root)
    a = inverse @ _root(root @ np.cov(target.T) @ root) @ inverse
    return a, mean_s - a @ mean_a


def transported_readout(
    generator: Generator, replayed: Sequence[Tensor], expression: np.ndarray, shrinkage: float = SHRINKAGE
) -> dict[str, Tensor]:
    """Change a generator's read-out so that its motion has the statistics of a clip.

    Args:
        generator: without style.
        replayed: (T_k, 68, 3) motions that it makes, offsets from rest, canonical space.
        expression: (T, 68, 3) of the clip, likewise.
        shrinkage: see `SHRINKAGE`.

    Returns:
        Changes of `readout.weight` and `readout.bias`, none larger than `LARGEST_CHANGE`.
    """
    basis = generator.basis.double()
    # basis = mixing.T @ axes.T: weights w in the basis have the coordinates w @ mixing.T in the orthonormal axes.
    axes, mixing = torch.linalg.qr(basis.T)
    source = torch.cat([_without_eyelids(motion) for motion in replayed]).double() @ axes
    target = _without_eyelids(torch.from_numpy(expression)).double() @ axes
    a, b = map(torch.from_numpy, optimal_transport(source.numpy(), target.numpy(), shrinkage))
    weight, bias = generator.readout.weight.detach().double(), generator.readout.bias.detach().double()
    # Few clips may span fewer expressions than the basis has; the others are zero.
    unmix = torch.linalg.pinv(mixing)
    in_basis = unmix @ a @ mixing
    changes = {
        "readout.weight": in_basis @ weight - weight,
        "readout.bias": in_basis @ bias + unmix @ b - bias,
    }
    return {name: change.clamp(-LARGEST_CHANGE, LARGEST_CHANGE).float() for name, change in changes.items()}


def head_gain(style_clip: StyleClip, head: HeadModel) -> np.ndarray:
    """Compare how far the head moves with the head model, (5,); the shorter the clip, the nearer to 1."""
    voice = np.ones(_SAMPLED * 60)
    rotation, translation = head.sample(voice, np.random.default_rng(0))
    natural = np.concatenate([rotation, translation[:, :2]], axis=1).std(0)
    trust = style_clip.seconds / (style_clip.seconds + PRIOR)
    ratio = np.clip(head_spread(style_clip.clip) / natural, 0.2, 3.0)
    return np.exp(trust * np.log(ratio)).astype(np.float32)


def blink_rate_scale(style_clip: StyleClip) -> float:
    """Compare how often the eyes blink with the natural rate; the shorter the clip, the nearer to 1."""
    natural = _NATURAL_BLINKS / 60
    return float((len(style_clip.blink_times) + PRIOR * natural) / ((style_clip.seconds + PRIOR) * natural))


def _without_eyelids(motion: Tensor) -> Tensor:
    """Flatten motion (T, 68, 3) -> (T, 204), eyelids at rest."""
    seen = motion.clone()
    seen[:, EYES] = 0
    return seen.reshape(len(seen), 204)


def _root(matrix: np.ndarray) -> np.ndarray:
    """Compute the symmetric square root of a symmetric positive semi-definite matrix (K, K)."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
