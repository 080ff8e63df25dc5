"""Folders: where a user's own files belong, and whether one can be written to."""

import tempfile
from pathlib import Path
from typing import Literal

import platformdirs

#: Enough that a disk without a free block says so.
_A_BLOCK = bytes(4096)


def user_folder(kind: Literal["cache", "data"]) -> Path | None:
    """Give the folder of the program's files among those of the user.

    Returns:
        A folder that may not exist yet; None where the user has no home folder, as in many containers.
    """
    find = platformdirs.user_cache_path if kind == "cache" else platformdirs.user_data_path
    try:
        folder = find("rhapsode", appauthor=False)
    except RuntimeError:  # no HOME, and nobody of that number in the list of users
        return None
    return folder if folder.is_absolute() else None


def check_writable(folder: Path) -> None:
    """Write a little into a folder, and take it back.

    Permissions alone do not tell: the disk may be read-only or full, or the user may be root.

    Raises:
        OSError: the folder cannot be written to.
    """
    with tempfile.TemporaryFile(dir=folder) as file:
        file.write(_A_BLOCK)
        file.flush()
