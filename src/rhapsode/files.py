"""Read and write whole files: nothing half-written appears under its final name, and a bad file is one line."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from rhapsode.errors import RhapsodeError, WeightsError

#: Bytes of a file's name, at most, on the file systems of today.
LONGEST_NAME = 255


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Give a path to write to, which becomes `path` when the block ends without an error, and is removed otherwise.

    Args:
        path: the final name; its folder is made where missing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    # Of this process and thread alone: two writers of one file must not share the half-written one.
    partial = hidden_beside(path, f".{os.getpid()}-{threading.get_ident()}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def atomic_write(path: Path, data: bytes) -> None:
    """Write a file whole or not at all; its folder is made where missing."""
    with atomic_path(path) as partial:
        partial.write_bytes(data)


def hidden_beside(path: Path, ending: str) -> Path:
    """Name a hidden file beside another, for what is not whole yet.

    Args:
        path: the file.
        ending: of the hidden name; its beginning is that of `path`, cut where file systems would not take it.
    """
    room = LONGEST_NAME - len(os.fsencode(f".{ending}"))
    # A character that is cut through is left out whole; so are bytes that are no UTF-8, which some systems refuse.
    begin = os.fsencode(path.name)[:room].decode("utf-8", "ignore").encode()
    return path.with_name(f".{os.fsdecode(begin)}{ending}")


@contextmanager
def reading(
    path: Path, what: str, remedy: str = "install rhapsode again", kind: type[RhapsodeError] = WeightsError
) -> Iterator[None]:
    """Turn whatever goes wrong while a file is read into one error.

    Args:
        path: the file.
        what: it should be, such as `Motion Generator`.
        remedy: how to get a good one.
        kind: class of the error.

    Raises:
        kind: `path` is no usable `what`, and why.
    """
    try:
        yield
    except (
        OSError, SafetensorError, AttributeError, KeyError, TypeError, ValueError, OverflowError, RuntimeError
    ) as error:  # fmt: skip
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise kind(f"{path}: not a usable {what} ({reason})", remedy) from None
