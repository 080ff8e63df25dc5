"""A manner as statistics: what a style has at once, without learning.

How widely each expression is used is a Gaussian, of the generator's motion and of the style clip's. Of all linear maps
that take the one to the other, that of optimal transport moves every frame least (Olkin and Pukelsheim, 1982),

    y = A (x - m_a) + m_s,      A = S_a^(-1/2) (S_a^(1/2) S_s S_a^(1/2))^(1/2) S_a^(-1/2)

so that an opening stays an opening. The generator ends in a linear read-out, and the map is folded into it.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from rhapsode.face.landmarks import EYES
from rhapsode.learning.style_clip import StyleClip, head_sways
from rhapsode.models.motion_generator import MotionGenerator
from rhapsode.motion.head import HeadModel

#: Seconds of a clip that count as much as what is known of people in general, for how far the head moves and how often
#: the eyes blink.
PRIOR = 10.0
#: Spread of what a head model samples (standard deviations of its five directions) is measured over so many seconds.
_SAMPLED = 300
#: Blinks a minute that `motion.blinks` makes at rate 1.
_NATURAL_BLINKS = 28.0


def weights_of(motion: Tensor, basis: Tensor) -> Tensor:
    """The expressions that come nearest to a motion: (T, 68, 3) and (K, 204) -> (T, K)."""
    seen = motion.clone()
    seen[:, EYES] = 0
    return seen.reshape(len(seen), 204) @ torch.linalg.pinv(basis)


def optimal_transport(source: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The linear map between the Gaussians of two sets of rows, (N, K) and (M, K) -> A (K, K), b (K,), y = A x + b."""
    mean_a, mean_s = source.mean(0), target.mean(0)
    covariance = np.cov(source.T)
    covariance += 1e-4 * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    root = _root(covariance)
    inverse = np.linalg.inv(root)
    a = inverse @ _root(root @ np.cov(target.T) @ root) @ inverse
    return a, mean_s - a @ mean_a


def transported_readout(
    generator: MotionGenerator, replayed: Sequence[Tensor], expression: np.ndarray
) -> dict[str, Tensor]:
    """Change of the read-out that gives a generator's motion the statistics of a clip.

    Args:
        generator: as shipped.
        replayed: (T_k, 68, 3) motions that it makes.
        expression: (T, 68, 3) of the clip.

    Returns:
        Changes by the names of the generator's weights.
    """
    source = torch.cat([weights_of(motion, generator.basis) for motion in replayed])
    target = weights_of(torch.from_numpy(expression), generator.basis)
    a, b = (
        torch.from_numpy(part).float() for part in optimal_transport(source.double().numpy(), target.double().numpy())
    )
    weight, bias = generator.readout.weight.detach(), generator.readout.bias.detach()
    return {"readout.weight": a @ weight - weight, "readout.bias": a @ bias + b - bias}


def head_gain(style_clip: StyleClip, head: HeadModel) -> np.ndarray:
    """How far the performer's head moves against the head model's, (5,); of a short clip, nearer to 1."""
    voice = np.ones(_SAMPLED * 60)
    rotation, translation = head.sample(voice, np.random.default_rng(0))
    natural = np.concatenate([rotation, translation[:, :2]], axis=1).std(0)
    trust = style_clip.seconds / (style_clip.seconds + PRIOR)
    ratio = np.clip(head_sways(style_clip.clip) / natural, 0.2, 3.0)
    return np.exp(trust * np.log(ratio)).astype(np.float32)


def blink_rate_scale(style_clip: StyleClip) -> float:
    """How many times as often as natural the performer blinks; of a short clip, nearer to 1."""
    natural = _NATURAL_BLINKS / 60
    return float((len(style_clip.blink_times) + PRIOR * natural) / ((style_clip.seconds + PRIOR) * natural))


def _root(matrix: np.ndarray) -> np.ndarray:
    """The symmetric square root of a symmetric positive matrix."""
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
