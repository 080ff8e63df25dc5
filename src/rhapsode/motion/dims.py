"""Sizes of the audio encoder and the Motion Generator, and what training and run time must agree on."""

from dataclasses import dataclass, field

#: Mel frames (1/120 s) of the average training voice that count before a voice has been heard at all: two seconds.
#: Half a second was worse on val (0.656 against 0.674): the average of a few sounds is not that of a voice.
CMN_PRIOR_FRAMES = 240.0


@dataclass(frozen=True)
class EncoderDims:
    """Sizes of an audio encoder."""

    hidden: int = 384
    """Width of the recurrent layers, and of the features."""
    layers: int = 3
    """Recurrent layers."""
    delay: int = 10
    """Motion frames (1/60 s) by which a feature trails the sound: feature m + delay tells best what is spoken at m."""


@dataclass(frozen=True)
class GeneratorDims:
    """Sizes of a Motion Generator."""

    hidden: int = 192
    """Width of the recurrent layers."""
    layers: int = 1
    """Recurrent layers."""
    components: int = 32
    """Expressions that the output combines (rows of the basis)."""
    look_ahead: int = 10
    """Motion frames (1/60 s) of sound beyond the frame that is made."""
    encoder: EncoderDims | None = field(default_factory=EncoderDims)
    """Sizes of its audio encoder; without one its input is log-mel. Training takes them from its weights."""
