"""A video that is rendered as it is asked for, in memory that does not grow with its length."""

from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import numpy as np

from rhapsode.frames import render_in_order
from rhapsode.media.sinks import Sink
from rhapsode.media.sound import estimated_seconds, mono_blocks
from rhapsode.media.waveform import Waveform
from rhapsode.media.writer import VideoFacts, write_video
from rhapsode.motion.timeline import FrameMotion, FrameTimeline, frame_count
from rhapsode.progress import Progress, no_progress
from rhapsode.render.renderer import Renderer


class Video:
    """A talking portrait. Each pass over it begins anew and gives the same frames.

    Attributes:
        fps: frames a second, exact.
        width, height: pixels.
        threads: number of threads that render frames.
    """

    def __init__(
        self,
        renderer: Renderer,
        timeline: Callable[[], FrameTimeline],
        audio: Path | Waveform,
        fps: Fraction,
        threads: int = 1,
    ) -> None:
        """Promise a video; `Animator.animate` makes one.

        Args:
            renderer: draws it.
            timeline: makes the motion, at its beginning.
            audio: the sound.
            fps: frames a second.
            threads: number of threads that render frames.
        """
        self.fps = fps
        self.threads = threads
        self.height, self.width = renderer.shape
        self._renderer, self._timeline, self._audio = renderer, timeline, audio

    def __iter__(self) -> Iterator[np.ndarray]:
        """Render each frame, (H, W, 3) uint8 RGB; frame n shows time n / fps seconds.

        Raises:
            AudioError: the sound turns out to be empty, damaged or not finite.
        """
        return render_in_order(self._renderer, self.motion(), self.threads)

    def motion(self) -> Iterator[FrameMotion]:
        """Give what each frame shows, before it is rendered."""
        return self._timeline().of(mono_blocks(self._audio))

    @property
    def estimated_frames(self) -> int:
        """Estimate the number of frames from the length that the sound's file states; 0 where it states none."""
        seconds = estimated_seconds(self._audio)
        return frame_count(seconds, self.fps) if seconds else 0

    def save(self, sink: Sink | str | Path, progress: Progress = no_progress) -> VideoFacts:
        """Write the video with the sound as it was given.

        Args:
            sink: a file ending in .mp4, which appears only when it is complete, or another sink (`media.sinks`), such
                as a stream.
            progress: watches the stage `frames`; the total is an estimate for a sound from a file.

        Raises:
            AudioError: the sound turns out to be empty, damaged or not finite.
            Cancelled: raised by `progress`.
            VideoError: the video cannot be written.
        """
        return write_video(self, sink, self.fps, self._audio, progress=progress, n_frames=self.estimated_frames)
