"""The weights that come with the package (their model cards: README.md), and how a file of weights is refused."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from safetensors import SafetensorError

from rhapsode.errors import RhapsodeError, WeightsError


@contextmanager
def reading(
    path: Path, what: str, remedy: str = "install rhapsode again", kind: type[RhapsodeError] = WeightsError
) -> Iterator[None]:
    """Turn whatever goes wrong while a file of weights is read into one line.

    Raises:
        kind: that `path` is no usable `what`, why, and how to mend it.
    """
    try:
        yield
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, OverflowError, RuntimeError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise kind(f"{path}: not a usable {what} ({reason}); {remedy}") from None
