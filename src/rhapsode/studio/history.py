"""Finished videos, each in a folder with all that it was made of; they stay until their user deletes them."""

import json
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from rhapsode.errors import OptionsError

_RECORD = "record.json"
_NAME = re.compile(r"\d{8}-\d{6}-[0-9a-f]{4}")


class History:
    """A folder of results. A result is a folder that appears when it is whole."""

    def __init__(self, folder: Path) -> None:
        """Open a folder, which may not exist yet."""
        self.folder = folder

    @contextmanager
    def new(self) -> Iterator[tuple[str, Path, dict[str, Any]]]:
        """Make a result: give its name, a folder to fill, and a record to fill; an error leaves nothing.

        Paths in the record that lie in the folder are those that it will have.
        """
        name = f"{datetime.now(timezone.utc):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        part, record = self.folder / f".{name}", {"id": name}
        part.mkdir(parents=True)
        try:
            yield name, part, record
            (part / _RECORD).write_text(json.dumps(record), encoding="utf-8")
            part.rename(self.folder / name)
        finally:
            shutil.rmtree(part, ignore_errors=True)

    def entries(self) -> list[dict[str, Any]]:
        """List the records, newest first; a folder that cannot be read is left out."""
        found = []
        for path in sorted(self.folder.glob(f"*/{_RECORD}"), reverse=True):
            if not _NAME.fullmatch(path.parent.name):
                continue
            try:
                found.append(json.loads(path.read_text(encoding="utf-8")))
            except (OSError, ValueError):
                continue
        return found

    def place(self, name: str) -> Path:
        """Find the folder of a result.

        Raises:
            OptionsError: there is none of that name.
        """
        path = self.folder / name
        if not _NAME.fullmatch(name) or not (path / _RECORD).is_file():
            raise OptionsError("this video is not in the history", "reload the page", "no-such-video")
        return path

    def record(self, name: str) -> Mapping[str, Any]:
        """Read the record of a result.

        Raises:
            OptionsError: there is none of that name.
        """
        read: Mapping[str, Any] = json.loads((self.place(name) / _RECORD).read_text(encoding="utf-8"))
        return read

    def delete(self, name: str) -> None:
        """Delete a result with all that it was made of.

        Raises:
            OptionsError: there is none of that name.
        """
        shutil.rmtree(self.place(name))
