"""The Motion Generator: sound -> 68 x 3 expression offsets in canonical space, causal with a short look-ahead."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from rhapsode.audio.mel import LOG_FLOOR, MEL_BANDS, log_mel
from rhapsode.audio.waveform import Waveform, normalise_loudness
from rhapsode.errors import WeightsError

#: Share of activations left out in training; the clips are few, and without it a thousand steps learn them by heart.
DROPOUT = 0.4

#: Mel frames (1/120 s) of the average training voice that count before a voice has been heard at all: two seconds.
#: Half a second was worse on val (0.656 against 0.674): the average of a few sounds is not that of a voice.
PRIOR_FRAMES = 240.0


@dataclass(frozen=True)
class GeneratorDims:
    """Sizes of a Motion Generator.

    Attributes:
        hidden: width of the recurrent layers.
        layers: number of recurrent layers.
        components: expressions the output is combined from (rows of the basis).
        look_ahead: motion frames (1/60 s) of sound heard beyond the frame that is made.
    """

    hidden: int = 192
    layers: int = 2
    components: int = 32
    look_ahead: int = 8


class MotionGenerator(nn.Module):
    """A convolution over neighbouring frames and a stack of GRUs over log-mel, read out in a basis of expressions.

    Eyelids do not follow the voice: the basis is zero there, and blinks are made apart (`motion.blinks`).
    """

    basis: Tensor
    mel_mean: Tensor
    mel_std: Tensor

    def __init__(self, dims: GeneratorDims) -> None:
        super().__init__()
        self.dims = dims
        self.embed = nn.Sequential(nn.Linear(2 * MEL_BANDS, dims.hidden), nn.GELU())
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
        self.register_buffer("mel_mean", torch.zeros(MEL_BANDS))
        self.register_buffer("mel_std", torch.ones(MEL_BANDS))

    def forward(self, mel: Tensor) -> Tensor:
        """Expression offsets for whole sequences.

        Args:
            mel: (B, 2T, 80) log-mel, two frames a motion frame.

        Returns:
            (B, T, 68, 3) offsets from the resting face, canonical space, 60 a second.
        """
        ahead = self.dims.look_ahead
        silence = mel.new_full((mel.shape[0], 2 * ahead, MEL_BANDS), LOG_FLOOR)
        heard = torch.cat([mel, silence], 1)
        heard = (heard - self._own_voice(heard)) / self.mel_std
        x = self.embed(heard.reshape(heard.shape[0], -1, 2 * MEL_BANDS))
        # Left padding keeps the convolution causal; the look-ahead comes from the shift below alone.
        past = x[:, :1].expand(-1, self.context.kernel_size[0] - 1, -1)
        x = x + nn.functional.gelu(self.context(torch.cat([past, x], 1).transpose(1, 2))).transpose(1, 2)
        x, _ = self.recurrent(self.dropout(x))
        weights = self.readout(self.dropout(x[:, ahead:]))
        return (weights @ self.basis).unflatten(-1, (68, 3))

    def _own_voice(self, mel: Tensor) -> Tensor:
        """The average spectrum of the voice up to each moment, (B, 2T, 80), silence hardly counted.

        Hearing a voice against its own average takes the colour of voice, room and microphone out; a strange voice
        (a synthesiser) would otherwise hold the mouth open. It starts from the average of the training voices.
        """
        loud = torch.sigmoid(2 * (mel.mean(-1, keepdim=True) - self.mel_mean.mean()))
        heard = (loud * mel).cumsum(1) + PRIOR_FRAMES * self.mel_mean
        return heard / (loud.cumsum(1) + PRIOR_FRAMES)

    @torch.inference_mode()
    def speak(self, sound: Waveform) -> np.ndarray:
        """Expression offsets for a sound of any loudness.

        Args:
            sound: 16 kHz mono.

        Returns:
            (T, 68, 3) float32, canonical space, 60 a second, T = `mel.motion_frames(N)`.
        """
        mel = torch.from_numpy(log_mel(normalise_loudness(sound).samples))
        return self(mel[None])[0].numpy()

    def save(self, path: Path) -> None:
        """Write weights and sizes to one safetensors file."""
        tensors = {name: value.contiguous() for name, value in self.state_dict().items()}
        save_file(tensors, path, metadata={"dims": json.dumps(asdict(self.dims))})

    @classmethod
    def load(cls, path: Path) -> "MotionGenerator":
        """Read what `save` wrote, ready to speak.

        Raises:
            WeightsError: if the file is missing, damaged, or of another model.
        """
        try:
            with safe_open(path, "pt") as file:
                dims = GeneratorDims(**json.loads(file.metadata()["dims"]))
                state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            generator = cls(dims)
            generator.load_state_dict(state)
        except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise WeightsError(f"{path}: not a usable Motion Generator ({reason}); install rhapsode again") from None
        return generator.eval()
