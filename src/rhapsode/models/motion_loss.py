"""L_mg, the loss of the Motion Generator (arXiv 2303.09799 sect. 3), and its basis of expressions."""

import numpy as np
from torch import Tensor

from rhapsode.face.landmarks import EYES, INNER_LIPS, JAW, MOUTH
from rhapsode.face.mouth import lip_openings

#: Weights of the velocity and mouth-opening terms of L_mg beside its position term.
VELOCITY, OPENING = 4.0, 4.0
#: Opening (canonical units above rest) up to which lips count as closed, and the weight of errors there.
CLOSED, CLOSURE_WEIGHT = 0.02, 4.0


def motion_loss(generated: Tensor, real: Tensor, mask: Tensor) -> Tensor:
    """Compute L_mg, the distance of generated from real motion.

    Mean squares of position, velocity, and the signed opening between the inner lips. The mouth counts most, the
    eyelids not at all. The opening counts more where the real lips are closed: viewers notice a mouth that never shuts
    before one that opens too little.

    Args:
        generated: (B, T, 68, 3) offsets from rest, canonical space.
        real: (B, T, 68, 3), the tracked motion.
        mask: (B, T), 1 where a frame is real.
    """
    weight = generated.new_ones(68)
    weight[JAW], weight[MOUTH], weight[INNER_LIPS], weight[EYES] = 1.0, 3.0, 5.0, 0.0
    weight = weight / weight.sum()
    error = (generated - real) * mask[..., None, None]
    moved = error.diff(dim=1)
    closed = (-(lip_openings(real) / CLOSED).square()).exp()
    gap = lip_openings(error).square() * (1 + CLOSURE_WEIGHT * closed)
    count = mask.sum()
    position = (error.square().sum(-1) * weight).sum() / count
    speed = (moved.square().sum(-1) * weight).sum() / count
    return 100 * (position + VELOCITY * speed + OPENING * gap.mean(-1).sum() / count / 5)


def expression_basis(expressions: np.ndarray, components: int) -> np.ndarray:
    """Find the strongest expressions: principal components scaled to unit spread, (K, 204), zero at the eyelids."""
    flat = expressions.copy()
    flat[:, EYES] = 0
    flat[:, MOUTH] *= 2  # keep small lip movements rather than large slow ones of the cheeks
    flat = flat.reshape(len(flat), -1)
    _, spread, rows = np.linalg.svd(flat - flat.mean(0), full_matrices=False)
    basis = rows[:components] * (spread[:components, None] / len(flat) ** 0.5)
    basis = basis.reshape(components, 68, 3)
    basis[:, MOUTH] /= 2
    return basis.reshape(components, 204).astype(np.float32)
