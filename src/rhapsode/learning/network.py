"""The style transfer network f, and the features of motion that it takes."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from rhapsode.face.landmarks import EYES

#: `paper`: the landmarks of single frames, as published. `window`: windows of motion, since style shows over time.
Form = Literal["paper", "window"]

#: Samples in a window, and frames (1/60 s) from one sample to the next: 0.4 s.
SAMPLES, HOP = 8, 3
#: Frames from one window to the next.
STRIDE = 2
#: Weight of velocities against positions in a window: differences between samples are smaller by about this factor.
VELOCITY = 4.0


class TransferNetwork(nn.Module):
    """f: an MLP of 1024, 512 and 256 neurons whose last layer gives the mean features (arXiv 2303.09799 sect. 3)."""

    def __init__(self, inputs: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(inputs, 1024), nn.LeakyReLU(0.2), nn.Linear(1024, 512), nn.LeakyReLU(0.2), nn.Linear(512, 256)
        )

    def forward(self, rows: Tensor) -> Tensor:
        """Map rows (N, D) -> (N, 256); their mean over N is f of a motion."""
        features: Tensor = self.layers(rows)
        return features


@dataclass(frozen=True)
class MotionWindows:
    """Turn motion into feature rows for the transfer network.

    Attributes:
        form: single frames or windows.
        axes: (204, K) orthonormal basis of the generator's expressions, in which distances are those of landmarks.
        scale: standard deviation of the style clip's motion, canonical units; features are divided by it.
    """

    form: Form
    axes: Tensor
    scale: float

    @classmethod
    def on(cls, style: Tensor, basis: Tensor, form: Form) -> "MotionWindows":
        """Fit to a style clip (T, 68, 3) and the generator's basis (K, 204)."""
        axes = torch.linalg.qr(basis.T)[0]
        spread = (style.reshape(len(style), 204) @ axes).std(0).square().sum().sqrt()
        return cls(form, axes, float(spread.clamp(min=1e-4)))

    @property
    def inputs(self) -> int:
        """Give D, the width of a feature row."""
        return 204 if self.form == "paper" else 2 * SAMPLES * self.axes.shape[1]

    def features(self, motion: Tensor) -> Tensor:
        """Compute feature rows of motion (B, T, 68, 3), offsets from rest in canonical space -> (N, D)."""
        if self.form == "paper":
            seen = motion.clone()
            seen[..., EYES, :] = 0
            return seen.reshape(-1, 204) / self.scale
        position = motion.flatten(2) @ self.axes / self.scale
        velocity = VELOCITY * (position[:, HOP:] - position[:, :-HOP])
        both = torch.cat([position[:, HOP:], velocity], dim=2)
        windows = both.unfold(1, SAMPLES * HOP, STRIDE)[..., ::HOP]
        return windows.flatten(0, 1).flatten(1) / SAMPLES**0.5
