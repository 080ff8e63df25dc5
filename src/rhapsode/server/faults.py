"""What a request is refused with, in words that name no path of the server."""

from collections.abc import Mapping
from pathlib import Path

from rhapsode.errors import RhapsodeError

#: Statuses by the codes of the library, where they are not 422: what was sent cannot be used.
_STATUS = {
    "no-such-style": 404, "style-exists": 409, "name-taken": 409, "shipped-style": 403, "no-torch": 501,
    "picture-too-large": 413, "sound-too-long": 413, "clip-too-long": 413, "too-much": 413,
}  # fmt: skip


class RequestError(RhapsodeError):
    """A request that is refused.

    Attributes:
        status: of the HTTP answer.
        retry_after: seconds after which the same request may be taken; None where it never will be.
    """

    def __init__(self, status: int, code: str, message: str, remedy: str = "", retry_after: int | None = None) -> None:
        super().__init__(message, remedy, code)
        self.status = status
        self.retry_after = retry_after


def status_of(code: str) -> int:
    """Give the status of an answer that tells an error of the library."""
    return _STATUS.get(code, 422)


def not_found(what: str) -> RequestError:
    """Refuse what is not there, or is another's, with the same words."""
    return RequestError(404, f"no-such-{what}", f"there is no such {what}", f"list your {what}s")


def told(error: RhapsodeError, words: Mapping[Path, str]) -> dict[str, str]:
    """Put an error into the form of an answer: code, message, remedy.

    Args:
        error: whose message may name files of the server.
        words: what each of these files is called instead.
    """
    return {
        "code": error.code, "message": without_paths(error.message, words), "remedy": without_paths(error.remedy, words)
    }  # fmt: skip


def without_paths(text: str, words: Mapping[Path, str]) -> str:
    """Call files of the server by other words, in whatever form a message names them."""
    for path, word in sorted(words.items(), key=lambda one: -len(str(one[0]))):
        text = text.replace(str(path), word)
        if len(path.stem) >= 24:  # a number; a folder's name may be a word of the sentence
            text = text.replace(path.name, word)
    return text
