"""Frames of a video, upright, in RGB, on the same clock as its sound."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream

from rhapsode.errors import VideoError
from rhapsode.media.packets import clock_zero, decode

# Without the last two flags swscale's RGB comes out about one level too dark.
_SCALING = 0x2 | 0x2000 | 0x40000  # SWS_BILINEAR, SWS_FULL_CHR_H_INT, SWS_ACCURATE_RND: PyAV names them only from 18 on
_RATE_BLUR = 0.005  # relative; rounding to milliseconds blurs an average by up to 0.1 per cent in a second
_UNSPECIFIED = 2  # AVCOL_SPC_UNSPECIFIED
_SD_HEIGHT = 576  # an untagged video up to this height is taken for BT.601, a higher one for BT.709, as players do


#: Endings by which a video is recognised.
VIDEO_ENDINGS = frozenset({".mp4", ".mov", ".mkv", ".webm", ".avi", ".flv", ".mpg", ".mpeg", ".m4v", ".ts"})


@dataclass(frozen=True)
class VideoInfo:
    """What a video is, as it is displayed.

    Attributes:
        width: pixels, after rotation.
        height: pixels, after rotation.
        fps: frames a second; the average where the rate varies.
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


def is_video(path: Path) -> bool:
    """Whether a path is that of an existing video, by its ending."""
    return path.suffix.lower() in VIDEO_ENDINGS and path.is_file()


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
    with _open(path) as container:
        stream = _video_track(container, path)
        has_audio = bool(container.streams.audio)
        fps = _frame_rate(stream)
        if stream.duration is not None and stream.time_base is not None:
            seconds = float(stream.duration * stream.time_base)
        else:
            seconds = (container.duration or 0) / 1_000_000
        n_frames = stream.frames
        first: VideoFrame | None = next(decode(container.demux(stream), path.name, "video"), None)
        if first is None:
            raise VideoError(f"{path.name}: the video track holds no frame that can be read; export it anew")
        if not fps:
            raise VideoError(f"{path.name}: the video does not state its frame rate; export it anew as MP4")
        width, height = first.width, first.height
        if _quarter_turns(first) % 2:
            width, height = height, width
        return VideoInfo(width, height, fps, n_frames or max(1, round(seconds * fps)), seconds, has_audio)


def read_frames(path: str | Path) -> Iterator[tuple[float, np.ndarray]]:
    """Read a video frame by frame, holding one at a time.

    A rotation that the file asks for is applied; the colour matrix and range are those that the file states.
    Damaged packets are skipped with a warning.

    Args:
        path: the file.

    Yields:
        Time in seconds, from the same zero as `load_waveform` of the file, and the frame, (H, W, 3) uint8
        RGB.

    Raises:
        VideoError: no such file, not media, no video track, or no frame in it; raised when the first frame is
            asked for.
    """
    path = Path(path)
    with _open(path) as container:
        stream = _video_track(container, path)
        zero = clock_zero(container)
        step = 1 / (_frame_rate(stream) or Fraction(25))
        time = -step
        converter = VideoReformatter()
        count = 0
        for frame in decode(container.demux(stream), path.name, "video"):
            if frame.pts is None or not frame.time_base:
                time += step
            else:
                time = frame.pts * frame.time_base - zero
            count += 1
            yield float(time), _to_rgb(converter, frame)
        if not count:
            raise VideoError(f"{path.name}: the video track holds no frame that can be read; export it anew")


def _open(path: Path) -> InputContainer:
    """Open a file for reading, or say in one line why not."""
    if not path.is_file():
        raise VideoError(f"{path.name}: no such file; check the path")
    try:
        return av.open(path, "r")
    except (FFmpegError, OSError) as error:
        reason = str(getattr(error, "strerror", None) or error).lower()
        raise VideoError(f"{path.name}: not a video that can be read ({reason}); convert it to MP4") from error


def _video_track(container: InputContainer, path: Path) -> VideoStream:
    for stream in container.streams.video:
        # The cover picture of a song is stored as a video track too.
        if not stream.disposition & Disposition.attached_pic:
            return stream
    raise VideoError(f"{path.name}: no video track; choose a file with moving pictures")


def _frame_rate(stream: VideoStream) -> Fraction | None:
    """The nominal rate where it agrees with the average, else the average (a rate that varies)."""
    average, nominal = stream.average_rate, stream.guessed_rate
    # Formats with times in milliseconds give averages such as 989/33 for 30000/1001.
    if average and nominal and abs(nominal / average - 1) < _RATE_BLUR:
        return Fraction(nominal)
    rate = average or nominal
    return Fraction(rate) if rate else None


def _quarter_turns(frame: VideoFrame) -> int:
    """Quarter turns counterclockwise that bring a frame upright."""
    return round(frame.rotation / 90) % 4


def _to_rgb(converter: VideoReformatter, frame: VideoFrame) -> np.ndarray:
    colours = frame.colorspace
    if colours == _UNSPECIFIED and not frame.format.is_rgb:
        colours = Colorspace.ITU601 if frame.height <= _SD_HEIGHT else Colorspace.ITU709
    # A frame's own range counts where it is stated; yuvj formats say it by their name.
    stated = frame.color_range
    if stated == ColorRange.UNSPECIFIED and frame.format.name.startswith("yuvj"):
        stated = ColorRange.JPEG
    rgb = converter.reformat(
        frame,
        format="rgb24",
        src_colorspace=int(colours),
        src_color_range=int(stated),
        interpolation=_SCALING,
        threads=1,
    )
    return np.ascontiguousarray(np.rot90(rgb.to_ndarray(), _quarter_turns(frame)))
