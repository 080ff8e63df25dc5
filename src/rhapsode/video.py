"""A video that is rendered as it is asked for, in memory that does not grow with its length."""

import logging
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rhapsode.credentials.attach import signed
from rhapsode.credentials.origin import Origin
from rhapsode.frames import render_in_order
from rhapsode.media.encoder import Sound, open_sound, padded
from rhapsode.media.outputs import sink_for
from rhapsode.media.sinks import Sink
from rhapsode.media.sound import estimated_seconds, mono_blocks
from rhapsode.media.source import Piped, name_of
from rhapsode.media.tracks import Take
from rhapsode.media.waveform import SAMPLE_RATE, Waveform
from rhapsode.media.writer import VideoFacts, write_video
from rhapsode.motion.loop import looped
from rhapsode.motion.timeline import FrameMotion, FrameTimeline, frame_count
from rhapsode.progress import Progress, no_progress
from rhapsode.render.renderer import Renderer

if TYPE_CHECKING:
    from rhapsode.credentials.keys import SigningKey

log = logging.getLogger(__name__)

#: Seconds, and share of the voice, by which a soundtrack may be longer or shorter without a word.
_MARGIN, _MARGIN_SHARE = 0.2, 0.02
#: Peak below which a sound is too quiet to be raised.
_FAINT = 10 ** (-50 / 20)


class Video:
    """A talking portrait. Each pass over it begins anew and gives the same frames.

    Attributes:
        fps: frames a second, exact.
        width, height: pixels.
        threads: number of threads that render frames.
        take: track and channel of the sound that drive the face.
    """

    def __init__(
        self,
        renderer: Renderer,
        timeline: Callable[[], FrameTimeline],
        audio: Path | Piped | Waveform,
        fps: Fraction,
        threads: int = 1,
        take: Take = Take(),  # noqa: B008  (frozen)
        soundtrack: Path | Piped | Waveform | None = None,
        origin: Origin = Origin(),  # noqa: B008  (frozen)
        loop: bool = False,
    ) -> None:
        """Promise a video; `Animator.animate` makes one.

        Args:
            renderer: draws it.
            timeline: makes the motion, at its beginning.
            audio: the sound.
            fps: frames a second.
            threads: number of threads that render frames.
            take: which track and channel of the sound drive the face.
            soundtrack: is heard instead of the sound.
            origin: what the video is made of, for its Content Credentials.
            loop: whether it ends where it begins (`motion.loop`).
        """
        self.fps = fps
        self.threads = threads
        self.height, self.width = renderer.shape
        self.take = take
        self._renderer, self._timeline, self._audio, self._soundtrack = renderer, timeline, audio, soundtrack
        self._origin, self._loop = origin, loop

    def __iter__(self) -> Iterator[np.ndarray]:
        """Render each frame, (H, W, 3) uint8 RGB, or RGBA where it is transparent; frame n shows time n / fps seconds.

        Raises:
            AudioError: the sound turns out to be empty, damaged or not finite.
        """
        return self._frames(_Heard())

    def motion(self) -> Iterator[FrameMotion]:
        """Give what each frame shows, before it is rendered."""
        return self._motion(_Heard())

    @property
    def estimated_frames(self) -> int:
        """Estimate the number of frames from the length that the sound's file states; 0 where it states none."""
        seconds = estimated_seconds(self._audio, self.take.track)
        return frame_count(seconds, self.fps) if seconds else 0

    def save(
        self,
        sink: Sink | str | Path,
        progress: Progress = no_progress,
        credentials: "SigningKey | bool" = True,
    ) -> VideoFacts:
        """Write the video with its sound: all channels of the track whose voice drives the face, or the soundtrack.

        A soundtrack begins with the voice, and is cut or followed by silence where the voice ends; that is logged. So
        is it where no voice was heard, in all but loops.

        Args:
            sink: a file or folder by its name (`media.outputs.sink_for`), which appears only when it is complete, or a
                sink (`media.sinks`), such as a stream.
            progress: watches the stage `frames`; the total is an estimate for a sound from a file.
            credentials: key that signs the Content Credentials of the file (`credentials.keys.signing_key`); the
                user's for True. For False there are none, which the file's comment says.

        Raises:
            AudioError: the sound turns out to be empty, damaged or not finite.
            Cancelled: raised by `progress`.
            VideoError: the video cannot be written.
        """
        sink = sink_for(sink) if isinstance(sink, str | Path) else sink
        sink.check(self.fps, self._renderer.is_clear)
        sink, comment = signed(sink, lambda: self._origin.inputs(self._audio, self._soundtrack), credentials)
        heard = _Heard()
        frames, sound = self._frames(heard), self._sound(sink.rates) if sink.rates else None
        n_frames = self.estimated_frames
        facts = write_video(frames, sink, self.fps, sound, comment=comment, progress=progress, n_frames=n_frames)
        return replace(facts, voice_seconds=float(heard.voiced / self.fps))

    def _frames(self, heard: "_Heard") -> Iterator[np.ndarray]:
        yield from render_in_order(self._renderer, self._motion(heard), self.threads)
        if not heard.voiced and not self._loop:
            name = "the sound" if isinstance(self._audio, Waveform) else name_of(self._audio)
            faint = 0 < heard.peak < _FAINT
            quiet = f"; its peak is {20 * math.log10(heard.peak):.0f} dB: raise its level" if faint else ""
            text = "%s: no voice was heard in it, and the mouth stayed shut%s"
            log.warning(text, name, quiet, extra={"code": "no-voice"})

    def _motion(self, heard: "_Heard") -> Iterator[FrameMotion]:
        blocks = heard.blocks(mono_blocks(self._audio, SAMPLE_RATE, self.take))
        frames = heard.frames(self._timeline().of(blocks))
        return looped(frames, self.fps) if self._loop else frames

    def _sound(self, rates: tuple[int, ...]) -> Sound:
        """Open the sound of the video, at one of some rates."""
        if self._soundtrack is None:
            return open_sound(self._audio, self.take.track, rates)
        name = "the soundtrack" if isinstance(self._soundtrack, Waveform) else name_of(self._soundtrack)
        voice, whole = estimated_seconds(self._audio, self.take.track), estimated_seconds(self._soundtrack)
        margin = max(_MARGIN, _MARGIN_SHARE * voice)
        if voice and whole > voice + margin:
            log.warning("%s: is cut at %.2f s, where the voice ends", name, voice)
        return padded(open_sound(self._soundtrack, rates=rates), name, voice - margin)


class _Heard:
    """Watch what is heard while frames are made: the peak of the sound, and the number of frames with a voice."""

    def __init__(self) -> None:
        self.peak = 0.0
        self.voiced = 0

    def blocks(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        for block in blocks:
            self.peak = max(self.peak, float(np.abs(block).max()))
            yield block

    def frames(self, motion: Iterable[FrameMotion]) -> Iterator[FrameMotion]:
        for frame in motion:
            self.voiced += frame.speaks
            yield frame
