"""Style transfer: train the Motion Generator until its motion has the style of a clip (arXiv 2303.09799).

Two motions go through the transfer network f: the generator's, for speech of others (`replay`), and the style clip's.
L_sc (1) brings their mean features together, L_r (2) holds the slope of f at 1 between them, and L_mg keeps on the lips
what is said: on the clip's own sound against the clip; on the replay set against the generator's own motion with the
clip's statistics (`statistics`), in sync with the unstyled generator's lips. Where these shut, the styled ones are shut
as they run (`motion.retarget.close_as`), so that learning is free of it. One term is ours: each window of the clip must
have a near one among the generated ones, since mean features can agree while whole gestures are missing. The audio
encoder is frozen, so that features are computed once. The rate falls to nothing over all the steps: a transfer that
ends before, though it has come no nearer for a while, is far from what it comes to.
"""

from collections.abc import Callable, Mapping
from math import cos, pi

import torch
from torch import Tensor

from rhapsode.learning import losses
from rhapsode.learning.base import BaseModels
from rhapsode.learning.recipe import TransferRecipe
from rhapsode.learning.style_clip import StyleClip
from rhapsode.learning.task import TransferTask
from rhapsode.progress import Progress, no_progress

#: Takes a row of the learning curve.
OnCheck = Callable[[Mapping[str, float]], None]
#: Steps over which the learning rate rises.
_WARM_UP = 20


def unchecked(row: Mapping[str, float]) -> None:
    """Take a row of the learning curve, and do nothing."""


def transfer(
    base: BaseModels,
    style_clip: StyleClip,
    recipe: TransferRecipe,
    progress: Progress = no_progress,
    on_check: OnCheck = unchecked,
) -> tuple[dict[str, Tensor], list[dict[str, float]]]:
    """Learn a style.

    Args:
        base: the models without style; they stay as they are.
        style_clip: the style clip.
        recipe: settings.
        progress: watches the stage `learning`, in steps.
        on_check: is given each row of the learning curve as soon as it is known.

    Returns:
        The delta, changes by the names of the generator's weights; and the learning curve, a row for each check with
        `step`, the losses `L_mg`, `L_sc`, `L_r` (but for step 0), and the scores of `TransferTask.check`.

    Raises:
        Cancelled: raised by `progress`.
    """
    rng = torch.Generator().manual_seed(recipe.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        task = TransferTask(base, style_clip, recipe)
    student, f = task.student, task.f
    weights = student.styled_parameters()
    # A short memory of past gradients, since two networks play against each other.
    adam = torch.optim.Adam(weights, lr=recipe.learning_rate, betas=(0.5, 0.9))
    critic = torch.optim.Adam(f.parameters(), lr=recipe.critic_rate, betas=(0.5, 0.9))
    before = {name: weight.detach().clone() for name, weight in base.generator.state_dict().items()}
    row = {"step": 0.0} | task.check()
    best, best_score = task.delta(before), row["score"]
    curve = [_rounded(row)]
    on_check(curve[0])
    l_sc = l_r = torch.zeros(())
    for step in range(1, recipe.steps + 1):
        for group in adam.param_groups:
            group["lr"] = _learning_rate(step, recipe)
        student.train()
        l_mg, phi_mg = task.reconstruct(rng)
        loss = l_mg
        if step % recipe.constrained_every == 0:
            l_sc, l_r = task.compare(phi_mg, task.draw_style(len(phi_mg), rng), critic, rng)
            loss = losses.transfer_loss(l_mg, recipe.constraint * l_sc, recipe.regularisation * l_r)
        adam.zero_grad()
        if recipe.schedule == "joint":
            critic.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        adam.step()
        if recipe.schedule == "joint" and recipe.constraint and step % recipe.constrained_every == 0:
            critic.step()
        if step % recipe.check_every == 0 or step == recipe.steps:
            row = {"step": float(step), "L_mg": l_mg.item(), "L_sc": l_sc.item(), "L_r": l_r.item()} | task.check()
            curve.append(_rounded(row))
            on_check(curve[-1])
            if row["score"] > best_score:
                best, best_score = task.delta(before), row["score"]
        progress("learning", step, recipe.steps)
    if recipe.rank:
        best = {name: low_rank(change, recipe.rank) for name, change in best.items()}
    return best, curve


def low_rank(change: Tensor, rank: int) -> Tensor:
    """Give the nearest matrix of a rank (Eckart and Young 1936); a convolution's kernel has a row for each output."""
    if change.ndim < 2:
        return change
    u, s, vh = torch.linalg.svd(change.flatten(1), full_matrices=False)
    return ((u[:, :rank] * s[:rank]) @ vh[:rank]).reshape(change.shape)


def _learning_rate(step: int, recipe: TransferRecipe) -> float:
    return recipe.learning_rate * min(1.0, step / _WARM_UP) * 0.5 * (1 + cos(pi * (step - 1) / recipe.steps))


def _rounded(row: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 5) for name, value in row.items()}
