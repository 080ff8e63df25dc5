"""What makes motion of sound: an audio encoder and the generator on its features, as a model folder holds them."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import numpy as np
from safetensors import safe_open

from rhapsode.audio.voice_gate import FILE as GATE
from rhapsode.audio.voice_gate import VoiceGate
from rhapsode.bundle import Bundle
from rhapsode.files import reading
from rhapsode.motion.dims import EncoderDims, FeatureGeneratorDims, GeneratorDims
from rhapsode.motion.generator import FeatureGenerator, MotionGenerator, RecurrentGenerator
from rhapsode.motion.mel_encoder import MelEncoder
from rhapsode.motion.windowed_encoder import WindowedEncoder

#: Files of a model. The published form keeps its audio encoder in the same file as the generator.
GENERATOR, ENCODER = "motion_generator.safetensors", "audio_encoder.onnx"


class FeatureStream(Protocol):
    """Compute features of a sound as it arrives."""

    def push(self, levelled: np.ndarray) -> Iterator[np.ndarray]:
        """Take samples, (N,) float32 at 16 kHz, after gain control; give features, 60 a second, from time 0 on."""

    def restart(self) -> None:
        """Begin another sound of the same voice."""


class AudioEncoder(Protocol):
    """Make features of sound. It keeps nothing of a sound.

    Attributes:
        width: of the features.
        look_ahead: motion frames (1/60 s) of sound beyond the frame that a feature belongs to.
    """

    width: int
    look_ahead: int

    def start(self) -> FeatureStream:
        """Begin a sound."""


@dataclass(frozen=True)
class SpeechModel:
    """Hold an audio encoder, and the Motion Generator and voice gate on its features. They keep nothing of a sound.

    Attributes:
        encoder: makes features of sound.
        generator: makes motion of features.
        gate: tells of features where a voice sounds; None where none was trained on this encoder.
    """

    encoder: AudioEncoder
    generator: MotionGenerator
    gate: VoiceGate | None = None

    @property
    def look_ahead(self) -> int:
        """Motion frames (1/60 s) of sound beyond the frame that is made."""
        return self.encoder.look_ahead + self.generator.look_ahead

    @property
    def wide(self) -> "SpeechModel":
        """Give the setting for files, which looks further ahead; the model itself where it has no other."""
        wide = self.encoder.wide if isinstance(self.encoder, WindowedEncoder) else self.encoder
        return replace(self, encoder=wide)

    @classmethod
    def load(cls, bundle: Bundle) -> "SpeechModel":
        """Read the files of a model folder, in the setting for live sound.

        Raises:
            WeightsError: a file is missing, damaged, or of another model.
        """
        made = cls.read(bundle.path(GENERATOR), lambda: bundle.path(ENCODER))
        if not isinstance(made.encoder, WindowedEncoder) or GATE not in bundle:
            return made
        gate = VoiceGate.load(bundle.path(GATE))
        # The default's gate fits no other encoder; a model with one of its own may do without.
        return replace(made, gate=gate) if gate.encoder == bundle.digest(ENCODER) else made

    @classmethod
    def read(cls, generator: Path, encoder: Callable[[], Path] | None = None) -> "SpeechModel":
        """Read a generator's file, and its encoder's where that is a file of its own.

        Args:
            generator: the file.
            encoder: gives the encoder's file; the one beside the generator's where None.

        Raises:
            WeightsError: as `load`.
        """
        with reading(generator, "Motion Generator"), safe_open(generator, "np") as file:
            facts = file.metadata()
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            if "feature_generator" not in facts:
                return _published(facts["dims"], weights)
            dims = FeatureGeneratorDims(**json.loads(facts["feature_generator"]))
            made = FeatureGenerator(dims, weights)
        heard = WindowedEncoder.load(encoder() if encoder else generator.with_name(ENCODER))
        with reading(generator, "Motion Generator"):
            if heard.width != dims.features:
                raise ValueError(f"it takes {dims.features} features, and its audio encoder gives {heard.width}")
        return cls(heard, made)


def _published(dims: str, weights: dict[str, np.ndarray]) -> SpeechModel:
    sizes = json.loads(dims)
    encoder = sizes.pop("encoder")
    generator_dims = GeneratorDims(**sizes, encoder=EncoderDims(**encoder) if encoder else None)
    prefix = "audio_encoder."
    heard = {
        name.removeprefix(prefix): np.asarray(value, np.float32)
        for name, value in weights.items()
        if name.startswith(prefix)
    }
    return SpeechModel(MelEncoder(generator_dims.encoder, heard), RecurrentGenerator(generator_dims, weights))
