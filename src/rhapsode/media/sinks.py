"""Where an encoded video goes: a file that is whole or not there, or a stream that plays while it is written."""

import logging
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from rhapsode.errors import VideoError
from rhapsode.files import hidden_beside
from rhapsode.media.encoder import Destination, Encoder, FrameEncoder, Sound
from rhapsode.media.faults import explain_disk, reason
from rhapsode.media.formats import GIF, H264, format_of
from rhapsode.media.gif import GifEncoder
from rhapsode.places import check_writable

log = logging.getLogger(__name__)

#: Shape of the frames, frames per second, sound and comment of a video to its encoder.
Start = Callable[[tuple[int, int, int], Fraction, Sound | None, str], FrameEncoder]
# Fragments begin at key frames. The first waits for the encoders, so that it can state their delay: without that,
# the sound would be late by AAC's 1024 samples.
_FRAGMENTED = "+frag_keyframe+delay_moov+default_base_moof"
# Seconds from which on the index of a file is too large for memory: 90 bytes a packet, 6 to 25 MB an hour.
_LONG = 3600.0
_LONG_KEY_FRAME_SECONDS = 10.0


class Writable(Protocol):
    """Take bytes: a binary file, a pipe, `socket.makefile("wb")`, the body of an HTTP response."""

    def write(self, data: bytes, /) -> Any:
        """Take bytes; gives how many were taken, or None for all."""


@dataclass
class Target:
    """Take one video.

    Attributes:
        start: makes the encoder, once the size of the frames is known.
        written: bytes of the result, known once the sink is closed.
    """

    start: Start
    written: int = 0


class Sink(Protocol):
    """Take an encoded video.

    Attributes:
        name: what messages call it.
        rates: samples per second that its sound may have, ascending; empty where it has no sound.
        unsigned: why what it writes cannot hold Content Credentials; empty where it can.
    """

    name: str
    rates: tuple[int, ...]
    unsigned: str

    def check(self, fps: Fraction | None = None, clear: bool = False) -> Any:
        """Refuse what could not be written in the end; nothing stays written.

        Args:
            fps: frames per second, where they are known.
            clear: whether frames are transparent, RGBA.

        Raises:
            VideoError: what is wrong with the place or the rate, or that it is never transparent.
        """

    def open(self, seconds: float) -> AbstractContextManager[Target]:
        """Prepare for writing; leaving the context publishes the video, or discards it where an error leaves.

        Args:
            seconds: estimated length of the video, 0 where nothing is known.
        """

    def explain(self, error: Exception) -> VideoError:
        """Put an error of FFmpeg or the operating system into words."""


class VideoFile:
    """Write a file of the kind that its name ends in (`media.formats`).

    An MP4 has its index in front (faststart), so that browsers play it while they load it. One of more than an hour is
    written in fragments with an index of fragments in front, which browsers play and seek in as well: an index of all
    packets would be held in memory until the end.

    The file is written under a hidden name in the same folder and renamed when it is whole. When anything fails,
    Ctrl-C included, nothing is left, and a file that stood under the name before stays as it was.
    """

    def __init__(self, path: str | Path, before_publish: Callable[[Path], None] | None = None) -> None:
        """Check the name; nothing is written yet.

        Args:
            path: file to write, ending in .mp4, .m4v, .mov, .webm or .gif.
            before_publish: called with the whole file before it has its final name, for instance to sign it. It
                may change or replace the file under the path that it is given, which ends as `path` does. What it
                raises discards the video and passes through.

        Raises:
            VideoError: an unknown ending.
        """
        self.path = Path(path)
        self.name = self.path.name
        self.format = format_of(self.path)
        self.rates, self.unsigned = self.format.rates, self.format.unsigned
        self.before_publish = before_publish

    def check(self, fps: Fraction | None = None, clear: bool = False) -> Path:
        """Refuse what could not be written in the end; see `Sink.check`.

        Returns:
            Where the video will be: the path, or what it points to where it is a symbolic link.

        Raises:
            VideoError: the path is a folder, a pipe or write-protected; its folder is missing, not writable or full;
                the format has fewer frames a second, or is never transparent.
        """
        self.format.check(self.name, fps, clear)
        try:
            mode: int | None = self.path.stat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            mode = None
        except OSError as error:  # such as a name that is too long, or links in a circle
            raise self.explain(error) from error
        path = Path(os.path.realpath(self.path)) if self.path.is_symlink() else self.path
        folder = path.parent
        if mode is not None:
            if stat.S_ISDIR(mode):
                raise VideoError(f"{self.name}: is a folder", "name a file", "is-folder")
            if not stat.S_ISREG(mode):
                raise VideoError(f"{self.name}: is no file, but a pipe or a device", "name a file", "no-file")
            try:
                path.open("r+b").close()
            except OSError as error:
                protected = f"{self.name}: is write-protected"
                raise VideoError(protected, "choose another name", "no-permission") from error
        if not folder.is_dir():
            raise VideoError(f"{self.name}: there is no folder {str(folder)!r}", "create it first", "no-folder")
        try:
            check_writable(folder)
        except FileNotFoundError as error:
            raise VideoError(
                f"{self.name}: the folder {str(folder)!r} is gone", "choose another", "no-folder"
            ) from error
        except OSError as error:
            raise self.explain(error) from error
        return path

    @contextmanager
    def open(self, seconds: float) -> Iterator[Target]:
        """Claim a hidden name in the folder; see `Sink.open`.

        Raises:
            VideoError: as `check`.
        """
        path = self.check()
        # The ending stays, by which tools that sign a video know its format.
        part = hidden_beside(path, f".{secrets.token_hex(4)}.part{self.path.suffix}")
        try:
            try:
                part.touch(exist_ok=False)
            except OSError as error:
                raise self.explain(error) from error
            target = Target(self._encoder(part, seconds))
            yield target
            if self.before_publish is not None:
                self.before_publish(part)
            try:
                target.written = part.stat().st_size
                part.replace(path)
            except OSError as error:
                raise self.explain(error) from error
        finally:
            with suppress(OSError):  # what went wrong is told already
                part.unlink(missing_ok=True)

    def _encoder(self, part: Path, seconds: float) -> Start:
        if self.format is GIF:
            log.warning("%s: a GIF has no sound", self.name, extra={"code": "no-sound"})
            return partial(GifEncoder, part)
        to = Destination(str(part), self.name, self.format)
        if self.format.container in ("mp4", "mov"):
            to.options["movflags"] = "+faststart"
        if self.format is H264 and seconds > _LONG:
            to.options["movflags"] = f"{_FRAGMENTED}+global_sidx"
            to.key_frame_seconds = _LONG_KEY_FRAME_SECONDS
        return partial(Encoder, to)

    def explain(self, error: Exception) -> VideoError:
        """Put an error into words; see `Sink.explain`."""
        return explain_disk(error, self.name, str(self.path.parent))


class FragmentedMp4:
    """Write a fragmented MP4 to a stream that cannot be rewound; it plays while it is written, with its sound.

    A fragment of up to a second is written at a time; what was written before a stream broke off plays. The
    stream is written to from another thread, and stays open afterwards.
    """

    KEY_FRAME_SECONDS = 1.0
    rates = H264.rates
    unsigned = "a stream is gone before its end, which a signature needs, is known"

    def __init__(self, stream: Writable, name: str = "stream") -> None:
        """Take a stream.

        Args:
            stream: any object with `write(bytes)`. What it raises stops the video; an OSError, such as
                BrokenPipeError, becomes a VideoError with the code `stream-closed`, anything else passes through.
            name: what messages call it.
        """
        self.name = name
        self._stream = stream

    def check(self, fps: Fraction | None = None, clear: bool = False) -> None:
        """Refuse a terminal, and transparent frames; see `Sink.check`."""
        H264.check(self.name, fps, clear)
        isatty = getattr(self._stream, "isatty", None)
        if isatty is not None and isatty():
            raise VideoError(
                f"{self.name}: is a terminal, which shows no video", "send it to a program or a file", "terminal"
            )

    @contextmanager
    def open(self, seconds: float) -> Iterator[Target]:
        """Begin a stream; see `Sink.open`."""
        file = _Stream(self._stream)
        options = {"movflags": _FRAGMENTED, "flush_packets": "1"}
        to = Destination(file, self.name, H264, options, self.KEY_FRAME_SECONDS, file.abandon)
        target = Target(partial(Encoder, to))
        try:
            yield target
        finally:
            # FFmpeg may hide it behind an error of its own, or find no time to tell it.
            if isinstance(file.error, OSError):
                raise self.explain(file.error) from file.error
            if file.error is not None:
                raise file.error from None
        target.written = file.written

    def explain(self, error: Exception) -> VideoError:
        """Put an error into words; see `Sink.explain`."""
        return VideoError(
            f"{self.name}: the video cannot be written ({reason(error)})",
            "keep the stream open until the video ends",
            "stream-closed",
        )


class _Stream:
    """A stream as FFmpeg is to see it: takes everything at once, cannot seek, and is silent once it has failed."""

    def __init__(self, stream: Writable) -> None:
        self._stream = stream
        self._abandoned = False
        self.written = 0
        self.error: Exception | None = None

    def write(self, data: bytes) -> int:
        if self._abandoned or self.error is not None:
            return len(data)
        try:
            rest = memoryview(data)
            while rest:
                taken = self._stream.write(bytes(rest))  # raw streams and pipes take a part
                rest = rest[taken if isinstance(taken, int) else len(rest) :]
            flush = getattr(self._stream, "flush", None)
            if flush is not None:
                flush()
        except Exception as error:
            self.error = error
            raise
        self.written += len(data)
        return len(data)

    def abandon(self) -> None:
        self._abandoned = True
