"""Two seconds at 256 pixels, at once: what follows the sliders is drawn, and what does not is remembered.

A preview runs the same code as a video, and shows frames that the video will have. What its sound alone decides is
remembered from one preview to the next: the features of the audio encoder, and for each style and strength what the
Motion Generator makes of them.
"""

import io
import math
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields, replace
from typing import Generic, Protocol, TypeVar

import numpy as np

from rhapsode.animator import Animator
from rhapsode.audio.voice_activity import StreamingVad, VoiceActivity
from rhapsode.errors import Cancelled
from rhapsode.face.geometry import MIN_EYE_DISTANCE
from rhapsode.media.sinks import FragmentedMp4
from rhapsode.media.waveform import Waveform
from rhapsode.motion.model import AudioEncoder, FeatureStream, SpeechModel
from rhapsode.motion.stream import Expressions, StyledMotionModel
from rhapsode.options import AnimationOptions
from rhapsode.portrait import Portrait
from rhapsode.studio.warnings_heard import heard_warnings
from rhapsode.style.style import Style

Item = TypeVar("Item")
Given = TypeVar("Given", covariant=True)

#: Length of a preview, seconds, its longest side, pixels, and the most frames a second.
SECONDS, SIZE, FPS = 2.0, 256, 15
#: Pixels between the outer corners of the eyes for which a preview is made larger.
_EYES = 1.1 * MIN_EYE_DISTANCE
#: Styles, and strengths of one, whose expressions are remembered of an excerpt.
_MOST_MODELS = 32


class _Stream(Protocol[Given]):
    """Take sound piece by piece, and give what each completes."""

    def push(self, samples: np.ndarray, /) -> Iterator[Given]: ...


class _Remembered(Generic[Item]):
    """What a stream gives for one sound, in the same pieces each time; it works only for what is not yet known."""

    def __init__(self, known: list[list[Item]], start: Callable[[], _Stream[Item]]) -> None:
        """Begin the sound, again; `known` grows by what `start`'s stream gives beyond it."""
        self._known, self._start = known, start
        self._stream: _Stream[Item] | None = None
        self._heard: list[np.ndarray] = []

    def push(self, samples: np.ndarray) -> Iterator[Item]:
        self._heard.append(samples)
        number = len(self._heard)
        if number > len(self._known):
            if self._stream is None:  # it must hear what it did not need to give
                self._stream = self._start()
                for piece in self._heard[:-1]:
                    deque(self._stream.push(piece), maxlen=0)
            self._known.append(list(self._stream.push(samples)))
        return iter(self._known[number - 1])

    def restart(self) -> None:
        raise NotImplementedError("an excerpt is not interrupted")


class _RememberingEncoder:
    """Give the features of one sound, computed when it is first heard."""

    def __init__(self, encoder: AudioEncoder) -> None:
        self.width, self.look_ahead = encoder.width, encoder.look_ahead
        self._encoder = encoder
        self._known: list[list[np.ndarray]] = []

    def start(self) -> FeatureStream:
        return _Remembered(self._known, self._encoder.start)


class _RememberingVad:
    """Tell where the voice of one sound is, found when it is first heard."""

    def __init__(self, known: list[float], look_ahead: int) -> None:
        self._known, self._look_ahead = known, look_ahead
        self._vad: StreamingVad | None = None
        self._heard: list[np.ndarray] = []
        self._frame = 0

    def push(self, samples: np.ndarray) -> None:
        self._heard.append(samples)

    def next(self) -> float:
        self._frame += 1
        if self._frame > len(self._known):
            begins = self._vad is None
            self._vad = self._vad or StreamingVad(self._look_ahead)
            while self._heard:
                self._vad.push(self._heard.pop(0))
            for _ in self._known if begins else ():
                self._vad.next()
            self._known.append(self._vad.next())
        return self._known[self._frame - 1]


@dataclass(frozen=True)
class _RememberingModel(StyledMotionModel):
    """Give the expressions of one sound, made when it is first heard."""

    known: list[list[tuple[np.ndarray, float]]] = field(default_factory=list)

    def start(self) -> Expressions:
        return _Remembered(self.known, super().start)


class Excerpt:
    """Two seconds of a voice, and what models have made of them.

    Attributes:
        sound: the excerpt, 16 kHz.
    """

    def __init__(self, sound: Waveform) -> None:
        """Take a sound that no model has heard."""
        self.sound = sound
        self._speech: SpeechModel | None = None
        self._voice: dict[int, list[float]] = {}
        self._expressions: dict[tuple[object, ...], list[list[tuple[np.ndarray, float]]]] = {}

    @classmethod
    def of(cls, sound: Waveform, start: float) -> "Excerpt":
        """Cut a sound from a second on."""
        first = round(start * sound.rate)
        return cls(Waveform(sound.samples[first : first + round(SECONDS * sound.rate)], sound.rate))

    def heard_by(self, speech: SpeechModel) -> SpeechModel:
        """Give models whose encoder remembers the excerpt; for one excerpt they are always the same models."""
        if self._speech is None:
            self._speech = replace(speech.wide, encoder=_RememberingEncoder(speech.wide.encoder))
        return self._speech

    def said_with(self, model: StyledMotionModel) -> StyledMotionModel:
        """Give a model that remembers what it says of the excerpt; of other models the least recent is forgotten."""
        key = (model.generator.key, model.extrapolation, model.projection)
        known = self._expressions.pop(key, [])
        self._expressions[key] = known
        if len(self._expressions) > _MOST_MODELS:
            del self._expressions[next(iter(self._expressions))]
        told = {one.name: getattr(model, one.name) for one in fields(model)} | {"vad": self._listen}
        return _RememberingModel(**told, known=known)

    def _listen(self, look_ahead: int) -> VoiceActivity:
        return _RememberingVad(self._voice.setdefault(look_ahead, []), look_ahead)


class Rehearsed(Animator):
    """Animate one excerpt, again and again: what its sound alone decides, with a style, is made once."""

    def __init__(self, animator: Animator, excerpt: Excerpt) -> None:
        """Take an animator's models."""
        speech = excerpt.heard_by(animator.speech)
        super().__init__(speech, animator.head, animator.picture, animator.threads, animator.bundle)
        self._excerpt = excerpt

    def motion_model(self, style: Style | None = None, strength: float = 1.0, live: bool = False) -> StyledMotionModel:
        """Give models that move a face; see `Animator.motion_model`. What they say of the excerpt is remembered."""
        return self._excerpt.said_with(super().motion_model(style, strength, live))


def small_size(portrait: Portrait) -> int:
    """Choose the longest side at which a preview's face is still found, pixels."""
    longest = max(portrait.width, portrait.height)
    eyes = portrait.measured.face.eye_distance / longest
    return min(longest, max(SIZE, round(_EYES / eyes)))


def always() -> bool:
    """Want a preview whatever happens."""
    return True


class Previewer:
    """Makes previews, one at a time.

    Attributes:
        turn: is held while a preview is made.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self.turn = threading.Lock()

    def let_pass(self) -> None:
        """Wait while a preview is under way: other work stands back for it."""
        with self.turn:
            pass

    def make(
        self,
        animator: Animator,
        portrait: Portrait,
        excerpt: Excerpt,
        options: AnimationOptions,
        wanted: Callable[[], bool] = always,
    ) -> bytes:
        """Make a preview, a fragmented MP4 with sound.

        Args:
            animator: holds the models.
            portrait: small.
            excerpt: what it says.
            options: as for the whole, of which it shows every frame or every so manieth, at most `FPS` a second; it
                does not end as it begins.
            wanted: tells whether anybody still waits for it; asked before it begins and after each frame.

        Raises:
            Cancelled: nobody waits for it any more.
        """

        def watch(_stage: str, _done: int, _total: int, /) -> None:
            if not wanted():
                raise Cancelled("the preview: is not wanted any more", "", "cancelled")

        told = replace(options, fps=options.frame_rate / math.ceil(options.frame_rate / FPS), loop=False)
        file = io.BytesIO()
        with self.turn, heard_warnings():
            watch("", 0, 0)
            video = Rehearsed(animator, excerpt).animate(portrait, excerpt.sound, told)
            video.save(FragmentedMp4(file, "preview"), watch, credentials=False)
        return file.getvalue()
