"""Picture and sound, encoded and muxed in step."""

import logging
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, Protocol

import av
import numpy as np
from av.audio.frame import AudioFrame
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

from rhapsode.media.formats import H264, VP9, Format
from rhapsode.media.levels import too_high_level
from rhapsode.media.sound import sound_blocks
from rhapsode.media.source import Piped
from rhapsode.media.tracks import sound_info
from rhapsode.media.waveform import Waveform, resample

log = logging.getLogger(__name__)

SYNTHETIC_NOTICE = "Made with Rhapsode: a synthetic talking head"
"""Stands in the metadata of every video, so that a result says that it is made."""

DIGITAL_SOURCE = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""IPTC's word for what Rhapsode makes: frames are the pixels of a given picture, moved, with a mouth that networks
paint between them. `trainedAlgorithmicMedia` would say that nothing in the picture was recorded."""

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


def notice(comment: str = "") -> str:
    """Say what stands as a comment in every result: that it is made, how, and what else there is to say."""
    return ". ".join(one for one in (SYNTHETIC_NOTICE, f"Digital source type: {DIGITAL_SOURCE}", comment) if one)


def open_sound(audio: str | Path | Piped | Waveform, track: int = 0, rates: tuple[int, ...] = H264.rates) -> Sound:
    """Open the sound of a video, at a rate and with channels that its format has.

    Args:
        audio: a file with sound, what a pipe gave, or a sound in memory.
        track: number of the file's audio track, from 0.
        rates: samples per second to choose among, ascending.

    Returns:
        The sound at its own rate, or the next higher one of `rates`, else the highest, with up to two channels.

    Raises:
        AudioError: the file cannot be read, or has no audio track.
        OptionsError: no such track.
    """
    if isinstance(audio, Waveform):
        audio = resample(audio, _rate(audio.rate, rates))
        return Sound(audio.rate, 1, iter([audio.samples[None].astype(np.float32, copy=False)]))
    info = sound_info(audio, track)
    rate, channels = _rate(info.rate, rates), min(2, info.channels)
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


class FrameEncoder(Protocol):
    """Encode one video; all calls come from one thread at a time."""

    def add(self, picture: np.ndarray, index: int) -> None:
        """Encode frame `index`, (H, W, 3 or 4) uint8 RGB or RGBA, which it may keep, and the sound up to its end."""

    def finish(self) -> None:
        """Write what is held back, and the end."""

    def discard(self) -> None:
        """Close a video that has failed."""


@dataclass
class Destination:
    """Tell an encoder where and how to write.

    Attributes:
        file: a path, or an object with `write`.
        name: what messages call it.
        format: what picture and sound are encoded as.
        options: of the muxer.
        key_frame_seconds: longest time between key frames; the encoder's own where None.
        abandon: to be called before an unfinished video is closed, so that no end is written to it.
    """

    file: Any
    name: str
    format: Format = H264
    options: dict[str, str] = field(default_factory=dict)
    key_frame_seconds: float | None = None
    abandon: Callable[[], None] = field(default=lambda: None)


class Encoder:
    """Encode a video by FFmpeg, picture and sound in one file or stream; see `FrameEncoder`."""

    def __init__(
        self, to: Destination, shape: tuple[int, int, int], fps: Fraction, sound: "Sound | None", comment: str
    ) -> None:
        """Open the destination.

        Args:
            to: where to write.
            shape: of the frames: height, width, and 3 for RGB or 4 for RGBA.
            fps: frames per second.
            sound: of the video; None for a silent one.
            comment: added to the metadata after the notice that the video is made (`notice`).

        Raises:
            VideoError: frames are transparent, and the format never is.
        """
        self._to, self._fps, self._format = to, fps, to.format
        to.format.check(to.name, None, clear=shape[2] == 4)
        height, width = (side + (side % 2 if self._format.even else 0) for side in shape[:2])
        self._given, self._pixels = ("rgba", to.format.clear) if shape[2] == 4 else ("rgb24", to.format.pixels)
        if self._format is H264 and (too_high := too_high_level(width, height, fps)):
            log.warning("%s: %s", to.name, too_high, extra={"code": "high-level"})
        self._converter = VideoReformatter()
        self._container = av.open(to.file, "w", format=self._format.container, options=to.options)
        self._container.metadata["title"] = SYNTHETIC_NOTICE
        self._container.metadata["comment"] = notice(comment)
        self._video = _add_video(
            self._container, self._format, self._pixels, (height, width), fps, to.key_frame_seconds
        )
        self._sound = None if sound is None else SoundFeed(self._container, sound, self._format)

    def add(self, picture: np.ndarray, index: int) -> None:
        """Encode frame `index`, and the sound up to its end; see `FrameEncoder.add`."""
        picture = _even(picture) if self._format.even else picture
        yuv = self._converter.reformat(
            VideoFrame.from_numpy_buffer(picture, format=self._given),
            format=self._pixels,
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
        self._to.abandon()
        # Closing tries to write an end, which may well fail for the reason that is being reported already.
        with suppress(FFmpegError, OSError):
            self._container.close()


class SoundFeed:
    """Encode a sound up to a given time, so that it stays in step with the picture."""

    def __init__(self, container: OutputContainer, sound: Sound, format: Format) -> None:
        """Add a sound to a container; its encoder is that of `format`."""
        self._container, self._sound = container, sound
        self._layout = "mono" if sound.channels == 1 else "stereo"
        stream: Any = container.add_stream(format.sound, rate=sound.rate)
        stream.layout = self._layout
        if format.lossy_sound:
            # AAC holds at most 6 bits a sample and channel; low rates need no more than 4.
            stream.bit_rate = min(_BITS_PER_CHANNEL[sound.channels], 4 * sound.rate) * sound.channels
        self._stream = stream
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
    container: OutputContainer,
    format: Format,
    pixels: str,
    size: tuple[int, int],
    fps: Fraction,
    key_frame_seconds: float | None,
) -> VideoStream:
    options = dict(format.options) | ({"auto-alt-ref": "0"} if pixels == VP9.clear else {})  # they know no transparency
    if key_frame_seconds is not None:
        options["g"] = str(max(1, round(key_frame_seconds * fps)))
    stream: Any = container.add_stream(format.video, rate=fps, options=options)
    stream.height, stream.width = size
    stream.pix_fmt = pixels
    stream.codec_context.time_base = 1 / fps
    stream.codec_context.colorspace = int(Colorspace.ITU709)
    stream.codec_context.color_range = int(ColorRange.MPEG)
    stream.codec_context.color_primaries = int(ColorPrimaries.BT709)
    stream.codec_context.color_trc = int(ColorTrc.BT709)
    return stream


def _even(array: np.ndarray) -> np.ndarray:
    """Repeat the last row and column of an odd size."""
    height, width = array.shape[:2]
    if height % 2 or width % 2:
        array = np.pad(array, ((0, height % 2), (0, width % 2), (0, 0)), mode="edge")
    return np.ascontiguousarray(array)


def _rate(rate: int, rates: tuple[int, ...]) -> int:
    """Return the rate itself where there is such a one, else the next higher one, at most the highest."""
    return next((known for known in rates if known >= rate), rates[-1])
