"""Settings of a style transfer."""

from dataclasses import dataclass
from typing import Literal

from rhapsode.learning.losses import Norm
from rhapsode.learning.network import Form

#: `critic`: f widens the gap (1) under (2), and the generator closes it. `joint`: both minimise (4), another reading of
#: the paper.
Schedule = Literal["critic", "joint"]


@dataclass(frozen=True)
class TransferRecipe:
    """Every setting of a style transfer."""

    form: Form = "window"
    """What f sees: single frames (`paper`) or windows of motion."""
    schedule: Schedule = "critic"
    """Who minimises what: `critic`, f widens the gap (1) and the generator closes it; or `joint`, both minimise (4)."""
    norm: Norm = "direction"
    """Norm of the gradient in (2)."""
    gamma: float = 0.5
    """Eq. (3): share of the style in phi^."""
    start: Literal["statistics", "generator"] = "statistics"
    """Initial weights: the generator with the clip's statistics, or as it is."""
    constraint: float = 10.0
    """Weight of L_sc; 0 leaves out L_sc and f."""
    constrained_every: int = 4
    """Every so many steps f is trained, and the generator by L_sc."""
    regularisation: float = 10.0
    """Weight of L_r."""
    own: float = 1.0
    """Weight of L_mg on the clip's own sound."""
    replay: float = 0.1
    """Weight of L_mg on the replay set."""
    lip_sync: float = 1.5
    """Weight of the term of L_mg that keeps lips in sync on the replay set: 1 - correlation of the mouth openings."""
    tempo: float = 0.4
    """How much faster or slower speech of the replay set is said in a step, at most, as a share."""
    noise: float = 0.3
    """Noise on features of the replay set, as a share of their spread."""
    coverage: float = 4.0
    """Weight of a term beside (1): distance of each window of the clip from the nearest generated one."""
    steps: int = 600
    """Number of steps."""
    batch: int = 8
    """Pieces of the replay set in a step."""
    frames: int = 120
    """Length of a piece, frames of 1/60 s."""
    learning_rate: float = 2e-3
    """Peak learning rate of the generator (Adam)."""
    critic_rate: float = 1e-3
    """Learning rate of f (Adam)."""
    check_every: int = 40
    """Steps between checks; the weights of the best check are kept."""
    rank: int = 0
    """Rank to which the change of each matrix is reduced at the end; 0 keeps the full rank."""
    projection: float = 0.0
    """Share of manifold projection of a driving voice onto the style clip's voice, 0 to 1."""
    seed: int = 0
    """Seed of all random numbers."""
