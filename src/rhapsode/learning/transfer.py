"""Style transfer: the Motion Generator is re-weighted until its motion has the manner of a clip (arXiv 2303.09799).

    rhapsode learn-style CLIP --name NAME

Two motions go through the transfer network f: the generator's, for speech of others (`style.replay`), and the one
of the clip. L_sc brings their mean features together, L_r holds f to slope 1 between them, and L_mg keeps on the lips
what is said: on the clip's own sound against the clip; on the rehearsal against the generator's own motion, restyled by
the clip's statistics (`style.statistics`), lips in step and shut where the shipped generator's are. A term of our
own asks that each stretch of the clip has one like it in what is generated: mean features alone can agree while whole
gestures are missing. The ear is not touched, so that what it hears is computed once.
"""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from math import cos, pi
from typing import Literal

import torch
from torch import Tensor

from rhapsode.face.landmarks import EYES
from rhapsode.face.mouth import lip_opening
from rhapsode.learning import losses
from rhapsode.learning.network import Form, MotionWindows, TransferNetwork
from rhapsode.learning.replay import ReplaySet
from rhapsode.learning.statistics import transported_readout
from rhapsode.learning.style_clip import StyleClip
from rhapsode.models.motion_generator import MotionGenerator
from rhapsode.models.motion_loss import motion_loss
from rhapsode.motion.retarget import CLOSURE

#: `critic`: f widens the gap (1) under (2), the generator closes it. `joint`: both minimise (4), as the text can be
#: read.
Schedule = Literal["critic", "joint"]

#: Share of the rehearsal that is kept for checks.
_HELD_OUT = 4
#: Rows at most that a check compares with one another.
_ROWS = 3000
#: A check counts a loss of step with the lips only beyond this, and then so many times.
_IN_STEP, _OUT_OF_STEP = 0.95, 5.0


@dataclass(frozen=True)
class TransferRecipe:
    """Every setting of a transfer."""

    form: Form = "window"
    """What f looks at: single frames (`paper`) or windows."""
    schedule: Schedule = "critic"
    """Who minimises what; see `Schedule`."""
    norm: losses.Norm = "direction"
    """How the norm in (2) is read."""
    gamma: float = 0.5
    """Eq. (3): how much of the style is in phi^."""
    start: Literal["statistics", "generator"] = "statistics"
    """Where the generator begins: restyled by the clip's statistics, or as shipped."""
    constraint: float = 10.0
    """Weight of L_sc; 0 leaves it and f out."""
    regularisation: float = 10.0
    """Weight of L_r."""
    own: float = 1.0
    """Weight of L_mg on the clip's own sound."""
    replayed: float = 0.1
    """Weight of L_mg on the rehearsal."""
    in_step: float = 1.5
    """Weight of the term of L_mg that keeps the lips of the rehearsal in step: 1 - correlation of the openings."""
    closing: float = 1.0
    """Weight of the term of L_mg that shuts the lips of the rehearsal where the generator as shipped shuts them."""
    coverage: float = 4.0
    """Weight of a term beside (1): how far each window of the clip is from the nearest that is generated."""
    steps: int = 300
    """Steps at most."""
    batch: int = 8
    """Stretches of rehearsal a step."""
    frames: int = 120
    """Length of a stretch, frames of 1/60 s."""
    learning_rate: float = 2e-3
    """Peak of Adam's, for the generator."""
    critic_rate: float = 1e-3
    """Adam's, for f."""
    check_every: int = 20
    """Steps between checks; the weights that did best at one are kept."""
    patience: int = 5
    """Checks without gain after which the transfer ends."""
    rank: int = 0
    """Rank that the change of each matrix is cut down to in the end; 0 leaves it whole."""
    projection: float = 0.0
    """How far a driving voice is brought to the style's own bank of features (manifold projection), 0 to 1."""
    seed: int = 0
    """Source of chance."""


def transfer(
    generator: MotionGenerator,
    style_clip: StyleClip,
    replay: ReplaySet,
    recipe: TransferRecipe,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[dict[str, Tensor], list[dict[str, float]]]:
    """Learn a manner.

    Args:
        generator: as shipped; it stays as it is.
        style_clip: the style clip.
        replay: speech of others, as this generator's ear hears it.
        recipe: every setting.
        progress: called with (steps done, steps in all).

    Returns:
        Changes by the names of the generator's weights, and the course: a row for each check with `step`, the losses
        `L_mg`, `L_sc`, `L_r`, `distance` of unheard motion from the style, and `in_step`, the correlation of its lips
        with the generator's as shipped; that of step 0 has no losses.
    """
    rng = torch.Generator().manual_seed(recipe.seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        task = _TransferTask(generator, style_clip, replay, recipe)
    student, f = task.student, task.f
    weights = [weight for weight in student.parameters() if weight.requires_grad]
    # Little memory of past gradients, where two play against each other.
    adam = torch.optim.Adam(weights, lr=recipe.learning_rate, betas=(0.5, 0.9))
    critic = torch.optim.Adam(f.parameters(), lr=recipe.critic_rate, betas=(0.5, 0.9))
    before = {name: weight.detach().clone() for name, weight in generator.state_dict().items()}
    told = {"step": 0.0} | task.check()
    best, best_score, best_step = task.changes(before), told["score"], 0
    rows = [{name: round(value, 5) for name, value in told.items()}]
    for step in range(1, recipe.steps + 1):
        for group in adam.param_groups:
            group["lr"] = recipe.learning_rate * min(1.0, step / 20) * 0.5 * (1 + cos(pi * (step - 1) / recipe.steps))
        student.train()
        l_mg, phi_mg = task.reconstruct(rng)
        phi_s = task.style_rows(len(phi_mg), rng)
        l_sc, l_r = task.compare(phi_mg, phi_s, critic, rng)
        loss = losses.transfer_loss(l_mg, recipe.constraint * l_sc, recipe.regularisation * l_r)
        adam.zero_grad()
        if recipe.schedule == "joint":
            critic.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        adam.step()
        if recipe.schedule == "joint" and recipe.constraint:
            critic.step()
        if step % recipe.check_every == 0 or step == recipe.steps:
            told = {"step": float(step), "L_mg": l_mg.item(), "L_sc": l_sc.item(), "L_r": l_r.item()} | task.check()
            rows.append({name: round(value, 5) for name, value in told.items()})
            if told["score"] > best_score:
                best, best_score, best_step = task.changes(before), told["score"], step
        if progress:
            progress(step, recipe.steps)
        if step - best_step >= recipe.patience * recipe.check_every:
            break
    if progress:
        progress(recipe.steps, recipe.steps)
    if recipe.rank:
        best = {name: low_rank(change, recipe.rank) for name, change in best.items()}
    return best, rows


def low_rank(change: Tensor, rank: int) -> Tensor:
    """The nearest matrix of a rank (Eckart and Young, 1936); the kernel of a convolution has a row for each output."""
    if change.ndim < 2:
        return change
    u, s, vh = torch.linalg.svd(change.flatten(1), full_matrices=False)
    return ((u[:, :rank] * s[:rank]) @ vh[:rank]).reshape(change.shape)


class _TransferTask:
    """What a transfer needs at hand."""

    def __init__(
        self, generator: MotionGenerator, style_clip: StyleClip, replay: ReplaySet, recipe: TransferRecipe
    ) -> None:
        self.recipe = recipe
        self._ahead = generator.dims.look_ahead
        self._heard = generator.features(torch.from_numpy(style_clip.mel))
        self._style = torch.from_numpy(style_clip.expression.copy())
        self._style[:, EYES] = 0
        shipped = replay.moved(generator)
        change = transported_readout(generator, shipped, style_clip.expression)
        restyled = generator.with_weight_delta(change)
        self._pieces = replay.pieces
        self._targets = replay.moved(restyled)
        self._shipped = shipped
        self.student = restyled if recipe.start == "statistics" else deepcopy(generator)
        self.student.audio_encoder.requires_grad_(False)
        # A manner is learnt by heart; with a tenth of the activations left out it comes less near, in step no better.
        self.student.dropout.p = self.student.recurrent.dropout = 0.0
        self._looker = MotionWindows.on(self._style, generator.basis, recipe.form)
        self._style_rows = self._looker.rows(self._style[None])
        self.f = TransferNetwork(self._looker.inputs)
        self._judge = MotionWindows.on(self._style, generator.basis, "window")
        self._judged_by = _thinned(self._judge.rows(self._style[None]))
        self._train_pieces = [n for n in range(len(self._pieces)) if n % _HELD_OUT != _HELD_OUT - 1] or [0]
        self._held_out = [n for n in range(len(self._pieces)) if n % _HELD_OUT == _HELD_OUT - 1] or [0]
        self._shares = torch.tensor([float(len(shipped[n])) for n in self._train_pieces])

    def reconstruct(self, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """L_mg on the clip's own sound and on the rehearsal; and rows of the motion made for the rehearsal."""
        recipe = self.recipe
        heard, real = self._own(rng)
        own = self._move(heard + 0.05 * torch.randn(heard.shape, generator=rng))
        heard, target, shipped = self._others(rng)
        made = self._move(heard)
        opened, wanted = lip_opening(made), lip_opening(shipped)
        in_step = (1 - _correlation(opened, wanted)).mean()
        shut = (-(wanted / CLOSURE).clamp(min=0).square()).exp()
        ajar = ((opened - wanted.clamp(min=0)).clamp(min=0) / CLOSURE).square()
        closing = (shut * ajar).sum() / shut.sum().clamp(min=1.0)
        l_mg = (
            recipe.own * motion_loss(own, real, torch.ones(own.shape[:2]))
            + recipe.replayed * motion_loss(made, target, torch.ones(made.shape[:2]))
            + recipe.in_step * in_step
            + recipe.closing * closing
        )
        if recipe.coverage:
            wanted_rows = self._judged_by[torch.randint(len(self._judged_by), (256,), generator=rng)]
            l_mg = l_mg + recipe.coverage * torch.cdist(wanted_rows, self._judge.rows(made)[::2]).amin(1).mean()
        rows = self._looker.rows(made)
        return l_mg, rows[torch.randperm(len(rows), generator=rng)[:256]]

    def style_rows(self, count: int, rng: torch.Generator) -> Tensor:
        """Rows of the style clip, drawn at random."""
        return self._style_rows[torch.randint(len(self._style_rows), (count,), generator=rng)]

    def compare(
        self, phi_mg: Tensor, phi_s: Tensor, critic: torch.optim.Optimizer, rng: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """L_sc and L_r as the generator sees them; a critic learns first."""
        zero = torch.zeros(())
        if not self.recipe.constraint:
            return zero, zero
        if self.recipe.schedule == "joint":
            return losses.constraint(self.f(phi_mg), self.f(phi_s)), self._regularise(phi_mg, phi_s, rng)
        l_r = self._regularise(phi_mg.detach(), phi_s, rng) if self.recipe.regularisation else zero
        gap = losses.constraint(self.f(phi_mg.detach()), self.f(phi_s))
        critic.zero_grad()
        # The gap itself, not its square, whose slope would grow without end.
        (self.recipe.regularisation * l_r - gap.clamp(min=1e-12).sqrt()).backward()  # type: ignore[no-untyped-call]
        critic.step()
        return losses.constraint(self.f(phi_mg), self.f(phi_s)), l_r.detach()

    def _regularise(self, phi_mg: Tensor, phi_s: Tensor, rng: torch.Generator) -> Tensor:
        phi_hat = losses.joint_representation(phi_s, phi_mg, self.recipe.gamma)
        direction = None
        if self.recipe.norm == "direction":
            with torch.no_grad():
                direction = losses.direction_between(self.f(phi_mg), self.f(phi_s))
        return losses.regularisation(self.f, phi_hat, self.recipe.norm, direction, rng)

    def check(self) -> dict[str, float]:
        """How the student does on speech it does not practise on."""
        self.student.eval()
        with torch.inference_mode():
            made = [self.student.decode(self._pieces[n][None])[0][:, self._ahead :] for n in self._held_out]
            rows = _thinned(torch.cat([self._judge.rows(motion) for motion in made]))
            distance = float(torch.cdist(self._judged_by, rows).amin(1).mean())
            shipped = [self._shipped[n][None] for n in self._held_out]
            steps = [_correlation(lip_opening(a), lip_opening(b)) for a, b in zip(made, shipped, strict=True)]
        in_step = float(torch.cat(steps).mean())
        score = -distance - _OUT_OF_STEP * max(0.0, _IN_STEP - in_step)
        return {"distance": distance, "in_step": in_step, "score": score}

    def changes(self, before: dict[str, Tensor]) -> dict[str, Tensor]:
        """How the student's weights differ from those before."""
        after = self.student.state_dict()
        return {name: after[name] - weight for name, weight in before.items() if not torch.equal(after[name], weight)}

    def _move(self, heard: Tensor) -> Tensor:
        return self.student.decode(heard)[0][:, self._ahead :]

    def _own(self, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Stretches of the clip, (B, F + ahead, H) and (B, F, 68, 3); the whole of a short one."""
        frames = min(self.recipe.frames, len(self._style))
        spare = len(self._style) - frames
        starts = torch.randint(spare + 1, (4 if spare else 1,), generator=rng).tolist()
        return _stretches(self._heard, starts, frames + self._ahead), _stretches(self._style, starts, frames)

    def _others(self, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Stretches of the rehearsal: what is heard, the target, and the motion of the generator as shipped."""
        picks = torch.multinomial(self._shares, self.recipe.batch, replacement=True, generator=rng).tolist()
        frames = min(self.recipe.frames, min(len(self._shipped[self._train_pieces[pick]]) for pick in picks))
        heard, target, shipped = [], [], []
        for pick in picks:
            n = self._train_pieces[pick]
            start = int(torch.randint(len(self._shipped[n]) - frames + 1, (1,), generator=rng))
            heard.append(self._pieces[n][start : start + frames + self._ahead])
            target.append(self._targets[n][start : start + frames])
            shipped.append(self._shipped[n][start : start + frames])
        return torch.stack(heard), torch.stack(target), torch.stack(shipped)


def _stretches(whole: Tensor, starts: Sequence[int], frames: int) -> Tensor:
    return torch.stack([whole[start : start + frames] for start in starts])


def _thinned(rows: Tensor) -> Tensor:
    return rows[:: max(1, -(-len(rows) // _ROWS))]


def _correlation(a: Tensor, b: Tensor) -> Tensor:
    """Over time, (B, T) and (B, T) -> (B,)."""
    a, b = a - a.mean(1, keepdim=True), b - b.mean(1, keepdim=True)
    return (a * b).sum(1) / (a.square().sum(1) * b.square().sum(1) + 1e-6).sqrt()
