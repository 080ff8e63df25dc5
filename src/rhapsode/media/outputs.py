"""What an output's name asks for: a file by its ending, a folder of frames, or standard output."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

from rhapsode.media.frame_folder import FrameFolder
from rhapsode.media.sinks import FragmentedMp4, Sink, VideoFile

_SLASHES = tuple({"/", os.sep})


def sink_for(out: str | Path, overwrite: bool = False, before_publish: Callable[[Path], None] | None = None) -> Sink:
    """Give the sink that a name asks for.

    Args:
        out: a file ending in .mp4, .m4v, .mov, .webm or .gif; a folder, which ends in a slash or is there already; a
            pattern of PNG pictures in a folder, such as frames/%05d.png; or "-", a fragmented MP4 to standard output.
        overwrite: replace a folder that holds an earlier result; a file is always replaced.
        before_publish: as in `VideoFile`; not called for folders and streams.

    Raises:
        VideoError: the name asks for none of these.
    """
    path = Path(out)
    if str(out) == "-":
        return FragmentedMp4(_Unbuffered(), "standard output")
    if str(out).endswith(_SLASHES) or (not path.suffix and str(out) and path.is_dir()) or path.suffix.lower() == ".png":
        return FrameFolder(path, overwrite)
    return VideoFile(path, before_publish)


class _Unbuffered:
    """Standard output, past Python's buffer: a reader that leaves is seen at once, and once."""

    def __init__(self) -> None:
        sys.stdout.flush()
        self._number = sys.stdout.fileno()

    def write(self, data: bytes) -> int:
        return os.write(self._number, data)

    def isatty(self) -> bool:
        return os.isatty(self._number)
