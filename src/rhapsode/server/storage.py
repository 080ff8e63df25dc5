"""Files of the server: a folder for each owner, names of the server's own making, and nothing half-written."""

import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from rhapsode.errors import OptionsError
from rhapsode.places import check_writable
from rhapsode.server.faults import RequestError
from rhapsode.server.settings import Limits
from rhapsode.style.library import StyleLibrary

#: Letters of a number: nobody guesses 96 bits.
NUMBER = r"^[0-9a-f]{24}$"
#: Folders of what is being uploaded, and of faces that were found.
INCOMING, FACES = "incoming", "faces"
#: Seconds for which a file that nothing knows of may belong to a request that goes on.
_YOUNG = 3600.0


def new_number() -> str:
    """Make a number for a portrait or a job."""
    return secrets.token_hex(12)


class Storage:
    """Say where every file is; what an uploader called it is no part of that."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        """Make the folders.

        Raises:
            OptionsError: the folder cannot be written to.
        """
        self.folder, self._limits = folder.absolute(), limits
        try:
            for each in (self._owners, self._incoming, self.faces):
                each.mkdir(mode=0o700, parents=True, exist_ok=True)
            check_writable(self.folder)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise OptionsError(
                f"{folder}: cannot be written to ({reason})", "name another folder", "data-folder"
            ) from None

    @property
    def _owners(self) -> Path:
        return self.folder / "owners"

    @property
    def _incoming(self) -> Path:
        return self.folder / INCOMING

    @property
    def faces(self) -> Path:
        """Give the folder in which faces that were found are kept."""
        return self.folder / FACES

    def incoming(self) -> Path:
        """Name a file for an upload that nobody has looked at."""
        return self._incoming / new_number()

    def portrait(self, owner: str, number: str) -> Path:
        """Name the picture of a portrait."""
        return self._of(owner, "portraits") / f"{number}.png"

    def given(self, owner: str, number: str, ending: str) -> Path:
        """Name the sound or clip that a job was given."""
        return self._of(owner, "given") / f"{number}{ending}"

    def result(self, owner: str, number: str, ending: str) -> Path:
        """Name the result of a job."""
        return self._of(owner, "results") / f"{number}{ending}"

    def styles(self, owner: str, shipped: Path) -> StyleLibrary:
        """Open the styles of an owner, and those of the model."""
        return StyleLibrary(self._of(owner, "styles"), shipped)

    def used(self, owner: str) -> int:
        """Add up the files of an owner, bytes."""
        total = 0
        for path in (self._owners / owner).rglob("*"):
            with suppress(FileNotFoundError):  # removed meanwhile
                total += path.stat().st_size if path.is_file() else 0
        return total

    def check_room(self, owner: str) -> None:
        """Refuse what would fill the disk or an owner's part of it.

        Raises:
            RequestError: 413 where the owner's part is full, 429 where the disk is.
        """
        if self.used(owner) >= self._limits.quota_bytes:
            room = f"{self._limits.quota_bytes / 1e6:.0f} MB"
            raise RequestError(413, "quota", f"your files fill the {room} that you have", "delete portraits or jobs")
        if shutil.disk_usage(self.folder).free < self._limits.free_bytes:
            raise RequestError(429, "disk-full", "the server has no room for more files", "try again later", 600)

    def remove_files(self, owner: str, number: str) -> None:
        """Remove what a job was given, and its result."""
        for kind in ("given", "results"):
            for path in (self._owners / owner / kind).glob(f"{number}.*"):
                path.unlink(missing_ok=True)

    def old_files(self, kind: str) -> Iterator[tuple[str, Path]]:
        """Find files that no request is making any more, each with its number.

        Args:
            kind: `portraits`, `given` or `results`; or `incoming`, whose files have numbers that mean nothing.
        """
        before = time.time() - _YOUNG
        paths = self._incoming.iterdir() if kind == "incoming" else self._owners.glob(f"*/{kind}/*")
        for path in paths:
            with suppress(FileNotFoundError):
                if path.stat().st_mtime < before:
                    yield path.name.lstrip(".").partition(".")[0], path

    def _of(self, owner: str, kind: str) -> Path:
        folder = self._owners / owner / kind
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder
