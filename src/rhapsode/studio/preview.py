"""Two seconds at 256 pixels, at once: the sound's features are computed once, and what follows the sliders is drawn.

A preview runs the same code as a video. Only its audio encoder remembers what it gave for the same two seconds.
"""

import io
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from rhapsode.animator import Animator
from rhapsode.face.geometry import MIN_EYE_DISTANCE
from rhapsode.media.sinks import FragmentedMp4
from rhapsode.media.waveform import Waveform
from rhapsode.motion.model import AudioEncoder, FeatureStream
from rhapsode.options import AnimationOptions
from rhapsode.portrait import Portrait
from rhapsode.studio.warnings_heard import heard_warnings

#: Length of a preview, seconds, its longest side, pixels, and the most frames a second.
SECONDS, SIZE, FPS = 2.0, 256, 25
#: Pixels between the outer corners of the eyes for which a preview is made larger.
_EYES = 1.1 * MIN_EYE_DISTANCE


class RememberingEncoder:
    """Give the features of one sound, computed when it is first heard."""

    def __init__(self, encoder: AudioEncoder) -> None:
        """Remember for an encoder."""
        self.width, self.look_ahead = encoder.width, encoder.look_ahead
        self._encoder = encoder
        self._given: list[list[np.ndarray]] = []

    def start(self) -> FeatureStream:
        """Begin the sound, again."""
        return _Remembered(self._given, self._encoder.start())


class _Remembered:
    """Features of the sound's pieces in their order; those beyond what is known are computed."""

    def __init__(self, given: list[list[np.ndarray]], stream: FeatureStream) -> None:
        self._given, self._stream = given, stream
        self._number = 0
        self._unheard: list[np.ndarray] = []  # pieces that were known, and that the stream must hear before others

    def push(self, levelled: np.ndarray) -> Iterator[np.ndarray]:
        self._number += 1
        self._unheard.append(levelled)
        while len(self._given) < self._number:
            heard = [list(self._stream.push(piece)) for piece in self._unheard]
            self._unheard.clear()
            self._given.append(heard[-1])
        return iter(self._given[self._number - 1])

    def restart(self) -> None:
        raise NotImplementedError("an excerpt is not interrupted")


@dataclass
class Excerpt:
    """Two seconds of a voice.

    Attributes:
        sound: the excerpt, 16 kHz.
        encoder: has heard it, once a preview was made of it.
    """

    sound: Waveform
    encoder: RememberingEncoder | None = None

    @classmethod
    def of(cls, sound: Waveform, start: float) -> "Excerpt":
        """Cut a sound from a second on."""
        first = round(start * sound.rate)
        return cls(Waveform(sound.samples[first : first + round(SECONDS * sound.rate)], sound.rate))


def remembering(animator: Animator, excerpt: Excerpt) -> Animator:
    """Give an animator, of the same models, that has heard an excerpt once it has animated it once."""
    speech = animator.speech.wide
    if excerpt.encoder is None:
        excerpt.encoder = RememberingEncoder(speech.encoder)
    own = replace(speech, encoder=excerpt.encoder)
    return Animator(own, animator.head, animator.picture, animator.threads, animator.bundle)


def small_size(portrait: Portrait) -> int:
    """Choose the longest side at which a preview's face is still found, pixels."""
    longest = max(portrait.width, portrait.height)
    eyes = portrait.measured.face.eye_distance / longest
    return min(longest, max(SIZE, round(_EYES / eyes)))


class Previewer:
    """Makes previews, one at a time."""

    def __init__(self) -> None:
        """Begin with none."""
        self._turn = threading.Lock()

    def let_pass(self) -> None:
        """Wait while a preview is under way: other work stands back for it."""
        with self._turn:
            pass

    def make(self, animator: Animator, portrait: Portrait, excerpt: Excerpt, options: AnimationOptions) -> bytes:
        """Make a preview, a fragmented MP4 with sound.

        Args:
            animator: holds the models.
            portrait: small.
            excerpt: what it says; its encoder is made where it has none.
            options: as for the whole; frames beyond `FPS` a second are left out, and it does not end as it begins.
        """
        told = replace(options, fps=min(options.frame_rate, Fraction(FPS)), loop=False)
        file = io.BytesIO()
        with self._turn, heard_warnings():
            video = remembering(animator, excerpt).animate(portrait, excerpt.sound, told)
            video.save(FragmentedMp4(file, "preview"), credentials=False)
        return file.getvalue()
