"""Sizes of the audio encoders and the Motion Generators, and what training and run time must agree on."""

from dataclasses import dataclass, field

from rhapsode.audio.mel import MEL_BANDS

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

    @property
    def features(self) -> int:
        """Width of its input."""
        return self.encoder.hidden if self.encoder else 2 * MEL_BANDS


#: Mel frames (1/100 s) that the windowed encoder's front sees before and after the first of the two of a feature.
FRONT_BACK, FRONT_AHEAD = 2, 2


@dataclass(frozen=True)
class WindowedDims:
    """Sizes of a windowed encoder."""

    width: int = 512
    """Width of the layers, and of the features."""
    heads: int = 8
    """Heads of each attention."""
    ahead: tuple[int, ...] = (2, 1, 1)
    """Features (1/50 s) after a moment that each layer attends to in the live setting, layer by layer."""
    ahead_wide: tuple[int, ...] = (25, 25, 25)
    """The same in the wide setting, for files."""
    back: int = 150
    """Features before a moment that each layer attends to."""
    period: int = 1500
    """Features after which the positions repeat."""

    def look_ahead(self, wide: bool = False) -> float:
        """Compute the seconds of sound after the middle of a feature that it depends on, spectrum included."""
        return sum(self.ahead_wide if wide else self.ahead) / 50 + FRONT_AHEAD / 100 + 0.0125


@dataclass(frozen=True)
class FeatureGeneratorDims:
    """Sizes of a generator on an encoder's features."""

    features: int = 512
    """Width of its input."""
    hidden: int = 96
    """Width inside."""
    components: int = 32
    """Expressions that the output combines (rows of the basis)."""
    kernel: int = 11
    """Motion frames (1/60 s) that each of the two convolutions spans."""
    ahead: int = 3
    """Motion frames after a moment that its expression depends on; the others lie before it."""
