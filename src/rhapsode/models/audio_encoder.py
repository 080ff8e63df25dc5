"""The audio encoder: log-mel -> phonetic features, by autoregressive predictive coding (APC).

A stack of GRUs that predicts the spectrum some frames ahead (Chung et al., "An Unsupervised Autoregressive Model for
Speech Representation Learning", 2019; arXiv 2303.09799 sect. 3); its last hidden state is the feature. It is causal
and runs chunk by chunk. Ours is also distilled from a teacher (`training.audio_encoder`).
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn

from rhapsode.audio.mel import MEL_BANDS
from rhapsode.files import atomic_write, reading
from rhapsode.motion.dims import CMN_PRIOR_FRAMES, EncoderDims


class MeanState(NamedTuple):
    """State of `OnlineMeanNormalization`: weight of the frames so far (B, 1, 1), and their weighted sum (B, 1, 80)."""

    weight: Tensor
    total: Tensor


class EncoderState(NamedTuple):
    """State of an encoder between chunks: the running mean of the voice, and the hidden state (layers, B, H)."""

    voice: MeanState
    hidden: Tensor


class OnlineMeanNormalization(nn.Module):
    """Subtract the running mean of the voice from log-mel; silence hardly counts.

    This removes the coloring of voice, room and microphone; an unusual voice (a synthesiser's) would otherwise hold
    the mouth open. It starts from the mean of the training voices.
    """

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(MEL_BANDS))
        self.register_buffer("std", torch.ones(MEL_BANDS))

    def fit(self, mels: Tensor) -> None:
        """Take mean and spread of the training voices from (M, 80) log-mel frames."""
        self.mean.copy_(mels[mels.mean(1) > mels.mean()].mean(0))
        self.std.copy_(mels.std(0))

    def forward(self, mel: Tensor, state: MeanState | None = None) -> tuple[Tensor, MeanState]:
        """Normalise (B, 2T, 80) log-mel; returns it in units of the training spread, and the state."""
        if state is None:
            state = MeanState(mel.new_zeros(len(mel), 1, 1), mel.new_zeros(len(mel), 1, MEL_BANDS))
        loud = torch.sigmoid(2 * (mel.mean(-1, keepdim=True) - self.mean.mean()))
        weight = state.weight + loud.cumsum(1)
        total = state.total + (loud * mel).cumsum(1)
        average = (total + CMN_PRIOR_FRAMES * self.mean) / (weight + CMN_PRIOR_FRAMES)
        return (mel - average) / self.std, MeanState(weight[:, -1:], total[:, -1:])


class AudioEncoder(nn.Module):
    """A stack of GRUs over log-mel, two mel frames a step."""

    def __init__(self, dims: EncoderDims) -> None:
        super().__init__()
        self.dims = dims
        self.voice = OnlineMeanNormalization()
        self.embed = nn.Sequential(nn.Linear(2 * MEL_BANDS, dims.hidden), nn.GELU())
        self.recurrent = nn.GRU(dims.hidden, dims.hidden, dims.layers, batch_first=True)

    def forward(self, mel: Tensor, state: EncoderState | None = None) -> tuple[Tensor, EncoderState]:
        """Compute features of a chunk of sound.

        Args:
            mel: (B, 2T, 80) log-mel.
            state: as returned for the chunk before; None at the beginning.

        Returns:
            (B, T, H) features in [-1, 1], 60 a second, feature m of the sound up to mel frame 2m + 1; and the state.
        """
        normalised, voice = self.voice(mel, state and state.voice)
        x = self.embed(normalised.reshape(len(mel), -1, 2 * MEL_BANDS))
        features, hidden = self.recurrent(x, state and state.hidden)
        return features, EncoderState(voice, hidden)

    def save(self, path: Path) -> None:
        """Write weights and sizes to one safetensors file, in half precision: half the size, the same motion."""
        tensors = {name: value.half().contiguous() for name, value in self.state_dict().items()}
        atomic_write(path, save(tensors, metadata={"encoder": json.dumps(asdict(self.dims))}))

    @classmethod
    def load(cls, path: Path) -> "AudioEncoder":
        """Read what `save` wrote.

        Raises:
            WeightsError: the file is missing, damaged, or of another model.
        """
        with reading(path, "audio encoder", "train one"), safe_open(path, "pt") as file:
            encoder = cls(EncoderDims(**json.loads(file.metadata()["encoder"])))
            encoder.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
        return encoder.eval()
