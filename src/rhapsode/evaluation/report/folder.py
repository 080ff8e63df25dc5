"""The folder of a report: replaced as a whole, and only where it holds an earlier report."""

import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rhapsode.errors import DataError

_PAGE = "index.html"


def check_folder(folder: Path) -> None:
    """Refuse a folder that must not be replaced.

    Raises:
        DataError: it is a file, or holds anything but an earlier report.
    """
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder}: is a file", "choose a folder for the report", "bad-report-folder")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / _PAGE).is_file():
        raise DataError(f"{folder}: holds other files than a report", "choose a new folder", "bad-report-folder")


@contextlib.contextmanager
def fresh_folder(folder: Path) -> Iterator[Path]:
    """Give an empty folder to fill, which replaces an earlier report when the block ends without an error.

    Raises:
        DataError: as `check_folder`.
    """
    check_folder(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        fresh = work / "new"
        fresh.mkdir()
        yield fresh
        if folder.exists():
            folder.replace(work / "old")
        fresh.replace(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def write_page(folder: Path, html: str, figures: Mapping[str, Any]) -> None:
    """Write a report's page, and its figures as JSON beside it."""
    (folder / _PAGE).write_text(html, encoding="utf-8")
    (folder / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")
