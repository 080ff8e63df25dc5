"""A folder of pictures, one a frame, with the sound beside them."""

import errno
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from functools import partial
from pathlib import Path

import av
import numpy as np
from av.error import FFmpegError
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from rhapsode.errors import VideoError
from rhapsode.files import hidden_beside
from rhapsode.media.encoder import DIGITAL_SOURCE, SYNTHETIC_NOTICE, Sound, SoundFeed, notice
from rhapsode.media.faults import explain_disk
from rhapsode.media.formats import PRORES
from rhapsode.media.sinks import Target
from rhapsode.places import check_writable

#: Name of the sound in the folder.
SOUND = "sound.wav"
_PATTERN = re.compile(r"[^%/\\]*%0?\d*d[^%/\\]*\.png", re.IGNORECASE)
#: Quick rather than small: 1.1 times the size of the default, in a third of its time.
_COMPRESSION = 3
_XMP = f"""<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"
 Iptc4xmpExt:DigitalSourceType="{DIGITAL_SOURCE}"/></rdf:RDF></x:xmpmeta><?xpacket end="r"?>"""


class FrameFolder:
    """Write a folder of PNG pictures and `sound.wav`, 24 bits a sample.

    The folder is written under a hidden name beside its own, and renamed when it is whole. When anything fails, Ctrl-C
    included, nothing is left, and a folder that stood there before stays as it was.
    """

    rates = PRORES.rates
    unsigned = "pictures of a folder are not signed one by one"

    def __init__(self, path: str | Path, overwrite: bool = False) -> None:
        """Check the name; nothing is written yet.

        Args:
            path: a folder, or a pattern in a folder, such as frames/%05d.png; frame 0 shows time 0.
            overwrite: replace a folder that holds nothing but an earlier result of the same pattern.

        Raises:
            VideoError: a pattern without a folder, or without the number of the frame.
        """
        given = Path(path)
        is_pattern = "%" in given.name or given.suffix.lower() == ".png"
        self.pattern = given.name if is_pattern else "%05d.png"
        self.path = given.parent if is_pattern else given
        self.name = str(path)
        self._overwrite = overwrite
        if not _PATTERN.fullmatch(self.pattern):
            raise VideoError(f"{self.name}: no pattern of pictures", "name it as frames/%05d.png", "bad-path")
        if not self.path.name or self.path.name == "..":
            raise VideoError(
                f"{self.name}: the pictures need a folder of their own", "name one, as frames/%05d.png", "bad-path"
            )
        begin, _, end = re.split(r"(%0?\d*d)", self.pattern)
        self._own = re.compile(re.escape(begin) + r"\d+" + re.escape(end))

    def check(self, fps: Fraction | None = None, clear: bool = False) -> Path:
        """Refuse what could not be written in the end; see `Sink.check`.

        Returns:
            Where the folder will be: the path, or what it points to where it is a symbolic link.

        Raises:
            VideoError: the folder is a file, or holds something; what it is to be in is missing, not writable or full.
        """
        try:
            path = self.path.resolve() if self.path.is_symlink() else self.path
            if path.exists():
                self._check_old(path)
            if not path.parent.is_dir():
                missing = f"{self.name}: there is no folder {str(path.parent)!r}"
                raise VideoError(missing, "create it first", "no-folder")
            check_writable(path.parent)
        except (OSError, RuntimeError) as error:  # RuntimeError: links in a circle, before Python 3.13
            raise self.explain(error if isinstance(error, OSError) else OSError(errno.ELOOP, str(error))) from error
        return path

    def _check_old(self, path: Path) -> None:
        if not path.is_dir():
            raise VideoError(f"{self.name}: is a file", "name a folder", "no-folder")
        held = [one.name for one in path.iterdir()]
        if held and not self._overwrite:
            raise VideoError(f"{self.name}: the folder is not empty", "name another folder", "folder-not-empty")
        other = next((name for name in sorted(held) if name != SOUND and not self._own.fullmatch(name)), None)
        if other is not None:
            raise VideoError(
                f"{self.name}: the folder holds {other!r}, which is no frame of an earlier video",
                "name another folder",
                "not-frames",
            )

    @contextmanager
    def open(self, seconds: float) -> Iterator[Target]:
        """Claim a hidden name beside the folder; see `Sink.open`.

        Raises:
            VideoError: as `check`.
        """
        path = self.check()
        token = secrets.token_hex(4)
        part, old = hidden_beside(path, f".{token}.part"), hidden_beside(path, f".{token}.old")
        try:
            try:
                part.mkdir()
            except OSError as error:
                raise self.explain(error) from error
            target = Target(partial(_FolderEncoder, part, self.pattern))
            yield target
            try:
                target.written = sum(one.stat().st_size for one in part.iterdir())
                if path.exists():
                    self._check_old(path)
                    path.rename(old)
                part.rename(path)
            except OSError as error:
                raise self.explain(error) from error
        finally:
            with suppress(OSError):
                if old.exists() and not path.exists():
                    old.rename(path)
            shutil.rmtree(part, ignore_errors=True)
            shutil.rmtree(old, ignore_errors=True)

    def explain(self, error: Exception) -> VideoError:
        """Put an error into words; see `Sink.explain`."""
        return explain_disk(error, self.name, str(self.path.parent))


class _FolderEncoder:
    """Write each frame as a PNG file; see `FrameEncoder`."""

    def __init__(
        self,
        folder: Path,
        pattern: str,
        shape: tuple[int, int, int],
        fps: Fraction,
        sound: Sound | None,
        comment: str,
    ) -> None:
        self._fps = fps
        self._folder, self._pattern = folder, pattern
        self._info = PngInfo()
        self._info.add_text("Title", SYNTHETIC_NOTICE)
        self._info.add_text("Comment", notice(comment))
        self._info.add_itxt("XML:com.adobe.xmp", _XMP)
        self._container = self._sound = None
        if sound is not None:
            self._container = av.open(str(folder / SOUND), "w", format="wav", options={"rf64": "auto"})
            self._container.metadata["title"] = SYNTHETIC_NOTICE
            self._container.metadata["comment"] = notice(comment)
            self._sound = SoundFeed(self._container, sound, PRORES)

    def add(self, picture: np.ndarray, index: int) -> None:
        path = self._folder / (self._pattern % index)
        Image.fromarray(picture).save(path, format="PNG", compress_level=_COMPRESSION, pnginfo=self._info)
        if self._sound is not None:
            self._sound.advance((index + 1) / self._fps)

    def finish(self) -> None:
        if self._sound is not None and self._container is not None:
            self._sound.finish()
            self._container.close()

    def discard(self) -> None:
        with suppress(FFmpegError, OSError):
            if self._container is not None:
                self._container.close()
