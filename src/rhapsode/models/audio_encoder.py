"""The audio encoder: log-mel -> phonetic features, by autoregressive predictive coding (APC).

A stack of GRUs that predicts the spectrum some frames ahead (Chung et al., "An Unsupervised Autoregressive Model for
Speech Representation Learning", 2019; arXiv 2303.09799 sect. 3); its last hidden state is the feature. It is causal,
and can be run chunk by chunk. Ours learns from a teacher too (`training.audio_encoder`).
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from rhapsode.audio.dims import CMN_PRIOR_FRAMES, EncoderDims
from rhapsode.audio.mel import MEL_BANDS
from rhapsode.files import reading


class MeanState(NamedTuple):
    """State of `OnlineMeanNormalization`: weight of the frames so far (B, 1, 1), and their weighted sum (B, 1, 80)."""

    heard: Tensor
    total: Tensor


class EncoderState(NamedTuple):
    """What an encoder remembers between chunks: the voice so far, and the hidden state (layers, B, H)."""

    voice: MeanState
    hidden: Tensor


class OnlineMeanNormalization(nn.Module):
    """Log-mel against the average spectrum of the voice up to each moment, silence hardly counted.

    This takes the colour of voice, room and microphone out; a strange voice (a synthesiser) would otherwise hold the
    mouth open. It starts from the average of the training voices.
    """

    mean: Tensor
    std: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mean", torch.zeros(MEL_BANDS))
        self.register_buffer("std", torch.ones(MEL_BANDS))

    def fit(self, mels: Tensor) -> None:
        """Take the average training voice from (M, 80) log-mel frames."""
        self.mean.copy_(mels[mels.mean(1) > mels.mean()].mean(0))
        self.std.copy_(mels.std(0))

    def forward(self, mel: Tensor, state: MeanState | None = None) -> tuple[Tensor, MeanState]:
        """(B, 2T, 80) log-mel -> the same against its own voice, in training spreads; and what was heard."""
        if state is None:
            state = MeanState(mel.new_zeros(len(mel), 1, 1), mel.new_zeros(len(mel), 1, MEL_BANDS))
        loud = torch.sigmoid(2 * (mel.mean(-1, keepdim=True) - self.mean.mean()))
        heard = state.heard + loud.cumsum(1)
        total = state.total + (loud * mel).cumsum(1)
        average = (total + CMN_PRIOR_FRAMES * self.mean) / (heard + CMN_PRIOR_FRAMES)
        return (mel - average) / self.std, MeanState(heard[:, -1:], total[:, -1:])


class AudioEncoder(nn.Module):
    """A stack of GRUs over log-mel, two mel frames a step."""

    def __init__(self, dims: EncoderDims) -> None:
        super().__init__()
        self.dims = dims
        self.voice = OnlineMeanNormalization()
        self.embed = nn.Sequential(nn.Linear(2 * MEL_BANDS, dims.hidden), nn.GELU())
        self.recurrent = nn.GRU(dims.hidden, dims.hidden, dims.layers, batch_first=True)

    def forward(self, mel: Tensor, state: EncoderState | None = None) -> tuple[Tensor, EncoderState]:
        """Features of a stretch of sound.

        Args:
            mel: (B, 2T, 80) log-mel.
            state: what was returned for the stretch before; nothing at the beginning.

        Returns:
            (B, T, H) features in [-1, 1], 60 a second, feature m of the sound up to mel frame 2m + 1; and the state.
        """
        heard, voice = self.voice(mel, state and state.voice)
        x = self.embed(heard.reshape(len(mel), -1, 2 * MEL_BANDS))
        features, hidden = self.recurrent(x, state and state.hidden)
        return features, EncoderState(voice, hidden)

    def save(self, path: Path) -> None:
        """Write weights and sizes to one safetensors file, in half precision: half the size, the same motion."""
        tensors = {name: value.half().contiguous() for name, value in self.state_dict().items()}
        save_file(tensors, path, metadata={"encoder": json.dumps(asdict(self.dims))})

    @classmethod
    def load(cls, path: Path) -> "AudioEncoder":
        """Read what `save` wrote.

        Raises:
            WeightsError: if the file is missing, damaged, or of another model.
        """
        with reading(path, "audio encoder"), safe_open(path, "pt") as file:
            encoder = cls(EncoderDims(**json.loads(file.metadata()["encoder"])))
            encoder.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
        return encoder.eval()
