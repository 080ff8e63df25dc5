"""Sizes of the Motion Generator."""

from dataclasses import dataclass, field

from rhapsode.audio.dims import EncoderDims


@dataclass(frozen=True)
class GeneratorDims:
    """Sizes of a Motion Generator.

    Attributes:
        hidden: width of the recurrent layers.
        layers: number of recurrent layers.
        components: expressions the output is combined from (rows of the basis).
        look_ahead: motion frames (1/60 s) of sound heard beyond the frame that is made.
        encoder: sizes of the audio encoder it hears through; without one it hears log-mel.
    """

    hidden: int = 192
    layers: int = 2
    components: int = 32
    look_ahead: int = 10
    encoder: EncoderDims | None = field(default_factory=EncoderDims)
