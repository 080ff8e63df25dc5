"""The files of a store: `index.csv` with a row for each clip, and one safetensors file of arrays for each clip.

`docs/store.md` describes them; reading them needs nothing of this package.
"""

import contextlib
import csv
import hashlib
import io
import os
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from rhapsode.data.clips import Clip
from rhapsode.errors import DataError

INDEX = "index.csv"
#: Increased when the arrays of a clip change, so that clips of an older format are prepared again.
FORMAT = 2

_STALE = 3600  # seconds


@dataclass(frozen=True, slots=True)
class Entry:
    """Describe a clip by its row of the index, without its arrays.

    Attributes:
        name: the clip's name, unique in the store.
        file: path of its arrays within the store; empty where there are none.
        source: the video that it was made from.
        size: bytes of the source.
        modified: last change of the source, nanoseconds since 1970; with `size` it shows that a source was replaced.
        speaker: who speaks.
        corpus: the corpus that the clip belongs to.
        split: `train`, `val`, `test` or `eval`.
        style: speaking style.
        license: license of the recording.
        seconds: length of the video track.
        fps: frames a second.
        frames: number of frames of the video.
        face_share: share of the frames in which a face was found.
        eye_distance: median distance between the outer corners of the eyes, pixels.
        av_offset: seconds by which the sound is late against the lips.
        sync_confidence: correlation of the mouth opening with the one generated from the sound, offset corrected.
        sync_model: key of the Motion Generator that measured both.
        dropped: why the clip is left out; empty where it is kept.
        note: details of that, in a few words.
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
        """Give the clip that was prepared."""
        return Clip(Path(self.source), self.name, self.speaker, self.split, self.style, self.license)


def as_float(samples: np.ndarray) -> np.ndarray:
    """Convert 16-bit samples (N,) to float32 in [-1, 1]."""
    return samples.astype(np.float32) / np.float32(32767)


def load_arrays(folder: Path, entry: Entry) -> dict[str, np.ndarray]:
    """Read the arrays of a clip as stored; `docs/store.md` lists them.

    Raises:
        DataError: the file is missing or damaged.
    """
    path = folder / entry.file
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path}: cannot be read ({reason})", "remove it and prepare the store again") from None


def arrays_file(name: str) -> str:
    """Give the path of the arrays of the clip `name` within the store."""
    # A name may hold any character; subfolders keep directory listings short.
    digest = hashlib.sha256(name.encode()).hexdigest()
    return f"clips/{digest[:2]}/{Path(name).stem[:40]}-{digest[:12]}.safetensors"


def save_arrays(folder: Path, name: str, arrays: dict[str, np.ndarray]) -> str:
    """Write the arrays of the clip `name` atomically; give the path of the file within the store."""
    file = arrays_file(name)
    (folder / file).parent.mkdir(parents=True, exist_ok=True)
    with _replacing(folder, folder / file) as partial:
        # Safetensors writes an array as it lies in memory, whatever its shape says.
        partial.write_bytes(save({key: np.ascontiguousarray(value) for key, value in arrays.items()}))
    return file


def is_store(folder: Path) -> bool:
    """Tell whether a folder holds the index of a store."""
    path = folder / INDEX
    if not path.is_file():
        return False
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.readline().rstrip("\r\n") == _HEADER


def read_index(folder: Path) -> dict[str, Entry]:
    """Read the rows of a store by name, the last row where a name occurs twice; empty where there is no index.

    Raises:
        DataError: a row cannot be parsed.
    """
    path = folder / INDEX
    if not path.exists():
        return {}
    try:
        written = path.read_bytes()
        # A last row without a line break was being written when the program was killed.
        text = written[: written.rfind(b"\n") + 1].decode()
        rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        return {row["name"]: _entry(row) for row in rows}
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise DataError(f"{path}: not the index of a store ({error})", "name another folder, or remove it") from None


def write_index(folder: Path, entries: Iterable[Entry]) -> None:
    """Write the whole index atomically."""
    with _replacing(folder, folder / INDEX) as partial, partial.open("w", newline="", encoding="utf-8") as file:
        file.write(_HEADER + "\n")
        csv.writer(file, lineterminator="\n").writerows(map(_VALUES, entries))


def append_row(folder: Path, entry: Entry) -> None:
    """Append one row to the index."""
    row = io.StringIO(newline="")
    csv.writer(row, lineterminator="\n").writerow(_VALUES(entry))
    try:
        # A single write in append mode, so that rows of two runs do not mix.
        with (folder / INDEX).open("ab", buffering=0) as file:
            file.write(row.getvalue().encode())
    except OSError as error:
        raise _unwritable(folder / INDEX, error) from error


@contextlib.contextmanager
def _replacing(folder: Path, path: Path) -> Iterator[Path]:
    """Give a temporary path to write to; it replaces `path` when the block ends without an error."""
    # Two runs may fill one store at the same time.
    partial = folder / f"{path.stem}.{os.getpid()}.partial"
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        partial.unlink(missing_ok=True)


def _unwritable(path: Path, error: OSError) -> DataError:
    reason = (error.strerror or str(error)).lower()
    return DataError(f"{path}: cannot be written ({reason})", "make room and run again", "not-writable")


def sweep(folder: Path) -> None:
    """Remove partial files of killed runs: those older than an hour, since a live run keeps one for a moment only."""
    for partial in folder.glob("*.partial"):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - partial.stat().st_mtime > _STALE:
                partial.unlink()


_HEADER = ",".join(field.name for field in fields(Entry))
_VALUES = attrgetter(*(field.name for field in fields(Entry)))
#: How the text of a column becomes a value; all others stay text.
_PARSERS: dict[str, Callable[[str], Any]] = {
    **dict.fromkeys(("size", "modified", "frames", "format"), int),
    **dict.fromkeys(("seconds", "fps", "face_share", "eye_distance", "av_offset", "sync_confidence"), float),
}


def _entry(row: dict[str, str]) -> Entry:
    return Entry(**{name: _PARSERS.get(name, str)(value) for name, value in row.items()})
