"""What a style transfer minimises, and how its result is checked."""

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import Tensor

from rhapsode.face.landmarks import EYES
from rhapsode.face.mouth import lip_opening
from rhapsode.learning import losses
from rhapsode.learning.base import BaseModels
from rhapsode.learning.network import MotionWindows, TransferNetwork
from rhapsode.learning.recipe import TransferRecipe
from rhapsode.learning.statistics import transported_readout
from rhapsode.learning.style_clip import StyleClip
from rhapsode.models.motion_loss import motion_loss

#: Checks look at one in so many pieces of the replay set. None is held out of the training: a style comes nearer to its
#: clip on speech of strangers the more speech it was trained on.
_CHECKED = 4
#: Largest number of feature rows that a check compares with one another.
_MAX_ROWS = 3000
#: Largest number of feature rows that the transfer network sees in a step.
_ROWS = 64
#: Lip correlation below which a check penalises lost sync, and the weight of the penalty.
_IN_SYNC, _SYNC_PENALTY = 0.95, 5.0


class TransferTask:
    """Compute the losses of a style transfer, and score a student.

    Attributes:
        student: the generator that is trained; what no style changes is frozen.
        f: the transfer network.
    """

    def __init__(self, base: BaseModels, style_clip: StyleClip, recipe: TransferRecipe) -> None:
        """Prepare a transfer.

        Args:
            base: the models without style; they stay as they are.
            style_clip: the style clip.
            recipe: settings.
        """
        self.recipe = recipe
        generator, replay = base.generator, base.replay
        self._ahead = generator.look_ahead
        self._features = base.hear(style_clip.clip.samples)
        self._style = torch.from_numpy(style_clip.expression.copy())
        self._style[:, EYES] = 0
        self._pieces = replay.pieces
        self._unstyled = replay.motions(generator)
        change = transported_readout(generator, self._unstyled, style_clip.expression)
        self._generator, self._transported = generator, generator.with_weight_delta(change)
        self._spread = torch.cat(list(self._pieces)).std(0)
        self.student = deepcopy(self._transported if recipe.start == "statistics" else generator)
        self.student.requires_grad_(False)
        for weight in self.student.styled_parameters():
            weight.requires_grad_(True)
        # A style is meant to be memorised: with dropout it comes less near, and lips are no better in sync.
        self.student.without_dropout()
        self._windows = MotionWindows.on(self._style, generator.basis, recipe.form)
        self._style_rows = self._windows.features(self._style[None])
        self.f = TransferNetwork(self._windows.inputs)
        self._check_windows = MotionWindows.on(self._style, generator.basis, "window")
        self._check_rows = _thinned(self._check_windows.features(self._style[None]))
        self._lengths = torch.tensor([float(len(motion)) for motion in self._unstyled])
        self._checked = range(min(_CHECKED, len(self._pieces)) - 1, len(self._pieces), _CHECKED)

    def reconstruct(self, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Compute L_mg on the clip's own sound and on the replay set, and feature rows phi_mg of the latter.

        Returns:
            L_mg (), and phi_mg (at most `_ROWS`, D).
        """
        recipe = self.recipe
        features, real = self._draw_own(rng)
        own = self._decode(features + 0.05 * torch.randn(features.shape, generator=rng))
        features, target, unstyled = self._draw_replay(rng)
        made = self._decode(features)
        lip_sync = (1 - _correlation(lip_opening(made), lip_opening(unstyled))).mean()
        l_mg = (
            recipe.own * motion_loss(own, real, torch.ones(own.shape[:2]))
            + recipe.replay * motion_loss(made, target, torch.ones(made.shape[:2]))
            + recipe.lip_sync * lip_sync
        )
        if recipe.coverage:
            wanted_rows = self._check_rows[torch.randint(len(self._check_rows), (256,), generator=rng)]
            nearest = torch.cdist(wanted_rows, self._check_windows.features(made)[::2]).amin(1)
            l_mg = l_mg + recipe.coverage * nearest.mean()
        rows = self._windows.features(made)
        return l_mg, rows[torch.randperm(len(rows), generator=rng)[:_ROWS]]

    def draw_style(self, count: int, rng: torch.Generator) -> Tensor:
        """Draw feature rows phi_s of the style clip, (count, D)."""
        return self._style_rows[torch.randint(len(self._style_rows), (count,), generator=rng)]

    def compare(
        self, phi_mg: Tensor, phi_s: Tensor, critic: torch.optim.Optimizer, rng: torch.Generator
    ) -> tuple[Tensor, Tensor]:
        """Compute L_sc (1) and L_r (2) as the generator sees them; in the schedule `critic`, f is trained first."""
        zero = torch.zeros(())
        if not self.recipe.constraint:
            return zero, zero
        if self.recipe.schedule == "joint":
            features_mg, features_s = self.f(phi_mg), self.f(phi_s)
            l_r = self._regularise(phi_mg, phi_s, features_mg, features_s, rng)
            return losses.constraint(features_mg, features_s), l_r
        features_mg, features_s = self.f(phi_mg.detach()), self.f(phi_s)
        l_r = zero
        if self.recipe.regularisation:
            l_r = self._regularise(phi_mg.detach(), phi_s, features_mg, features_s, rng)
        gap = losses.constraint(features_mg, features_s)
        critic.zero_grad()
        # The gap itself, not its square, whose slope would grow without bound.
        (self.recipe.regularisation * l_r - gap.clamp(min=1e-12).sqrt()).backward()  # type: ignore[no-untyped-call]
        critic.step()
        self.f.requires_grad_(False)  # the generator's gradient alone is wanted
        l_sc = losses.constraint(self.f(phi_mg), self.f(phi_s))
        self.f.requires_grad_(True)
        return l_sc, l_r.detach()

    def check(self) -> dict[str, float]:
        """Score the student on a part of the replay set.

        Returns:
            `distance` of its motion from the style (units of the style's spread), `lip_sync`, the correlation of its
            mouth opening with the unstyled generator's, and `score`, greater is better.
        """
        self.student.eval()
        with torch.inference_mode():
            made = [self._decode(self._pieces[n][None]) for n in self._checked]
            rows = _thinned(torch.cat([self._check_windows.features(motion) for motion in made]))
            distance = float(torch.cdist(self._check_rows, rows).amin(1).mean())
            unstyled = [self._unstyled[n][None] for n in self._checked]
            correlations = [_correlation(lip_opening(a), lip_opening(b)) for a, b in zip(made, unstyled, strict=True)]
        lip_sync = float(torch.cat(correlations).mean())
        score = -distance - _SYNC_PENALTY * max(0.0, _IN_SYNC - lip_sync)
        return {"distance": distance, "lip_sync": lip_sync, "score": score}

    def delta(self, before: dict[str, Tensor]) -> dict[str, Tensor]:
        """Give the changes of the student's weights against those before, by their names."""
        after = self.student.state_dict()
        return {name: after[name] - weight for name, weight in before.items() if not torch.equal(after[name], weight)}

    def _regularise(
        self, phi_mg: Tensor, phi_s: Tensor, features_mg: Tensor, features_s: Tensor, rng: torch.Generator
    ) -> Tensor:
        phi_hat = losses.joint_representation(phi_s, phi_mg, self.recipe.gamma)
        direction = losses.direction_between(features_mg, features_s) if self.recipe.norm == "direction" else None
        return losses.regularisation(self.f, phi_hat, self.recipe.norm, direction, rng)

    def _decode(self, features: Tensor) -> Tensor:
        return self.student.decode(features)[:, self._ahead :]

    def _draw_own(self, rng: torch.Generator) -> tuple[Tensor, Tensor]:
        """Draw stretches of the clip: features (B, F + ahead, H) and motion (B, F, 68, 3); all of a short clip."""
        frames = min(self.recipe.frames, len(self._style))
        spare = len(self._style) - frames
        starts = torch.randint(spare + 1, (4 if spare else 1,), generator=rng).tolist()
        return _stretches(self._features, starts, frames + self._ahead), _stretches(self._style, starts, frames)

    def _draw_replay(self, rng: torch.Generator) -> tuple[Tensor, Tensor, Tensor]:
        """Draw stretches of the replay set, said faster or slower and with noise, so that none is learnt by heart.

        Returns:
            Features (B, F + ahead, H), target motion (B, F, 68, 3), and motion of the unstyled generator, likewise.
        """
        recipe = self.recipe
        picks = torch.multinomial(self._lengths, recipe.batch, replacement=True, generator=rng).tolist()
        frames = min(recipe.frames, min(len(self._unstyled[n]) for n in picks)) + self._ahead
        said = torch.stack([at_a_pace(self._pieces[n], frames, recipe.tempo, rng) for n in picks])
        features = said + recipe.noise * self._spread * torch.randn(said.shape, generator=rng)
        with torch.no_grad():
            target, unstyled = (
                generator.decode(features)[:, self._ahead :] for generator in (self._transported, self._generator)
            )
        return features, target, unstyled


def at_a_pace(piece: Tensor, frames: int, tempo: float, rng: torch.Generator) -> Tensor:
    """Draw a stretch of speech, said faster or slower.

    Args:
        piece: (T, H) features; a short one is said as slowly as it takes to last.
        frames: length of the stretch, T at most.
        tempo: how much faster or slower at most, as a share.
        rng: of pace and place.

    Returns:
        (frames, H).
    """
    pace, place = torch.rand(2, generator=rng).tolist()
    pace = min(1 + tempo * (2 * pace - 1), (len(piece) - 1) / (frames - 1))
    at = place * (len(piece) - 1 - pace * (frames - 1)) + pace * torch.arange(frames)
    before = at.long().clamp(max=len(piece) - 2)
    return torch.lerp(piece[before], piece[before + 1], (at - before)[:, None])


def _stretches(whole: Tensor, starts: Sequence[int], frames: int) -> Tensor:
    return torch.stack([whole[start : start + frames] for start in starts])


def _thinned(rows: Tensor) -> Tensor:
    return rows[:: max(1, -(-len(rows) // _MAX_ROWS))]


def _correlation(a: Tensor, b: Tensor) -> Tensor:
    """Correlate over time, (B, T) and (B, T) -> (B,)."""
    a, b = a - a.mean(1, keepdim=True), b - b.mean(1, keepdim=True)
    return (a * b).sum(1) / (a.square().sum(1) * b.square().sum(1) + 1e-6).sqrt()
