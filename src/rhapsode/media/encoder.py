"""H.264 and AAC, muxed in step."""

import logging
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.reformatter import (
    ColorPrimaries,
    ColorRange,
    Colorspace,
    ColorTrc,
    Interpolation,
    VideoReformatter,
)
from av.video.stream import VideoStream

from rhapsode.media.sinks import Target
from rhapsode.media.sound import sound_blocks
from rhapsode.media.source import Piped
from rhapsode.media.tracks import sound_info
from rhapsode.media.waveform import Waveform, resample

log = logging.getLogger(__name__)

SYNTHETIC_NOTICE = "Made with Rhapsode: a synthetic talking head"
"""Stands in the metadata of every video, so that a result says that it is made."""

CRF = 18
"""Constant rate factor: visually lossless at 512 px (48 dB luma PSNR)."""

PRESET = "veryfast"
"""At 512 px 3.3 ms of one core a frame, a third of the size of "ultrafast" (1.2 ms) at the same quality."""

_AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_BITS_PER_CHANNEL = {1: 128_000, 2: 96_000}


@dataclass(frozen=True)
class Sound:
    """Hold a sound to encode.

    Attributes:
        rate: samples per second of the result.
        channels: 1 or 2.
        blocks: (channels, n) float32, read as the video needs them.
    """

    rate: int
    channels: int
    blocks: Iterator[np.ndarray]


def open_sound(audio: str | Path | Piped | Waveform, track: int = 0) -> Sound:
    """Open the sound of a video, at a rate and with channels that AAC has.

    Args:
        audio: a file with sound, what a pipe gave, or a sound in memory.
        track: number of the file's audio track, from 0.

    Returns:
        The sound at its own rate, or the next higher one that AAC has (at most 48 kHz), with up to two channels.

    Raises:
        AudioError: the file cannot be read, or has no audio track.
        OptionsError: no such track.
    """
    if isinstance(audio, Waveform):
        audio = resample(audio, _aac_rate(audio.rate))
        return Sound(audio.rate, 1, iter([audio.samples[None].astype(np.float32, copy=False)]))
    info = sound_info(audio, track)
    rate, channels = _aac_rate(info.rate), min(2, info.channels)
    return Sound(rate, channels, sound_blocks(audio, rate, channels, track))


def padded(sound: Sound, name: str, wanted: float) -> Sound:
    """Go on with silence where a sound ends, for as long as the video does.

    Args:
        sound: that may be shorter than the video.
        name: of the sound, for the log.
        wanted: seconds; a sound that ends before is told of.
    """

    def blocks() -> Iterator[np.ndarray]:
        samples = 0
        for block in sound.blocks:
            samples += block.shape[1]
            yield block
        if samples / sound.rate < wanted:
            log.warning("%s: ends at %.2f s; silence follows", name, samples / sound.rate)
        while True:
            yield np.zeros((sound.channels, sound.rate), np.float32)

    return replace(sound, blocks=blocks())


class Encoder:
    """Encode one video to one target; all calls come from one thread at a time."""

    def __init__(self, target: Target, size: tuple[int, int], fps: Fraction, sound: Sound | None, comment: str) -> None:
        """Open the target.

        Args:
            target: where to write.
            size: height and width of the frames, pixels, both even.
            fps: frames per second.
            sound: of the video; None for a silent one.
            comment: added to the metadata after `SYNTHETIC_NOTICE`.
        """
        self._target, self._fps = target, fps
        self._converter = VideoReformatter()
        self._container = av.open(target.file, "w", format=target.container, options=target.options)
        self._container.metadata["title"] = SYNTHETIC_NOTICE
        self._container.metadata["comment"] = f"{SYNTHETIC_NOTICE}. {comment}" if comment else SYNTHETIC_NOTICE
        self._video = _add_video(self._container, size, fps, target.key_frame_seconds)
        self._sound = None if sound is None else _SoundFeed(self._container, sound)

    def add(self, frame: VideoFrame, index: int) -> None:
        """Encode frame `index`, RGB, and the sound up to its end."""
        yuv = self._converter.reformat(
            frame,
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            interpolation=Interpolation.AREA,
            threads=1,
        )
        yuv.pts, yuv.time_base = index, 1 / self._fps
        self._container.mux(self._video.encode(yuv))
        if self._sound is not None:
            self._sound.advance((index + 1) / self._fps)

    def finish(self) -> None:
        """Write what the encoders hold back, and the end of the container."""
        if self._sound is not None:
            self._sound.finish()
        self._container.mux(self._video.encode(None))
        self._container.close()

    def discard(self) -> None:
        """Close a video that has failed."""
        self._target.abandon()
        # Closing tries to write an end, which may well fail for the reason that is being reported already.
        with suppress(FFmpegError, OSError):
            self._container.close()


class _SoundFeed:
    """Encode a sound up to a given time, so that it stays in step with the picture."""

    def __init__(self, container: OutputContainer, sound: Sound) -> None:
        self._container, self._sound = container, sound
        self._layout = "mono" if sound.channels == 1 else "stereo"
        self._stream: AudioStream = container.add_stream("aac", rate=sound.rate)
        self._stream.layout = self._layout
        # AAC holds at most 6 bits a sample and channel; low rates need no more than 4.
        self._stream.bit_rate = min(_BITS_PER_CHANNEL[sound.channels], 4 * sound.rate) * sound.channels
        self._sent = 0
        self._held = np.zeros((sound.channels, 0), np.float32)

    def advance(self, seconds: Fraction) -> None:
        """Encode all samples before `seconds`."""
        wanted = round(seconds * self._sound.rate) - self._sent
        while wanted > 0:
            if not self._held.shape[1]:
                block = next(self._sound.blocks, None)
                if block is None:
                    return
                self._held = block
                continue
            piece, self._held = self._held[:, :wanted], self._held[:, wanted:]
            frame = AudioFrame.from_ndarray(np.ascontiguousarray(piece), format="fltp", layout=self._layout)
            frame.sample_rate = self._sound.rate
            frame.pts, frame.time_base = self._sent, Fraction(1, self._sound.rate)
            self._container.mux(self._stream.encode(frame))
            self._sent += piece.shape[1]
            wanted -= piece.shape[1]

    def finish(self) -> None:
        """Write what the encoder holds back."""
        if self._sent:
            self._container.mux(self._stream.encode(None))


def _add_video(
    container: OutputContainer, size: tuple[int, int], fps: Fraction, key_frame_seconds: float | None
) -> VideoStream:
    options = {"preset": PRESET, "crf": str(CRF)}
    if key_frame_seconds is not None:
        options["g"] = str(max(1, round(key_frame_seconds * fps)))
    stream: VideoStream = container.add_stream("libx264", rate=fps, options=options)
    stream.height, stream.width = size
    stream.pix_fmt = "yuv420p"
    stream.codec_context.time_base = 1 / fps
    stream.codec_context.colorspace = int(Colorspace.ITU709)
    stream.codec_context.color_range = int(ColorRange.MPEG)
    stream.codec_context.color_primaries = int(ColorPrimaries.BT709)
    stream.codec_context.color_trc = int(ColorTrc.BT709)
    return stream


def _aac_rate(rate: int) -> int:
    """Return the rate itself where AAC has it, else the next higher one, at most 48 kHz."""
    return next((known for known in _AAC_RATES if known >= rate), _AAC_RATES[-1])
