"""The published Motion Generator: sound -> 68 x 3 expression offsets in canonical space, causal, a short look-ahead.

This is the model in torch, for training. `motion.mel_encoder` and `motion.generator.RecurrentGenerator` run the same
weights.
"""

import json
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save
from torch import Tensor, nn

from rhapsode.audio.mel import LOG_FLOOR, MEL_BANDS
from rhapsode.files import atomic_write, reading
from rhapsode.models.audio_encoder import AudioEncoder, EncoderState, MeanState, OnlineMeanNormalization
from rhapsode.motion.dims import EncoderDims, GeneratorDims
from rhapsode.motion.generator import RecurrentGenerator, key_of

_Module = TypeVar("_Module", bound=nn.Module)

#: Prefix of the audio encoder's weights.
_ENCODER = "audio_encoder."
#: Share of activations dropped in training; the clips are few, and without it a thousand steps overfit.
DROPOUT = 0.4


class GeneratorState(NamedTuple):
    """State between chunks: of the audio encoder, the last frames embedded (B, 4, H), and hidden (layers, B, H)."""

    audio_encoder: EncoderState | MeanState
    past: Tensor
    hidden: Tensor


def to_landmarks(weights: Tensor, basis: Tensor) -> Tensor:
    """Combine the expressions of a basis: weights (B, T, K) and basis (K, 204) -> offsets (B, T, 68, 3)."""
    flat: Tensor = weights @ basis
    return flat.reshape(*weights.shape[:2], 68, 3)


def changed_copy(module: _Module, changes: Mapping[str, Tensor]) -> _Module:
    """Copy a module and add changes to the weights of these names."""
    other = deepcopy(module)
    weights = other.state_dict()
    with torch.no_grad():
        for name, change in changes.items():
            weights[name].add_(change)
    return other


class MotionGenerator(nn.Module):
    """Map features of sound by a causal convolution and a stack of GRUs to weights of a basis of expressions.

    It does not predict eyelids: the basis is zero there, and `motion.blinks` makes blinks.
    """

    basis: Tensor

    def __init__(self, dims: GeneratorDims) -> None:
        super().__init__()
        self.dims = dims
        self.audio_encoder = AudioEncoder(dims.encoder) if dims.encoder else OnlineMeanNormalization()
        features = dims.encoder.hidden if dims.encoder else 2 * MEL_BANDS
        self.embed = nn.Sequential(nn.Linear(features, dims.hidden), nn.GELU())
        self.context = nn.Conv1d(dims.hidden, dims.hidden, kernel_size=5)
        self.dropout = nn.Dropout(DROPOUT)
        self.recurrent = nn.GRU(
            dims.hidden,
            dims.hidden,
            dims.layers,
            batch_first=True,
            dropout=DROPOUT if dims.layers > 1 else 0.0,
        )
        self.readout = nn.Linear(dims.hidden, dims.components)
        self.register_buffer("basis", torch.zeros(dims.components, 204))

    def forward(self, mel: Tensor) -> Tensor:
        """Generate expression offsets for whole sequences.

        Args:
            mel: (B, 2T, 80) log-mel, two frames a motion frame.

        Returns:
            (B, T, 68, 3) offsets from the resting face, canonical space, 60 a second.
        """
        expression, _ = self.step(self._padded(mel))
        return expression[:, self.dims.look_ahead :]

    def _padded(self, mel: Tensor) -> Tensor:
        """Append silence as long as the look-ahead."""
        return torch.cat([mel, mel.new_full((len(mel), 2 * self.dims.look_ahead, MEL_BANDS), LOG_FLOOR)], 1)

    def step(self, mel: Tensor, state: GeneratorState | None = None) -> tuple[Tensor, GeneratorState]:
        """Generate expression offsets for the next chunk of a sound, late by the look-ahead.

        Args:
            mel: (B, 2T, 80) log-mel.
            state: as returned for the chunk before; None at the beginning.

        Returns:
            (B, T, 68, 3), of which frame m belongs `look_ahead` frames before mel frame 2m (the first `look_ahead`
            frames of a sound belong to no moment of it), and the state.
        """
        features, audio_encoder = self.encode(mel, state and state.audio_encoder)
        expression, past, hidden = self.decode_chunk(features, state)
        return expression, GeneratorState(audio_encoder, past, hidden)

    def encode(
        self, mel: Tensor, state: EncoderState | MeanState | None = None
    ) -> tuple[Tensor, EncoderState | MeanState]:
        """Compute features of a chunk of sound, log-mel (B, 2T, 80) -> (B, T, F), and the encoder's state."""
        features, state = self.audio_encoder(mel, state)
        return (features if self.dims.encoder else features.reshape(len(mel), -1, 2 * MEL_BANDS)), state

    def condense(self, features: Tensor) -> Tensor:
        """Give features as they are: a style may change all that follows."""
        return features

    def decode(self, features: Tensor) -> Tensor:
        """Generate motion from the features of a whole sound, (B, T, F) -> (B, T, 68, 3), late by the look-ahead."""
        return self.decode_chunk(features)[0]

    def decode_chunk(self, features: Tensor, state: GeneratorState | None = None) -> tuple[Tensor, Tensor, Tensor]:
        """Generate motion from features, (B, T, F) -> (B, T, 68, 3), late by the look-ahead; and the state."""
        x = self.embed(features)
        # The convolution sees the past alone; the look-ahead comes from shifting the output.
        reach = self.context.kernel_size[0] - 1
        joined = torch.cat([state.past if state else x[:, :1].expand(-1, reach, -1), x], 1)
        x = x + nn.functional.gelu(self.context(joined.transpose(1, 2))).transpose(1, 2)
        x, hidden = self.recurrent(self.dropout(x), state and state.hidden)
        expression = to_landmarks(self.readout(self.dropout(x)), self.basis)
        return expression, joined[:, -reach:], hidden

    @property
    def look_ahead(self) -> int:
        """Motion frames by which `decode` is late against the features."""
        return self.dims.look_ahead

    def styled_parameters(self) -> list[nn.Parameter]:
        """Give the parameters that a style changes."""
        return [each for name, each in self.named_parameters() if not name.startswith(_ENCODER)]

    def without_dropout(self) -> "MotionGenerator":
        """Switch dropout off, in training too; gives the generator itself."""
        self.dropout.p = self.recurrent.dropout = 0.0
        return self

    @property
    def key(self) -> str:
        """Name the weights, those of the audio encoder left out, by twelve hexadecimal digits."""
        return key_of(self._own_weights())

    def with_weight_delta(self, changes: Mapping[str, Tensor]) -> "MotionGenerator":
        """Copy the generator and add changes to the weights of these names."""
        return changed_copy(self, changes)

    def to_numpy(self) -> RecurrentGenerator:
        """Convert to the form that run time uses; the audio encoder is a model of its own there."""
        return RecurrentGenerator(self.dims, self._own_weights())

    def _own_weights(self) -> dict[str, np.ndarray]:
        weights = self.state_dict().items()
        return {name: value.cpu().numpy().copy() for name, value in weights if not name.startswith(_ENCODER)}

    def save(self, path: Path) -> None:
        """Write weights and sizes to one safetensors file, in half precision: half the size, the same motion."""
        tensors = {name: value.half().contiguous() for name, value in self.state_dict().items()}
        atomic_write(path, save(tensors, metadata={"dims": json.dumps(asdict(self.dims))}))

    @classmethod
    def load(cls, path: Path) -> "MotionGenerator":
        """Read what `save` wrote, in evaluation mode.

        Raises:
            WeightsError: the file is missing, damaged, or of another model.
        """
        with reading(path, "Motion Generator"), safe_open(path, "pt") as file:
            sizes = json.loads(file.metadata()["dims"])
            encoder = sizes.pop("encoder")
            generator = cls(GeneratorDims(**sizes, encoder=EncoderDims(**encoder) if encoder else None))
            generator.load_state_dict({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118
        return generator.eval()
