"""Where sounds and videos are read from: a file, or a pipe that is kept; never the network."""

import os
import re
import stat
import tempfile
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import av
from av.container import InputContainer
from av.error import FFmpegError

from rhapsode.errors import RhapsodeError

#: Bytes of a pipe that are kept in memory; what is longer goes to a temporary file.
IN_MEMORY = 32 * 2**20
_PIECE = 2**20
# Two letters at least: one is a drive of Windows. `Path` has made one slash of two.
_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]+:/", re.IGNORECASE)
# Files that name others: FFmpeg would go on to open those, wherever they are.
_LISTS = re.compile(rb"\s*(#EXTM3U|ffconcat|v=0|\[playlist\]|(<\?xml[^>]*>\s*)?<(MPD|asx|smil))", re.IGNORECASE)


class Piped:
    """Keep what came through a pipe, so that it can be read from its beginning, more than once and at any place.

    Attributes:
        name: what messages call it.
    """

    def __init__(self, stream: BinaryIO, name: str, error: type[RhapsodeError]) -> None:
        """Read the pipe to its end.

        Args:
            stream: the pipe.
            name: what messages call it.
            error: what a failure becomes.
        """
        self.name = name
        # Without a name on the disk, so that nothing stays even where the process is killed.
        self._kept = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 (closed with the object)
        weakref.finalize(self, self._kept.close)
        self._lock = threading.Lock()
        try:
            while piece := stream.read(_PIECE):
                self._kept.write(piece)
        except OSError as failed:
            reason = (failed.strerror or str(failed)).lower()
            raise error(
                f"{name}: cannot be kept in the temporary folder ({reason})",
                "name a folder with room in TMPDIR, or give a file",
                "disk-full",
            ) from failed
        self._size = self._kept.tell()

    def opened(self) -> "_View":
        """Open it at its beginning; views are independent of each other, in any thread."""
        return _View(self)

    def read_at(self, place: int, count: int) -> bytes:
        """Read up to `count` bytes."""
        with self._lock:
            self._kept.seek(place)
            return self._kept.read(count)

    @property
    def size(self) -> int:
        """Return the number of bytes."""
        return self._size


class _View:
    """A place in what a pipe gave, as a binary file."""

    def __init__(self, piped: Piped) -> None:
        self._piped, self._place = piped, 0

    def read(self, count: int) -> bytes:
        data = self._piped.read_at(self._place, count)
        self._place += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        self._place = max(0, offset + (0, self._place, self._piped.size)[whence])
        return self._place

    def tell(self) -> int:
        return self._place

    def close(self) -> None:
        """What the pipe gave stays."""


class _Named:
    """A binary file as FFmpeg is to see it: of its name only the ending, by which raw streams are known."""

    def __init__(self, file: "BinaryIO | _View", name: str) -> None:
        ending = Path(name).suffix
        self.name = f"media{ending}" if ending[1:].isalnum() and ending.isascii() else "media"
        self.read, self.seek, self.tell = file.read, file.seek, file.tell


def name_of(source: str | Path | Piped) -> str:
    """Give the name by which messages call a source."""
    return source.name if isinstance(source, Piped) else Path(source).name


def media_source(given: str | Path | Piped, error: type[RhapsodeError]) -> Path | Piped:
    """Look at what is to be read: a pipe is read to its end now, a file is left where it is.

    Args:
        given: a file; a pipe, such as /dev/stdin, /dev/fd/3 or a FIFO; or "-", standard input.
        error: what a failure becomes.

    Raises:
        RhapsodeError: of the class `error`: no such file, a folder, an address, a terminal, or a full temporary folder.
    """
    if isinstance(given, Piped):
        return given
    try:
        if given == "-":
            with os.fdopen(os.dup(0), "rb") as stream:
                if stream.isatty():
                    raise error("-: standard input is a terminal", "pipe a sound into it, or name a file", "no-file")
                return Piped(stream, "standard input", error)
        path = Path(given)
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise error(f"{path.name or path}: is a folder", "name a file in it", "is-folder")
        if stat.S_ISREG(mode):
            return path
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
            with path.open("rb") as stream:
                return Piped(stream, str(path), error)
        raise error(f"{given}: is a device", "name a file or a pipe", "no-file")
    except (OSError, ValueError) as failed:
        raise _unreadable(str(given), failed, error) from None


@contextmanager
def open_media(
    source: str | Path | Piped, error: type[RhapsodeError], what: str, remedy: str
) -> Iterator[InputContainer]:
    """Open a file or what a pipe gave for FFmpeg, which opens nothing else: no other file, and nothing of the network.

    Args:
        source: see `media_source`.
        error: what a failure becomes.
        what: what it should be, for messages, such as "a sound".
        remedy: what to do where it is something else.

    Raises:
        RhapsodeError: of the class `error`: as in `media_source`, or a file that may not be read, is empty or no media.
    """
    source = media_source(source, error)
    try:
        file = source.opened() if isinstance(source, Piped) else source.open("rb")
    except OSError as failed:
        raise _unreadable(str(source), failed, error) from None
    try:
        head = file.read(256)
        if not head:
            raise error(f"{source.name}: the file is empty", f"choose a file that holds {what}", "no-sound")
        if _LISTS.match(head):
            raise error(f"{source.name}: is a list of other files", f"give {what} itself", "is-list")
        file.seek(0)
        try:
            container = av.open(_Named(file, source.name), "r", container_options={"protocol_whitelist": ""})
        except (FFmpegError, OSError, ValueError) as failed:
            reason = str(getattr(failed, "strerror", None) or failed).lower()
            raise error(f"{source.name}: not {what} that can be read ({reason})", remedy, "unknown-format") from failed
        with container:
            yield container
    finally:
        file.close()


def _unreadable(given: str, failed: Exception, error: type[RhapsodeError]) -> RhapsodeError:
    """Tell why there is no file to read."""
    name = Path(given).name or given
    if _ADDRESS.match(given):
        return error(f"{given}: is an address, and nothing is read from the network", "download it first", "is-address")
    if isinstance(failed, PermissionError):
        return error(f"{name}: may not be read", "change its permissions, or choose another file", "no-permission")
    if isinstance(failed, FileNotFoundError | NotADirectoryError | ValueError) or given == "-":
        return error(f"{name}: no such file", "check the path", "no-file")
    reason = (getattr(failed, "strerror", None) or str(failed)).lower()
    return error(f"{name}: {reason}", "check the path", "no-file")
