"""Head, eyes and body, which move whether a voice sounds or not, and can go back a little."""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from rhapsode.motion.blinks import BlinkStream
from rhapsode.motion.body import BodyStream
from rhapsode.motion.gaze import GazeStream
from rhapsode.motion.head import LIMITS, HeadModel, HeadStream

#: A copy of the streams is kept every so many frames; the frames in between are sampled again.
_EVERY = 20


class IdleFrame(NamedTuple):
    """Hold what one frame (T = 1) shows beside the expression, as in `Motion`."""

    lids: np.ndarray
    rotation: np.ndarray
    translation: np.ndarray
    gaze: np.ndarray
    shoulders: np.ndarray


@dataclass(frozen=True)
class IdleStreams:
    """Hold what is sampled: the head's motion, blinks, gaze and the body's motion."""

    head: HeadStream
    blinks: BlinkStream
    gaze: GazeStream
    body: BodyStream

    @classmethod
    def seeded(
        cls, model: HeadModel, seed: int, head: float, blink: float, gaze: float, limits: np.ndarray = LIMITS
    ) -> "IdleStreams":
        """Start in the pose of the picture.

        Args:
            model: of the head's motion.
            seed: of all that is sampled.
            head: gain of the motion of head and body.
            blink: how often the eyes blink, a multiple of the natural rate.
            gaze: gain of that of the eyes.
            limits: of the head's motion, as in `HeadStream`.
        """
        heads, blinks, gazes, bodies = np.random.default_rng(seed).spawn(4)
        return cls(
            HeadStream(model, heads, head, limits),
            BlinkStream(blinks, blink),
            GazeStream(gazes, gaze),
            BodyStream(bodies, head),
        )

    def next(self, voice: float) -> IdleFrame:
        """Sample the next frame; `voice` in [0, 1] says how surely a voice sounds."""
        rotation, translation = self.head.move(np.array([voice]))
        body = self.body.next(voice)
        rotation, translation = rotation + body.rotation, translation + body.translation
        gaze, turns_away = self.gaze.next(voice, rotation[0])
        if turns_away:
            self.blinks.hasten()
        return IdleFrame(
            self.blinks.close(1),
            rotation.astype(np.float32),
            translation.astype(np.float32),
            gaze[None].astype(np.float32),
            body.shoulders[None].astype(np.float32),
        )

    def copy(self) -> "IdleStreams":
        """Copy the streams; both then move alike."""
        return IdleStreams(self.head.copy(), self.blinks.copy(), self.gaze.copy(), self.body.copy())


class IdleMotion:
    """Sample head, eyes and body frame by frame."""

    def __init__(self, streams: IdleStreams, history: int = 0) -> None:
        """Start.

        Args:
            streams: sample the motion.
            history: number of frames that `rewind` can go back.
        """
        self._streams, self._history = streams, history
        self._frame = 0
        self._copies: deque[tuple[int, IdleStreams]] = deque()
        self._voices: deque[float] = deque(maxlen=history + 2 * _EVERY)

    def next(self, voice: float) -> IdleFrame:
        """Sample the next frame; `voice` in [0, 1] says how surely a voice sounds."""
        if self._history and self._frame % _EVERY == 0:
            self._copies.append((self._frame, self._streams.copy()))
            while self._copies[0][0] < self._frame - self._history - _EVERY:
                self._copies.popleft()
        self._voices.append(voice)
        self._frame += 1
        return self._streams.next(voice)

    def rewind(self, frame: int) -> None:
        """Go back to before a frame; the frames from there on are sampled anew.

        Args:
            frame: number of the frame that comes next, counted from the beginning; at most `history` frames back.

        Raises:
            ValueError: it lies further back, or ahead.
        """
        if frame == self._frame:
            return
        while self._copies and self._copies[-1][0] > frame:
            self._copies.pop()
        if not self._copies or frame > self._frame:
            raise ValueError(f"cannot go from frame {self._frame} to {frame}")
        first, streams = self._copies[-1]
        oldest = self._frame - len(self._voices)
        voices = [self._voices[n - oldest] for n in range(first, frame)]
        self._streams = streams.copy()
        for voice in voices:
            self._streams.next(voice)
        for _ in range(self._frame - frame):
            self._voices.pop()
        self._frame = frame
