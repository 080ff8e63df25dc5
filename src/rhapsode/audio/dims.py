"""Sizes of the audio encoder, and what training and speaking must agree on."""

from dataclasses import dataclass

#: Mel frames (1/120 s) of the average training voice that count before a voice has been heard at all: two seconds.
#: Half a second was worse on val (0.656 against 0.674): the average of a few sounds is not that of a voice.
CMN_PRIOR_FRAMES = 240.0


@dataclass(frozen=True)
class EncoderDims:
    """Sizes of an audio encoder.

    Attributes:
        hidden: width of the recurrent layers, and of the features.
        layers: number of recurrent layers.
        delay: motion frames (1/60 s) by which the phonetic content of a feature trails the sound it was made from:
            the feature of frame m + delay tells best what is spoken at frame m.
    """

    hidden: int = 384
    layers: int = 3
    delay: int = 10
