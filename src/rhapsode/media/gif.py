"""A GIF: one palette of 256 colours for the whole video, chosen once all frames are known."""

import tempfile
from collections.abc import Iterator
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from typing import Any, cast

import av
import numpy as np
from av.error import FFmpegError
from av.filter import Graph
from av.video.frame import VideoFrame

from rhapsode.media.encoder import Sound

#: Of the copy that is kept until the palette is chosen: without loss, quick rather than small.
_LOSSLESS = {"preset": "ultrafast", "qp": "0"}
#: An ordered pattern stays where it is from frame to frame; errors that are passed on to neighbours flicker.
_DITHER = "bayer:bayer_scale=4:diff_mode=rectangle"


class GifEncoder:
    """Keep frames on the disk without loss, choose a palette for all of them, and write them; see `FrameEncoder`."""

    def __init__(
        self, path: Path, shape: tuple[int, int, int], fps: Fraction, sound: Sound | None, comment: str
    ) -> None:
        """Open the copy: a file without a name in the folder of the GIF, so that nothing can stay of it.

        Args:
            path: file to write.
            shape: of the frames, as in `Encoder`; of RGBA what is more than half there is shown, the rest is not.
            fps: frames per second, at most 50.
            sound: left out; a GIF has none.
            comment: left out; FFmpeg writes none.
        """
        self._path, self._fps = path, fps
        self._kept = tempfile.TemporaryFile(dir=path.parent)  # noqa: SIM115 (closed in `finish` or `discard`)
        self._container = av.open(self._kept, "w", format="nut")
        self._clear = shape[2] == 4
        codec, pixels = ("ffvhuff", "bgra") if self._clear else ("libx264rgb", "rgb24")
        options = {} if self._clear else _LOSSLESS
        self._stream: Any = cast(Any, self._container).add_stream(codec, rate=fps, options=options)
        self._stream.height, self._stream.width = shape[:2]
        self._stream.pix_fmt = pixels
        self._stream.codec_context.time_base = 1 / fps

    def add(self, picture: np.ndarray, index: int) -> None:
        """Keep a frame; see `FrameEncoder.add`."""
        frame = VideoFrame.from_numpy_buffer(picture, format="rgba" if self._clear else "rgb24")
        frame.pts, frame.time_base = index, 1 / self._fps
        self._container.mux(self._stream.encode(frame))

    def finish(self) -> None:
        """Choose the palette, and write the GIF."""
        self._container.mux(self._stream.encode(None))
        self._container.close()
        palette = self._palette()
        with av.open(str(self._path), "w", format="gif") as container:
            stream: Any = container.add_stream("gif", rate=self._fps)
            stream.height, stream.width = self._stream.height, self._stream.width
            stream.pix_fmt = "pal8"
            stream.codec_context.time_base = 1 / self._fps
            for index, frame in enumerate(self._drawn(palette)):
                frame.pts, frame.time_base = index, 1 / self._fps
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
        self._kept.close()

    def discard(self) -> None:
        """Let the copy go."""
        with suppress(FFmpegError, OSError):
            self._container.close()
        self._kept.close()

    def _frames(self) -> Iterator[VideoFrame]:
        self._kept.seek(0)
        with av.open(self._kept, "r", format="nut") as container:
            yield from container.decode(video=0)

    def _palette(self) -> VideoFrame:
        """Choose 256 colours for all frames."""
        graph = Graph()
        source: Any = None
        for frame in self._frames():
            if source is None:
                source = self._source(graph, frame)
                chooser, sink = (
                    graph.add("palettegen", f"reserve_transparent={int(self._clear)}"),
                    graph.add("buffersink"),
                )
                source.link_to(chooser)
                chooser.link_to(sink)
                graph.configure()
            source.push(frame)
        source.push(None)
        return cast(VideoFrame, sink.pull())

    def _source(self, graph: Graph, frame: VideoFrame) -> Any:
        """Let a filter graph take frames like one."""
        return graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=1 / self._fps)

    def _drawn(self, palette: VideoFrame) -> Iterator[VideoFrame]:
        """Draw the frames in the colours of the palette."""
        graph = Graph()
        pictures: Any = None
        for frame in self._frames():
            if pictures is None:
                pictures, colours = self._source(graph, frame), self._source(graph, palette)
                drawer, sink = graph.add("paletteuse", f"dither={_DITHER}"), graph.add("buffersink")
                pictures.link_to(drawer, 0, 0)
                colours.link_to(drawer, 0, 1)
                drawer.link_to(sink)
                graph.configure()
                palette.pts = 0
                colours.push(palette)
                colours.push(None)
            pictures.push(frame)
            yield from _ready(sink)
        pictures.push(None)
        yield from _ready(sink)


def _ready(sink: Any) -> Iterator[VideoFrame]:
    """Give the frames that a filter has done."""
    with suppress(av.error.BlockingIOError, av.error.EOFError):
        while True:
            yield sink.pull()
