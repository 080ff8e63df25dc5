"""What an expression goes with while somebody speaks: stress, and pauses."""

from typing import Final

import numpy as np

from rhapsode.audio.agc import TARGET_LUFS, AutomaticGainControl
from rhapsode.audio.mel import MOTION_RATE, mel_frame_span, motion_frames
from rhapsode.audio.voice_activity import voice_activity
from rhapsode.face.units import UNITS

#: What drives an expression, in this order; each is about 0 on average. Stress is 0 at the loudness that a voice has on
#: average, 1 where it is louder by `_RANGE` and -1 where it is softer by as much. A pause is 1 more while no voice
#: sounds than while one does.
DRIVES: Final = ("stress", "pause")
#: Share of its time in which a speaker pauses.
_PAUSED: Final = 0.25
#: Units that follow neither.
UNMOVED: Final = np.zeros((len(DRIVES), len(UNITS)), np.float32)
UNMOVED.flags.writeable = False
_RANGE: Final = 8.0  # dB
#: Seconds in which skin follows stress, and pauses.
_FOLLOWS: Final = np.array([0.1, 0.25])


class EmphasisStream:
    """Tell how strong each of the `DRIVES` is, of a sound as it arrives."""

    def __init__(self) -> None:
        """Start in silence."""
        self._drives = np.array([0.0, 1 - _PAUSED])
        self.restart()

    def restart(self) -> None:
        """Begin another sound; the drives go on from where they are."""
        self._samples = np.zeros(0, np.float32)
        self._dropped = self._frame = 0

    def push(self, samples: np.ndarray) -> None:
        """Take the samples that follow, (N,) float32 in [-1, 1] at 16 kHz, after gain control."""
        self._samples = np.concatenate([self._samples, samples])

    def next(self, voice: float) -> np.ndarray:
        """Give the drives at the next motion frame, (2,), whose sound must have been pushed.

        Args:
            voice: how surely a voice sounds then, 0 to 1.
        """
        first, last = (max(end - self._dropped, 0) for end in mel_frame_span(2 * self._frame))
        power = float(np.mean(np.square(self._samples[first : last + 1], dtype=np.float64)))
        self._samples, self._dropped = self._samples[first:], self._dropped + first
        self._frame += 1
        louder = 10 * np.log10(power + 1e-7) - TARGET_LUFS
        now = np.array([voice * np.clip(louder / _RANGE, -1, 1), 1 - voice - _PAUSED])
        self._drives = self._drives + (now - self._drives) / (1 + _FOLLOWS * MOTION_RATE)
        return self._drives


def emphasis(samples: np.ndarray) -> np.ndarray:
    """Tell how strong the drives are in a whole sound, as if it were arriving.

    Args:
        samples: (N,) float32 in [-1, 1] at 16 kHz.

    Returns:
        (T, 2), 60 a second, T = `motion_frames(N)`.
    """
    stream, levelled = EmphasisStream(), AutomaticGainControl().push(samples)
    count = motion_frames(len(samples))
    stream.push(np.concatenate([levelled, np.zeros(mel_frame_span(2 * count)[1] - len(samples), np.float32)]))
    return np.array([stream.next(voice) for voice in voice_activity(levelled)])
