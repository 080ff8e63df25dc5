"""A few frames out of a video, in bounded time however long it is."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Final

import numpy as np
from av.container import InputContainer
from av.error import FFmpegError
from av.video.frame import VideoFrame
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream

from rhapsode.errors import VideoError
from rhapsode.media.packets import clock_zero, decode
from rhapsode.media.reader import frame_rate, open_video, to_rgb, video_track

#: A video of no more frames is decoded as a whole; of a longer one only frames at which decoding can begin.
_SHORT: Final = 600


def sample_frames(path: Path, most: int) -> Iterator[tuple[float, np.ndarray]]:
    """Read frames that lie about evenly over a video, `most` of them at most.

    Args:
        path: the file.
        most: 1 or more.

    Yields:
        Time in seconds as `read_frames` gives it, and the frame, (H, W, 3) uint8 RGB.

    Raises:
        VideoError: as `read_frames`.
    """
    with open_video(path) as container:
        stream = video_track(container, path)
        seconds = (container.duration or 0) / 1_000_000
        rate = frame_rate(stream) or 25
        count = stream.frames or round(seconds * float(rate))
        frames: Iterator[VideoFrame]
        if count <= _SHORT:
            step = max(1, -(-(count or _SHORT) // most))
            frames = islice(decode(container.demux(stream), path.name, "video"), 0, _SHORT, step)
        else:
            frames = _spread(container, stream, path, seconds or count / float(rate), most)
        converter, zero, empty = VideoReformatter(), clock_zero(container), True
        for number, frame in enumerate(islice(frames, most)):
            empty = False
            untimed = frame.pts is None or not frame.time_base
            time = number / rate if untimed else (frame.pts or 0) * (frame.time_base or 0) - zero
            yield float(time), to_rgb(converter, frame)
        if empty:
            raise VideoError(
                f"{path.name}: the video track holds no frame that can be read", "export it anew", "damaged"
            )


def _spread(
    container: InputContainer, stream: VideoStream, path: Path, seconds: float, most: int
) -> Iterator[VideoFrame]:
    """Frames at which decoding can begin, each the last one before one of many even times."""
    known: set[int | None] = set()
    for number in range(most):
        time = (number + 0.5) / most * seconds
        try:
            container.seek(round(1_000_000 * (time + float(clock_zero(container)))))
        except FFmpegError:  # a stream that cannot be wound: its beginning has to do
            yield from islice(decode(container.demux(stream), path.name, "video"), 0, _SHORT, -(-_SHORT // most))
            return
        frame: VideoFrame | None = next(decode(container.demux(stream), path.name, "video"), None)
        if frame is not None and frame.pts not in known:
            known.add(frame.pts)
            yield frame
