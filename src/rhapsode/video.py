"""A video that is rendered as it is asked for, in memory that does not grow with its length."""

import logging
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import tee
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from rhapsode.credentials.attach import signed
from rhapsode.credentials.origin import Origin
from rhapsode.frames import render_in_order
from rhapsode.media.encoder import Sound, open_sound, padded
from rhapsode.media.mixing import open_mixture
from rhapsode.media.outputs import sink_for
from rhapsode.media.sinks import Sink
from rhapsode.media.sound import estimated_seconds, mono_blocks
from rhapsode.media.source import Piped, name_of
from rhapsode.media.tracks import Take
from rhapsode.media.waveform import SAMPLE_RATE, Waveform
from rhapsode.media.writer import VideoFacts, write_video
from rhapsode.motion.loop import looped
from rhapsode.motion.timeline import FrameMotion, FrameTimeline, frame_count
from rhapsode.motion.together import together
from rhapsode.progress import Progress, no_progress
from rhapsode.render.renderer import Renderer

if TYPE_CHECKING:
    from rhapsode.credentials.keys import SigningKey

log = logging.getLogger(__name__)

#: Seconds, and share of the voice, by which a soundtrack may be longer or shorter without a word.
_MARGIN, _MARGIN_SHARE = 0.2, 0.02
#: Peak below which a sound is too quiet to be raised.
_FAINT = 10 ** (-50 / 20)


@dataclass(frozen=True)
class Voice:
    """Say what drives one face of a video.

    Attributes:
        timeline: makes the motion, at its beginning.
        audio: the sound; None for a face that listens.
        take: which track and channel of the sound drive the face.
        face: its number among those of a group; None where it is the only one that is animated.
    """

    timeline: Callable[[], FrameTimeline]
    audio: Path | Piped | Waveform | None
    take: Take = Take()  # noqa: RUF009  (frozen)
    face: int | None = None

    @property
    def name(self) -> str:
        """Give what messages call the sound."""
        return name_of(self.audio) if isinstance(self.audio, Path | Piped) else "the sound"


class Video:
    """A talking portrait, or several. Each pass over it begins anew and gives the same frames.

    Attributes:
        fps: frames a second, exact.
        width, height: pixels.
        threads: number of threads that render frames.
        voices: what drives each face.
        spoken: those of them that have a sound.
    """

    def __init__(
        self,
        renderer: Renderer,
        voices: Sequence[Voice],
        fps: Fraction,
        threads: int = 1,
        soundtrack: Path | Piped | Waveform | None = None,
        origin: Origin = Origin(),  # noqa: B008  (frozen)
        loop: bool = False,
    ) -> None:
        """Promise a video; `Animator.animate` and `animate_group` make one.

        Args:
            renderer: draws it.
            voices: of its faces, in its order; one or more have a sound.
            fps: frames a second.
            threads: number of threads that render frames.
            soundtrack: is heard instead of the voices.
            origin: what the video is made of, for its Content Credentials.
            loop: whether it ends where it begins (`motion.loop`).
        """
        self.fps = fps
        self.threads = threads
        self.height, self.width = renderer.shape
        self.voices = tuple(voices)
        self.spoken = tuple(one for one in voices if one.audio is not None)
        self._renderer, self._soundtrack, self._origin, self._loop = renderer, soundtrack, origin, loop

    def __iter__(self) -> Iterator[np.ndarray]:
        """Render each frame, (H, W, 3) uint8 RGB, or RGBA where it is transparent; frame n shows time n / fps seconds.

        Raises:
            AudioError: a sound turns out to be empty, damaged or not finite.
        """
        return self._frames(_Heard(len(self.voices)))

    def motion(self, face: int = 0) -> Iterator[FrameMotion]:
        """Give what each frame shows of a face, before it is rendered; `face` counts `voices` from 0."""
        return map(itemgetter(face), self._motion(_Heard(len(self.voices))))

    @property
    def take(self) -> Take:
        """Give the track and channel of the sound that drive the face, the first that speaks."""
        return self.spoken[0].take

    @property
    def estimated_frames(self) -> int:
        """Estimate the number of frames from the lengths that files of sound state; 0 where one states none."""
        seconds = self._estimated_seconds()
        return frame_count(seconds, self.fps) if seconds else 0

    def save(
        self,
        sink: Sink | str | Path,
        progress: Progress = no_progress,
        credentials: "SigningKey | bool" = True,
    ) -> VideoFacts:
        """Write the video with its sound: all channels of the tracks whose voices drive the faces, or the soundtrack.

        A soundtrack begins with the voice, and is cut or followed by silence where the voice ends; that is logged. So
        is it where no voice was heard, in all but loops.

        Args:
            sink: a file or folder by its name (`media.outputs.sink_for`), which appears only when it is complete, or a
                sink (`media.sinks`), such as a stream.
            progress: watches the stage `frames`; the total is an estimate for a sound from a file.
            credentials: key that signs the Content Credentials of the file (`credentials.keys.signing_key`); the
                user's for True. For False there are none, which the file's comment says.

        Raises:
            AudioError: a sound turns out to be empty, damaged or not finite.
            Cancelled: raised by `progress`.
            VideoError: the video cannot be written.
        """
        sink = sink_for(sink) if isinstance(sink, str | Path) else sink
        sink.check(self.fps, self._renderer.is_clear)
        voices = {one.face: one.audio for one in self.spoken if one.audio is not None}
        sink, comment = signed(sink, lambda: self._origin.inputs(voices, self._soundtrack), credentials)
        heard = _Heard(len(self.voices))
        frames, sound = self._frames(heard), self._sound(sink.rates) if sink.rates else None
        n_frames = self.estimated_frames
        facts = write_video(frames, sink, self.fps, sound, comment=comment, progress=progress, n_frames=n_frames)
        return replace(facts, voice_seconds=float(heard.voiced / self.fps))

    def _frames(self, heard: "_Heard") -> Iterator[np.ndarray]:
        yield from render_in_order(self._renderer, self._motion(heard), self.threads)
        for voice, spoke, peak in zip(self.voices, heard.spoke, heard.peaks, strict=True):
            if voice.audio is None or spoke or self._loop:
                continue
            quiet = f"; its peak is {20 * math.log10(peak):.0f} dB: raise its level" if 0 < peak < _FAINT else ""
            text = "%s: no voice was heard in it, and the mouth stayed shut%s"
            log.warning(text, voice.name, quiet, extra={"code": "no-voice"})

    def _motion(self, heard: "_Heard") -> Iterator[tuple[FrameMotion, ...]]:
        sounds = [
            () if one.audio is None else heard.blocks(number, mono_blocks(one.audio, SAMPLE_RATE, one.take))
            for number, one in enumerate(self.voices)
        ]
        frames = heard.frames(together([one.timeline() for one in self.voices], sounds))
        if not self._loop:
            return frames
        each = tee(frames, len(self.voices))
        return zip(*(looped(map(itemgetter(n), one), self.fps) for n, one in enumerate(each)), strict=True)

    def _sound(self, rates: tuple[int, ...]) -> Sound:
        """Open the sound of the video, at one of some rates."""
        if self._soundtrack is None:
            return open_mixture([(one.audio, one.take.track) for one in self.spoken if one.audio is not None], rates)
        name = "the soundtrack" if isinstance(self._soundtrack, Waveform) else name_of(self._soundtrack)
        voice, whole = self._estimated_seconds(), estimated_seconds(self._soundtrack)
        margin = max(_MARGIN, _MARGIN_SHARE * voice)
        if voice and whole > voice + margin:
            log.warning("%s: is cut at %.2f s, where the voice ends", name, voice)
        return padded(open_sound(self._soundtrack, rates=rates), name, voice - margin)

    def _estimated_seconds(self) -> float:
        """The length of the longest sound, as the files state it; 0 where one states none."""
        lengths = [estimated_seconds(one.audio, one.take.track) for one in self.spoken if one.audio is not None]
        return max(lengths) if all(lengths) else 0.0


class _Heard:
    """Watch what is heard while frames are made.

    Attributes:
        peaks: of each sound.
        spoke: whether each face spoke.
        voiced: number of frames in which a face speaks.
    """

    def __init__(self, count: int) -> None:
        self.peaks, self.spoke, self.voiced = [0.0] * count, [False] * count, 0

    def blocks(self, number: int, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        for block in blocks:
            self.peaks[number] = max(self.peaks[number], float(np.abs(block).max()))
            yield block

    def frames(self, motion: Iterable[tuple[FrameMotion, ...]]) -> Iterator[tuple[FrameMotion, ...]]:
        for frames in motion:
            speaking = [frame.speaks for frame in frames]
            self.spoke = [before or now for before, now in zip(self.spoke, speaking, strict=True)]
            self.voiced += any(speaking)
            yield frames
