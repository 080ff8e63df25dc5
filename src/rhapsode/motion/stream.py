"""Motion for a sound that is still arriving; a whole sound goes the same way, so that both agree to the bit."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from rhapsode.audio.agc import AutomaticGainControl
from rhapsode.audio.mel import MelStream, motion_frames
from rhapsode.audio.projection import FeatureBank
from rhapsode.audio.voice_activity import StreamingVad
from rhapsode.media.waveform import SAMPLE_RATE, Waveform
from rhapsode.motion.blinks import BlinkStream
from rhapsode.motion.generator import GeneratorState, NumpyMotionGenerator
from rhapsode.motion.head import HeadModel, HeadStream
from rhapsode.motion.limits import soft_limit
from rhapsode.motion.motion import Motion, joined
from rhapsode.motion.retarget import retarget

_SILENCE = np.zeros(SAMPLE_RATE // 10, np.float32)


@dataclass(frozen=True)
class StyledMotionModel:
    """What moves a face: models, as a style has changed them. Nothing of a sound is kept in it.

    Attributes:
        generator: makes motion of sound.
        head: moves the head.
        plain: the generator without style, from whose motion that of `generator` is led on; None for not at all.
        beyond: how far.
        bank: features of a voice that every voice is brought to, and `mix`, how far; None for none.
        rest_expression: (68, 3) offsets that stay in pauses too.
        eyelid_offset: how far the lids hang at rest.
        blink_rate_scale: how many times as often as natural the eyes blink.
    """

    generator: NumpyMotionGenerator
    head: HeadModel
    plain: NumpyMotionGenerator | None = None
    beyond: float = 0.0
    bank: FeatureBank | None = None
    mix: float = 0.0
    rest_expression: np.ndarray = field(default_factory=lambda: np.zeros((68, 3), np.float32))
    eyelid_offset: float = 0.0
    blink_rate_scale: float = 1.0


class ExpressionStream:
    """What a model makes of a sound as it arrives, before that is fitted to any face."""

    def __init__(self, model: StyledMotionModel) -> None:
        self._model, self._mel = model, MelStream()
        self._styled: GeneratorState | None = None
        self._plain: GeneratorState | None = None
        self._early = model.generator.dims.look_ahead

    def push(self, levelled: np.ndarray) -> Iterator[np.ndarray]:
        """Take the samples that follow, (N,) float32 at 16 kHz, levelled; the frames that they complete, (1, 68, 3)."""
        # In small pieces, so that every frame is computed by itself whatever comes at once.
        for first in range(0, len(levelled), 64):
            mel = self._mel.push(levelled[first : first + 64])
            for pair in mel.reshape(-1, 2, mel.shape[1]):
                spoken = self._spoken(pair)
                if self._early:
                    self._early -= 1
                else:
                    yield spoken

    def _spoken(self, mel: np.ndarray) -> np.ndarray:
        model = self._model
        spoken, self._styled = model.generator.step(mel, self._styled, model.bank, model.mix)
        if model.plain is not None:
            plain, self._plain = model.plain.step(mel, self._plain)
            spoken = spoken + np.float32(model.beyond) * (spoken - plain)
        return spoken


def generate(model: StyledMotionModel, sound: Waveform) -> np.ndarray:
    """What a model makes of a sound that is there as a whole, heard as it would arrive.

    Args:
        model: what moves a face.
        sound: 16 kHz mono.

    Returns:
        (T, 68, 3) float32 offsets from a resting face, canonical space, 60 a second, T = `mel.motion_frames(N)`.
    """
    level, stream = AutomaticGainControl(), ExpressionStream(model)
    count = motion_frames(len(sound.samples))
    spoken = list(stream.push(level.push(sound.samples)))
    while len(spoken) < count:
        spoken += stream.push(level.push(_SILENCE))
    return np.concatenate(spoken[:count])


class MotionStream:
    """The motion of one portrait for one sound, as it arrives."""

    def __init__(
        self,
        model: StyledMotionModel,
        rest: np.ndarray,
        *,
        head_motion: float = 1.0,
        mouth: float = 1.0,
        blink: float = 1.0,
        seed: int = 0,
    ) -> None:
        """Start at rest.

        Args:
            model: makes motion of sound.
            rest: (68, 3) canonical landmarks of the portrait.
            head_motion: gain of the head's motion, 1 natural, 0 none.
            mouth: gain of the mouth's motion, likewise.
            blink: how often the eyes blink, likewise.
            seed: of head motion and blinks.
        """
        head, blinks = np.random.default_rng(seed).spawn(2)
        self._model, self._rest, self._mouth = model, rest, mouth
        self._level, self._expression = AutomaticGainControl(), ExpressionStream(model)
        self._voice = StreamingVad(model.generator.dims.look_ahead)
        self._head = HeadStream(model.head, head, head_motion)
        self._blinks = BlinkStream(blinks, blink * model.blink_rate_scale)
        self._samples = self._frames = 0

    @property
    def seconds(self) -> float:
        """How much sound has come."""
        return self._samples / SAMPLE_RATE

    def push(self, samples: np.ndarray) -> list[Motion]:
        """Take the samples that follow, (N,) float32 in [-1, 1] at 16 kHz; the frames that they complete, one each."""
        self._samples += len(samples)
        return self._moved(samples)

    def end(self) -> list[Motion]:
        """The frames that are left once the sound is over: those of `motion_frames` in all."""
        left = motion_frames(self._samples) - self._frames
        moved: list[Motion] = []
        while len(moved) < left:
            moved += self._moved(_SILENCE)
        return moved[:left]

    def of(self, sound: Waveform) -> Motion:
        """Give the motion of a whole sound, 16 kHz mono."""
        return joined(self.push(sound.samples) + self.end())

    def interrupt(self) -> None:
        """Speak no more of what was heard so far: the mouth comes to rest from where it is."""
        self._voice.interrupt()

    def _moved(self, samples: np.ndarray) -> list[Motion]:
        levelled = self._level.push(samples)
        self._voice.push(levelled)
        return [self._frame(spoken) for spoken in self._expression.push(levelled)]

    def _frame(self, spoken: np.ndarray) -> Motion:
        self._frames += 1
        voice = np.array([self._voice.next()])
        rotation, translation = self._head.move(voice)
        lids = self._blinks.close(1)
        # The mood stays in pauses; speech goes on top of it, so that lips still meet.
        rest_expression = self._model.rest_expression
        expression = rest_expression + retarget(spoken, voice, self._rest + rest_expression, self._mouth)
        eyelid_offset = self._model.eyelid_offset
        return Motion(soft_limit(expression), lids + eyelid_offset * (1 - lids), rotation, translation)
