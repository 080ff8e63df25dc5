"""From sound to motion, frame by frame as the sound arrives; files take the same way, and get the same frames."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any, Protocol

import numpy as np

from rhapsode.audio.agc import AutomaticGainControl
from rhapsode.audio.mel import MOTION_RATE, motion_frames
from rhapsode.audio.projection import FeatureBank
from rhapsode.audio.voice_activity import StreamingVad, VoiceActivity
from rhapsode.audio.voice_gate import VoiceGate, VoiceGateStream
from rhapsode.face.units import AT_REST
from rhapsode.media.waveform import SAMPLE_RATE, Waveform
from rhapsode.motion.emphasis import UNMOVED, EmphasisStream
from rhapsode.motion.generator import MotionGenerator
from rhapsode.motion.head import LIMITS, HeadModel
from rhapsode.motion.idle import IdleMotion, IdleStreams
from rhapsode.motion.lasting import landmarks_of
from rhapsode.motion.limits import soft_limit
from rhapsode.motion.model import AudioEncoder, SpeechModel
from rhapsode.motion.motion import Motion, joined
from rhapsode.motion.mouth_gate import MouthGate
from rhapsode.motion.retarget import close_as, retarget

_SILENCE = np.zeros(SAMPLE_RATE // 10, np.float32)
#: Motion frames ahead in which Silero VAD looks for a voice; more would open the mouth no sooner.
MOST_VOICE_AHEAD = 12
#: Seconds in which an interrupted mouth comes to rest.
_COME_TO_REST = 0.3


@dataclass(frozen=True)
class StyledMotionModel:
    """Hold the models that move a face, changed by a style. They keep nothing of a sound, and are shared freely.

    Attributes:
        encoder: makes features of sound.
        generator: makes motion of features.
        head: moves the head.
        gate: tells of features where a voice sounds, beside Silero VAD, which hears the sound; None for that alone.
        unstyled: the generator without style, where `generator` has one; the lips close where its lips do.
        extrapolation: how far the motion goes beyond the style, away from that without, as a share of the style.
        bank: features of a voice on which those of every voice are projected; None for no projection.
        projection: 0 none of the projection .. 1 all.
        units: (51,) units of expression (`face.units`) that last, in speech and in pauses, as they are read against a
            neutral face.
        response: (2, 51) how far they follow stress and pauses (`emphasis.DRIVES`).
        blink_rate_scale: multiple of the natural rate of blinks.
        vad: begins to listen for a voice, with a look-ahead of so many motion frames.
    """

    encoder: AudioEncoder
    generator: MotionGenerator
    head: HeadModel
    gate: VoiceGate | None = None
    unstyled: MotionGenerator | None = None
    extrapolation: float = 0.0
    bank: FeatureBank | None = None
    projection: float = 0.0
    units: np.ndarray = field(default_factory=lambda: AT_REST)
    response: np.ndarray = field(default_factory=lambda: UNMOVED)
    blink_rate_scale: float = 1.0
    vad: Callable[[int], VoiceActivity] = StreamingVad

    def start(self) -> "Expressions":
        """Begin a sound."""
        return ExpressionStream(self)


class Expressions(Protocol):
    """Make the expressions of a sound as it arrives; see `ExpressionStream`."""

    def push(self, samples: np.ndarray) -> Iterator[tuple[np.ndarray, float]]:
        """Take the samples that follow and give the frames that they complete."""

    def restart(self) -> None:
        """Begin another sound of the same voice."""


class ExpressionStream:
    """Make the expressions of a sound as it arrives, not yet fitted to any face, and tell where its voice is."""

    def __init__(self, model: StyledMotionModel) -> None:
        """Start before the first sample."""
        self._model, self._features = model, model.encoder.start()
        self._begin()

    def _begin(self) -> None:
        self._styled: Any = None
        self._unstyled: Any = None
        generator, gate = self._model.generator, self._model.gate
        self._early = generator.look_ahead
        ahead = self._model.encoder.look_ahead + generator.look_ahead
        self._gate = None if gate is None else VoiceGateStream(gate, generator.look_ahead)
        self._vad = self._model.vad(min(ahead, MOST_VOICE_AHEAD))

    def push(self, samples: np.ndarray) -> Iterator[tuple[np.ndarray, float]]:
        """Take the samples that follow and give the frames that they complete.

        Args:
            samples: (N,) float32 at 16 kHz, after gain control.

        Yields:
            (68, 3) float32 offsets from a resting face, canonical space; and 0 without a voice .. 1 with one.
        """
        self._vad.push(samples)
        for features in self._features.push(samples):
            expression = self._step(features)
            voice = 0.0 if self._gate is None else self._gate.push(features)
            if self._early:
                self._early -= 1
            else:
                # Of a loud beginning after silence, which gain control overdrives, the gate is sure 0.3 s late; under
                # music, and of whispers, Silero never.
                yield expression, max(voice, self._vad.next())

    def _step(self, features: np.ndarray) -> np.ndarray:
        model = self._model
        heard = said = model.generator.condense(features)
        if model.bank is not None and model.projection > 0:
            said = model.bank.project(heard[None], model.projection)[0]
        expression, self._styled = model.generator.step(said, self._styled)
        if model.unstyled is not None:
            unstyled, self._unstyled = model.unstyled.step(heard, self._unstyled)
            expression = expression + np.float32(model.extrapolation) * (expression - unstyled)
            expression = close_as(expression, unstyled)
        return expression

    def restart(self) -> None:
        """Begin another sound of the same voice."""
        self._features.restart()
        self._begin()


def generate(model: StyledMotionModel, sound: Waveform) -> np.ndarray:
    """Make the expressions of a whole sound, as if it were arriving.

    Args:
        model: makes them.
        sound: 16 kHz mono.

    Returns:
        (T, 68, 3) float32 offsets from a resting face, canonical space, 60 a second, T = `mel.motion_frames(N)`.
    """
    agc, stream = AutomaticGainControl(), ExpressionStream(model)
    count = motion_frames(len(sound.samples))
    frames = [expression for expression, _ in stream.push(agc.push(sound.samples))]
    while len(frames) < count:
        frames += [expression for expression, _ in stream.push(agc.push(_SILENCE))]
    return np.stack(frames[:count])


def condensed_features(model: SpeechModel, samples: np.ndarray) -> np.ndarray:
    """Compute the features from which a generator makes the motion of a whole sound, as if it were arriving.

    Args:
        model: encoder and generator.
        samples: (N,) float32 in [-1, 1] at 16 kHz.

    Returns:
        (T + look-ahead, H) float32, T = `mel.motion_frames(N)`, the look-ahead that of the generator.
    """
    agc, stream = AutomaticGainControl(), model.encoder.start()
    count = motion_frames(len(samples)) + model.generator.look_ahead
    features = list(stream.push(agc.push(samples)))
    while len(features) < count:
        features += stream.push(agc.push(_SILENCE))
    return np.stack([model.generator.condense(each) for each in features[:count]])


class MotionStream:
    """Make the motion of one portrait for one sound, as the sound arrives."""

    def __init__(
        self,
        model: StyledMotionModel,
        rest: np.ndarray,
        units: np.ndarray = AT_REST,
        response: np.ndarray = UNMOVED,
        *,
        head_motion: float = 1.0,
        mouth: float = 1.0,
        blink: float = 1.0,
        gaze: float = 1.0,
        seed: int = 0,
        history: int = 0,
        head_limits: np.ndarray = LIMITS,
    ) -> None:
        """Start at rest.

        Args:
            model: makes motion of sound.
            rest: (68, 3) canonical landmarks of the portrait.
            units: (51,) units of the expression basis that last, beyond those of the picture.
            response: (2, 51) how far these follow stress and pauses.
            head_motion: gain of the motion of head and shoulders, 1 natural, 0 none.
            mouth: gain of the mouth's motion, likewise.
            blink: how often the eyes blink, likewise.
            gaze: gain of the eyes' motion, likewise.
            seed: of all but the mouth.
            history: number of frames that `interrupt` can go back.
            head_limits: (2, 5) how far the portrait's head can move, as `head.LIMITS`.
        """
        self._model, self._mouth = model, mouth
        self._rest, self._units, self._response = rest, units, response
        self._lasting, self._lives = landmarks_of(units), bool(response.any())
        self._emphasis = EmphasisStream()
        self._agc, self._expression = AutomaticGainControl(), model.start()
        blinks = blink * model.blink_rate_scale
        self._idle = IdleMotion(IdleStreams.seeded(model.head, seed, head_motion, blinks, gaze, head_limits), history)
        self._first = 0  # number of the frame at which the sound begins; not 0 after an interruption
        self._samples = self._frames = 0  # of the sound
        self._mouth_gate = MouthGate()
        self._begun = 0.0  # how surely a voice has sounded so far
        self._leaving: tuple[Motion, float] | None = None  # an expression that fades, and when it was shown

    @property
    def seconds(self) -> Fraction:
        """Time from the beginning to the end of the sound that has come."""
        return Fraction(self._first, MOTION_RATE) + Fraction(self._samples, SAMPLE_RATE)

    def push(self, samples: np.ndarray) -> list[Motion]:
        """Take the samples that follow, (N,) float32 in [-1, 1] at 16 kHz; give the frames that they complete."""
        self._samples += len(samples)
        return self._moved(samples)

    def end(self) -> list[Motion]:
        """Give the frames that are left once the sound is over: those of `motion_frames` in all."""
        left = motion_frames(self._samples) - self._frames
        moved: list[Motion] = []
        while len(moved) < left:
            moved += self._moved(_SILENCE)
        return moved[:left]

    def of(self, sound: Waveform) -> Motion:
        """Give the motion of a whole sound, 16 kHz mono."""
        return joined(self.push(sound.samples) + self.end())

    def interrupt(self, shown: Motion | None, shown_at: Fraction, next_at: Fraction) -> int:
        """Drop the sound so far; the mouth comes to rest from where it was last shown, head and lids go on.

        Args:
            shown: what was shown last (T = 1), None for nothing yet.
            shown_at: when, seconds from the beginning.
            next_at: when the sound that is pushed next begins, likewise.

        Returns:
            Number of the motion frame that comes next; it is not after `next_at`.

        Raises:
            ValueError: that frame lies further back than the history.
        """
        self._first = min(int(next_at * MOTION_RATE), self._first + self._frames)
        self._idle.rewind(self._first)
        self._leaving = None if shown is None else (shown, float(shown_at))
        self._expression.restart()
        self._emphasis.restart()
        self._mouth_gate = MouthGate()
        self._samples = self._frames = 0
        # The sound may begin between two frames.
        self.push(np.zeros(int((next_at - Fraction(self._first, MOTION_RATE)) * SAMPLE_RATE), np.float32))
        return self._first

    def _moved(self, samples: np.ndarray) -> list[Motion]:
        levelled = self._agc.push(samples)
        self._emphasis.push(levelled)
        return [self._frame(*made) for made in self._expression.push(levelled)]

    def _frame(self, generated: np.ndarray, sounds: float) -> Motion:
        time = (self._first + self._frames) / MOTION_RATE
        self._frames += 1
        voice = np.array([sounds])
        spoken = np.array([self._mouth_gate.next(sounds)])
        self._begun = max(self._begun, sounds)
        idle = self._idle.next(sounds)
        # What lasts stays in pauses; speech is added to it, so that lips still meet.
        units, lasting = self._made_up(sounds)
        speech = retarget(generated[None], spoken, self._rest + lasting, self._mouth, self._begun)
        motion = Motion(
            lasting + soft_limit(speech),
            idle.lids,
            idle.rotation,
            idle.translation,
            voice,
            units[None],
            idle.gaze,
            idle.shoulders,
        )
        return self._faded(motion, time)

    def _made_up(self, sounds: float) -> tuple[np.ndarray, np.ndarray]:
        """Give the units of the next frame, (51,), and what they do to the landmarks, (68, 3)."""
        drives = self._emphasis.next(sounds)
        if not self._lives:
            return self._units, self._lasting
        units = self._units + drives.astype(np.float32) @ self._response
        return units, landmarks_of(units)

    def _faded(self, motion: Motion, time: float) -> Motion:
        """Blend with the expression that was shown when the sound was interrupted."""
        if self._leaving is None:
            return motion
        left, since = self._leaving
        passed = min(max((time - since) / _COME_TO_REST, 0.0), 1.0)
        if passed == 1:
            self._leaving = None
        share = np.float32(1 - passed * passed * (3 - 2 * passed))
        expression = motion.expression + share * (left.expression - motion.expression)
        return replace(motion, expression=expression, units=motion.units + share * (left.units - motion.units))
