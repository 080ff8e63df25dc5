"""Head and eyelids, which move whether a voice sounds or not, and can go back a little."""

from collections import deque

import numpy as np

from rhapsode.motion.blinks import BlinkStream
from rhapsode.motion.head import HeadStream

#: A copy of the streams is kept every so many frames; the frames in between are sampled again.
_EVERY = 6


class IdleMotion:
    """Sample head motion and blinks frame by frame."""

    def __init__(self, head: HeadStream, blinks: BlinkStream, history: int = 0) -> None:
        """Start in the pose of the picture.

        Args:
            head: samples the head's motion.
            blinks: samples blinks.
            history: number of frames that `rewind` can go back.
        """
        self._head, self._blinks, self._history = head, blinks, history
        self._frame = 0
        self._copies: deque[tuple[int, HeadStream, BlinkStream]] = deque()
        self._voices: deque[float] = deque(maxlen=history + 2 * _EVERY)

    def next(self, voice: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Sample the next frame.

        Args:
            voice: in [0, 1], how surely a voice sounds.

        Returns:
            Lids (1, 2), rotation (1, 3) and translation (1, 3), as in `Motion`.
        """
        if self._history and self._frame % _EVERY == 0:
            self._copies.append((self._frame, self._head.copy(), self._blinks.copy()))
            while self._copies[0][0] < self._frame - self._history - _EVERY:
                self._copies.popleft()
        self._voices.append(voice)
        self._frame += 1
        rotation, translation = self._head.move(np.array([voice]))
        return self._blinks.close(1), rotation, translation

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
        first, head, blinks = self._copies[-1]
        oldest = self._frame - len(self._voices)
        voices = [self._voices[n - oldest] for n in range(first, frame)]
        self._head, self._blinks = head.copy(), blinks.copy()
        self._head.move(np.array(voices))
        self._blinks.close(len(voices))
        for _ in range(self._frame - frame):
            self._voices.pop()
        self._frame = frame
