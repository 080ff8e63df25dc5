"""Frames of a video, upright, in RGB, on the same clock as its sound."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from av.container import InputContainer
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream

from rhapsode.errors import VideoError
from rhapsode.media.packets import clock_zero, decode
from rhapsode.media.source import open_media

# Without the last two flags swscale's RGB comes out about one level too dark.
_SCALING = 0x2 | 0x2000 | 0x40000  # SWS_BILINEAR, SWS_FULL_CHR_H_INT, SWS_ACCURATE_RND: PyAV names them only from 18 on
_RATE_BLUR = 0.005  # relative; rounding to milliseconds blurs an average by up to 0.1 per cent in a second
_UNSPECIFIED = 2  # AVCOL_SPC_UNSPECIFIED
_SD_HEIGHT = 576  # an untagged video up to this height counts as BT.601, a higher one for BT.709, as players do

# Containers that hold picture and sound. Others that FFmpeg takes for video are pictures, playlists and text.
_CONTAINERS = frozenset(
    {"asf", "avi", "dv", "flv", "gxf", "matroska", "mov", "mpeg", "mpegts", "mxf", "nut", "ogg", "rm", "wtv"}
)
_PICTURE_BRANDS = ("avif", "heic", "heix", "mif1", "msf1")  # pictures in the container of MP4


@dataclass(frozen=True)
class VideoInfo:
    """Describe a video as it is displayed.

    Attributes:
        width: pixels, after rotation.
        height: pixels, after rotation.
        fps: frames per second; the average where the rate varies.
        n_frames_estimate: number of frames as the file states it, or else seconds times fps.
        seconds: length of the picture.
        has_audio: whether there is an audio track.
    """

    width: int
    height: int
    fps: Fraction
    n_frames_estimate: int
    seconds: float
    has_audio: bool


def is_video(path: str | Path) -> bool:
    """Find out whether a file is a video that can be read, by its content: its name does not matter.

    Args:
        path: of a file, or of nothing.

    Returns:
        Whether the file holds a track of moving pictures. Pictures, sound with a cover, and files that cannot be
        read do not.
    """
    path = Path(path)
    try:
        with open_video(path) as container:
            video_track(container, path)
            brand = container.metadata.get("major_brand", "")
            return not _CONTAINERS.isdisjoint(container.format.name.split(",")) and brand not in _PICTURE_BRANDS
    except (VideoError, OSError):  # a name may be too long for the file system
        return False


def probe(path: str | Path) -> VideoInfo:
    """Look up size, rate and length of a video.

    Args:
        path: the file.

    Returns:
        What the file's headers and its first frame say.

    Raises:
        VideoError: no such file, not media, no video track, or no frame in it.
    """
    path = Path(path)
    with open_video(path) as container:
        stream = video_track(container, path)
        has_audio = bool(container.streams.audio)
        fps = frame_rate(stream)
        if stream.duration is not None and stream.time_base is not None:
            seconds = float(stream.duration * stream.time_base)
        else:
            seconds = (container.duration or 0) / 1_000_000
        n_frames = stream.frames
        first: VideoFrame | None = next(decode(container.demux(stream), path.name, "video"), None)
        if first is None:
            raise _no_frame(path)
        if not fps:
            raise VideoError(
                f"{path.name}: the video does not state its frame rate", "export it anew as MP4", "bad-rate"
            )
        width, height = first.width, first.height
        if _quarter_turns(first) % 2:
            width, height = height, width
        return VideoInfo(width, height, fps, n_frames or max(1, round(seconds * fps)), seconds, has_audio)


def read_frames(path: str | Path) -> Iterator[tuple[float, np.ndarray]]:
    """Read a video frame by frame, holding one at a time.

    A rotation that the file asks for is applied; the color matrix and range are those that the file states.
    Damaged packets are skipped with a warning.

    Args:
        path: the file.

    Yields:
        Time in seconds, from the same zero as `mono_blocks` of the file, and the frame, (H, W, 3) uint8
        RGB.

    Raises:
        VideoError: no such file, not media, no video track, or no frame in it; raised when the first frame is
            asked for.
    """
    path = Path(path)
    with open_video(path) as container:
        stream = video_track(container, path)
        zero = clock_zero(container)
        step = 1 / (frame_rate(stream) or Fraction(25))
        time = -step
        converter = VideoReformatter()
        count = 0
        for frame in decode(container.demux(stream), path.name, "video"):
            if frame.pts is None or not frame.time_base:
                time += step
            else:
                time = frame.pts * frame.time_base - zero
            count += 1
            yield float(time), to_rgb(converter, frame)
        if not count:
            raise _no_frame(path)


def open_video(path: Path) -> AbstractContextManager[InputContainer]:
    """Open a file for reading; every failure becomes a `VideoError`."""
    return open_media(path, VideoError, "a video", "convert it to MP4")


def video_track(container: InputContainer, path: Path) -> VideoStream:
    """Give the track of moving pictures; a `VideoError` says that there is none."""
    for stream in container.streams.video:
        # The cover picture of a song is stored as a video track too.
        if not stream.disposition & Disposition.attached_pic:
            return stream
    raise VideoError(f"{path.name}: no video track", "choose a file with moving pictures", "no-video")


def _no_frame(path: Path) -> VideoError:
    return VideoError(f"{path.name}: the video track holds no frame that can be read", "export it anew", "damaged")


def frame_rate(stream: VideoStream) -> Fraction | None:
    """Give the nominal rate where it agrees with the average, else the average (a rate that varies)."""
    average, nominal = stream.average_rate, stream.guessed_rate
    # Formats with times in milliseconds give averages such as 989/33 for 30000/1001.
    if average and nominal and abs(nominal / average - 1) < _RATE_BLUR:
        return Fraction(nominal)
    rate = average or nominal
    return Fraction(rate) if rate else None


def _quarter_turns(frame: VideoFrame) -> int:
    """Return the quarter turns counterclockwise that bring a frame upright."""
    return round(frame.rotation / 90) % 4


def to_rgb(converter: VideoReformatter, frame: VideoFrame) -> np.ndarray:
    """Give a frame upright, (H, W, 3) uint8 RGB, by the colour matrix and range that it states."""
    matrix = frame.colorspace
    if matrix == _UNSPECIFIED and not frame.format.is_rgb:
        matrix = Colorspace.ITU601 if frame.height <= _SD_HEIGHT else Colorspace.ITU709
    # A frame's own range counts where it is stated; yuvj formats say it by their name.
    stated = frame.color_range
    if stated == ColorRange.UNSPECIFIED and frame.format.name.startswith("yuvj"):
        stated = ColorRange.JPEG
    rgb = converter.reformat(
        frame,
        format="rgb24",
        src_colorspace=int(matrix),
        src_color_range=int(stated),
        interpolation=_SCALING,
        threads=1,
    )
    return np.ascontiguousarray(np.rot90(rgb.to_ndarray(), _quarter_turns(frame)))
