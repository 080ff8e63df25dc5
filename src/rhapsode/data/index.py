"""The files of a store: `index.csv` with a row for each clip, and their arrays in safetensors files.

`docs/store.md` describes them; they need nothing of this package to be read.
"""

import contextlib
import csv
import hashlib
import io
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path
from typing import cast

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from rhapsode.data.clips import Clip
from rhapsode.errors import DataError

INDEX = "index.csv"
#: Raised when what is kept of a clip changes, so that clips prepared before are prepared anew.
FORMAT = 1

_STALE = 3600  # seconds


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the index: what is known of a clip without reading its arrays.

    Attributes:
        name: the clip's name, unique in the store.
        file: its arrays, within the store; empty where none are kept.
        source: the video that it was made from.
        size: bytes of the source, and
        modified: nanoseconds since 1970 of its last change, by which a replaced source is noticed.
        speaker: who speaks.
        corpus: where the clip comes from.
        split: `train`, `val`, `test` or `eval`.
        style: the manner.
        license: the licence of the recording.
        seconds: length of the picture.
        fps: frames a second.
        frames: number of frames of the video.
        face_share: share of the frames in which a face was found.
        eye_distance: median distance between the outer corners of the eyes, pixels.
        av_offset: seconds by which the sound is late against the lips.
        sync_confidence: correlation of the lips with those that the sound asks for, that lag taken out.
        sync_model: which Motion Generator measured the two.
        dropped: why the clip is left out; empty where it is kept.
        note: what was found, in a few words.
        format: version of the arrays.
    """

    name: str
    file: str
    source: str
    size: int
    modified: int
    speaker: str
    corpus: str
    split: str
    style: str
    license: str
    seconds: float = 0.0
    fps: float = 0.0
    frames: int = 0
    face_share: float = 0.0
    eye_distance: float = 0.0
    av_offset: float = 0.0
    sync_confidence: float = 0.0
    sync_model: str = ""
    dropped: str = ""
    note: str = ""
    format: int = FORMAT

    @property
    def clip(self) -> Clip:
        """The clip that was prepared."""
        return Clip(Path(self.source), self.name, self.speaker, self.split, self.style, self.license)


def as_float(samples: np.ndarray) -> np.ndarray:
    """Whole samples of 16 bits as float32 in [-1, 1]."""
    return samples.astype(np.float32) / np.float32(32767)


def load_arrays(folder: Path, entry: Entry) -> dict[str, np.ndarray]:
    """The arrays of a clip as they are kept.

    Raises:
        DataError: if the file is missing or damaged.
    """
    path = folder / entry.file
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path}: cannot be read ({reason}); remove it and prepare the store again") from None


def arrays_file(name: str) -> str:
    """Where the arrays of the clip `name` are kept, within the store."""
    # Names come from outside and may hold anything; the sub-folders keep listings short.
    digest = hashlib.sha256(name.encode()).hexdigest()
    return f"clips/{digest[:2]}/{Path(name).stem[:40]}-{digest[:12]}.safetensors"


def save_arrays(folder: Path, name: str, arrays: dict[str, np.ndarray]) -> str:
    """Keep the arrays of the clip `name`, all or nothing; returns the file's path within the store."""
    file = arrays_file(name)
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    with _replacing(folder, folder / file) as partial:
        partial.write_bytes(save(arrays))
    return file


def is_store(folder: Path) -> bool:
    """Whether a folder holds the index of a store."""
    path = folder / INDEX
    if not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.readline().rstrip("\r\n") == _HEADER


def read_index(folder: Path) -> dict[str, Entry]:
    """The rows of a store by name, the last of several with one name; empty where there is no index.

    Raises:
        DataError: if a row is not understood.
    """
    path = folder / INDEX
    if not path.exists():
        return {}
    try:
        written = path.read_bytes()
        # A row without its end was being written when the program was killed.
        text = written[: written.rfind(b"\n") + 1].decode()
        rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        return {row["name"]: _entry(row) for row in rows}
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise DataError(f"{path}: not the index of a store ({error}); name another folder, or remove it") from None


def write_index(folder: Path, entries: Iterable[Entry]) -> None:
    """Write the whole index, all or nothing."""
    with _replacing(folder, folder / INDEX) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        file.write(_HEADER + "\n")
        csv.writer(file, lineterminator="\n").writerows(map(_VALUES, entries))


def append_row(folder: Path, entry: Entry) -> None:
    """Add one row to the index, at once."""
    row = io.StringIO(newline="")
    csv.writer(row, lineterminator="\n").writerow(_VALUES(entry))
    try:
        # One write at the end of the file: rows of two runs do not mix.
        with (folder / INDEX).open("ab", buffering=0) as file:
            file.write(row.getvalue().encode())
    except OSError as error:
        raise _unwritable(folder / INDEX, error) from error


@contextlib.contextmanager
def _replacing(folder: Path, path: Path) -> Iterator[Path]:
    """A name to write under; what is written takes its place at `path` when the block ends, whole or not at all."""
    # Two runs may fill one store at once.
    partial = folder / f"{path.stem}.{os.getpid()}.partial"
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        partial.unlink(missing_ok=True)


def _unwritable(path: Path, error: OSError) -> DataError:
    return DataError(f"{path}: cannot be written ({(error.strerror or str(error)).lower()}); make room and run again")


def sweep(folder: Path) -> None:
    """Remove what runs that were killed left half-written; a run at work holds such a file for a moment only."""
    for partial in folder.glob("*.partial"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - partial.stat().st_mtime > _STALE:
                partial.unlink()


_HEADER = ",".join(field.name for field in fields(Entry))
_VALUES = attrgetter(*(field.name for field in fields(Entry)))
_TYPES = cast(dict[str, type], {field.name: field.type for field in fields(Entry)})


def _entry(row: dict[str, str]) -> Entry:
    return Entry(**{name: _TYPES[name](value) for name, value in row.items()})
