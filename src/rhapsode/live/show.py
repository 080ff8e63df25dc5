"""What a session shows, sent frame by frame: a thread of its own, as fast as the other side can watch it."""

import threading
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Any

from rhapsode.live.arrivals import Arrivals
from rhapsode.live.outputs import Output
from rhapsode.live.pace import Pace
from rhapsode.live.wanted import Wanted
from rhapsode.session import Frame, Session

#: Sends an event, and waits until it is on its way; raises OSError where nobody listens any more.
Tell = Callable[[dict[str, Any]], None]
#: Seconds that frames are made ahead of the time at which they are shown, at most.
LEAD = 5.0


class Show:
    """Send the frames of a session, and events between them, in order.

    Attributes:
        time: seconds up to which frames were sent.
        count: frames that were sent.
    """

    def __init__(self, session: Session, wanted: Wanted, arrivals: Arrivals, newest: bool, tell: Tell) -> None:
        """Begin; `run` sends.

        Args:
            session: gives frames.
            wanted: tells the frame rate, and who sees the pictures besides.
            arrivals: is told of sound and interruptions.
            newest: whether late frames are left out.
            tell: sends an event.
        """
        self._session, self._arrivals, self._newest, self._tell = session, arrivals, newest, tell
        self._fps, self._seen = wanted.fps, wanted.seen
        self.time, self.count = 0.0, 0
        self._lock = threading.Lock()
        self._round, self._finished, self._over = 0, False, False
        self._begins = Fraction(0)
        self._pace, self._changed = Pace(LEAD), threading.Event()
        self._speaking = False

    def feed(self, sound: bytes, samples: int) -> None:
        """Take sound that follows, so many samples of each channel; errors as in `Session.feed`."""
        self._arrivals.heard(samples)
        self._session.feed(sound)

    def hear(self, sound: bytes, samples: int) -> None:
        """Take sound as `feed` does; drop what comes after the end, for it comes whether it is wanted or not."""
        with self._lock:
            if not self._finished:
                self.feed(sound, samples)

    def interrupt(self, at: float | None) -> Fraction:
        """Stop speaking; see `Session.interrupt`. The frames that follow come after an event `interrupted`."""
        with self._lock:
            self._begins = self._session.interrupt(at)
            self._arrivals.interrupted(self._begins)
            self._round += 1
            self._finished = False
            self._changed.set()
            return self._begins

    def finish(self) -> None:
        """End the sound; the rest is shown."""
        with self._lock:
            self._session.finish()
            self._finished = True

    def stop(self) -> None:
        """Show nothing more."""
        with self._lock:
            self._over = True
            self._session.close()
            self._changed.set()

    def run(self, output: Output) -> None:
        """Send until the session is finished or stopped.

        Raises:
            OSError, VideoError: nobody listens.
        """
        output.take(self._frames())

    def _frames(self) -> Iterator[Frame]:
        """Give frames through every interruption, and tell of what happens between them."""
        seen = 0
        while True:
            for frame in self._session.latest() if self._newest else self._session:
                if frame.speaking != self._speaking:
                    self._speaking = frame.speaking
                    self._tell({"type": "speaking", "speaking": frame.speaking, "time": float(frame.time)})
                if self._seen is not None:
                    self._seen(frame.image)
                yield frame
                self.time, self.count = float(frame.time + 1 / self._fps), self.count + 1
                self._changed.wait(self._pace.wait(self.time))
            with self._lock:
                if self._over or (self._finished and seen == self._round):
                    return
                self._changed.clear()
                interrupted, seen, begins = seen != self._round, self._round, self._begins
            if interrupted:
                self._tell({"type": "interrupted", "time": float(begins)})
