"""The style transfer network f, and the two forms in which it looks at motion."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from rhapsode.face.landmarks import EYES

#: `paper`: every frame by itself, the flattened landmarks, as published. `window`: stretches of motion, since manner
#: lives in time.
Form = Literal["paper", "window"]

#: A window is this many samples, and this many frames (1/60 s) from one to the next: 0.4 s.
SAMPLES, HOP = 8, 3
#: Frames from one window to the next.
STRIDE = 2
#: Weight of velocities beside positions in a window: differences between samples are about so much smaller.
VELOCITY = 4.0


class TransferNetwork(nn.Module):
    """f: an MLP of 1024, 512 and 256 neurons whose last layer gives the mean features (arXiv 2303.09799 sect. 3)."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(inputs, 1024), nn.LeakyReLU(0.2), nn.Linear(1024, 512), nn.LeakyReLU(0.2), nn.Linear(512, 256)
        )

    def forward(self, rows: Tensor) -> Tensor:
        """(N, D) -> (N, 256); their mean over N is f of a motion."""
        features: Tensor = self.layers(rows)
        return features


@dataclass(frozen=True)
class MotionWindows:
    """Makes rows for the transfer network of motion.

    Attributes:
        form: see `Form`.
        axes: (204, K) orthonormal, the span of the generator's expressions: distances in it are distances of landmarks.
        scale: spread of the style clip's motion, canonical units; rows are in units of it.
    """

    form: Form
    axes: Tensor
    scale: float

    @classmethod
    def on(cls, style: Tensor, basis: Tensor, form: Form) -> "MotionWindows":
        """One for a style clip (T, 68, 3) and the generator's basis (K, 204)."""
        axes = torch.linalg.qr(basis.T)[0]
        spread = (style.reshape(len(style), 204) @ axes).std(0).square().sum().sqrt()
        return cls(form, axes, float(spread.clamp(min=1e-4)))

    @property
    def inputs(self) -> int:
        """D, the width of a row."""
        return 204 if self.form == "paper" else 2 * SAMPLES * self.axes.shape[1]

    def rows(self, motion: Tensor) -> Tensor:
        """What f looks at: motion (B, T, 68, 3), offsets from rest -> (N, D)."""
        if self.form == "paper":
            seen = motion.clone()
            seen[..., EYES, :] = 0
            return seen.reshape(-1, 204) / self.scale
        position = motion.flatten(2) @ self.axes / self.scale
        velocity = VELOCITY * (position[:, HOP:] - position[:, :-HOP])
        both = torch.cat([position[:, HOP:], velocity], dim=2)
        windows = both.unfold(1, SAMPLES * HOP, STRIDE)[..., ::HOP]
        return windows.flatten(0, 1).flatten(1) / SAMPLES**0.5
