"""What is uploaded, put where it can be looked into; its name and its type are not believed."""

import shutil
from pathlib import Path

from fastapi import UploadFile

from rhapsode.server.storage import Storage


def keep(upload: UploadFile, storage: Storage) -> Path:
    """Write an upload to a file of the server's own naming."""
    path = storage.incoming()
    with path.open("wb") as file:
        shutil.copyfileobj(upload.file, file)
    return path


def keep_text(text: str, storage: Storage) -> Path:
    """Write a text to such a file."""
    path = storage.incoming()
    path.write_text(text, encoding="utf-8")
    return path
