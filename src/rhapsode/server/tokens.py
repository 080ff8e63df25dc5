"""Who may use the server: a name and a secret token each."""

import hmac
import os
import re
from collections.abc import Iterable
from pathlib import Path

from rhapsode.errors import OptionsError

#: Holds one token, for a container.
VARIABLE = "RHAPSODE_TOKEN"
#: Owns everything where there are no tokens.
LOCAL = "local"
#: Letters of a token, at least: `openssl rand -hex 16` gives 32.
SHORTEST = 20
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]+")

Tokens = tuple[tuple[str, str], ...]


def read_tokens(path: Path | None) -> Tokens:
    """Read who may use the server.

    Args:
        path: a text file with `NAME:TOKEN` on each line, # before a remark; one name may have several tokens, so that
            one can be replaced. The environment variable RHAPSODE_TOKEN adds one of the name `default`.

    Returns:
        Names and tokens; none where neither is given.

    Raises:
        OptionsError: the file cannot be read, or a line is no name with a token of 20 letters or more.
    """
    lines: list[tuple[str, str]] = []
    if path is not None:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            reason = str(getattr(error, "strerror", None) or error).lower()
            raise OptionsError(
                f"{path}: cannot be read ({reason})", "write a line NAME:TOKEN each", "bad-tokens"
            ) from None
        for number, line in enumerate(text.splitlines(), 1):
            if line.strip() and not line.lstrip().startswith("#"):
                lines.append((f"{path}, line {number}", line.strip()))
    if os.environ.get(VARIABLE):
        lines.append((VARIABLE, f"default:{os.environ[VARIABLE]}"))
    if path is not None and not lines:
        raise OptionsError(f"{path}: holds no token", "write a line NAME:TOKEN each", "bad-tokens")
    return tuple(_parsed(where, line) for where, line in lines)


def owner_of(given: str, tokens: Tokens) -> str | None:
    """Find whose token it is, in a time that tells nothing about the tokens.

    Returns:
        The name; None where it is nobody's.
    """
    found = None
    for name, token in tokens:
        if hmac.compare_digest(given.encode("utf-8", "replace"), token.encode()):
            found = name
    return found


def bearer(header: str | None, protocols: Iterable[str] = ()) -> str:
    """Read the token that a request shows: `Authorization: Bearer TOKEN`.

    Args:
        header: Authorization; None where there is none.
        protocols: subprotocols of a WebSocket; browsers, which cannot set its headers, name `token.TOKEN` among them.

    Returns:
        The token; empty where none is shown.
    """
    kind, _, token = (header or "").partition(" ")
    if kind.lower() == "bearer":
        return token.strip()
    return next((one.removeprefix("token.") for one in protocols if one.startswith("token.")), "")


def _parsed(where: str, line: str) -> tuple[str, str]:
    name, colon, token = (part.strip() for part in line.partition(":"))
    if not colon or not _NAME.fullmatch(name) or not _TOKEN.fullmatch(token):
        raise OptionsError(
            f"{where}: is not NAME:TOKEN",
            "a name has small letters, digits, - and _, at most 32; make a token with: openssl rand -hex 16",
            "bad-tokens",
        )
    if len(token) < SHORTEST:
        raise OptionsError(
            f"{where}: the token has {len(token)} letters, at least {SHORTEST} are needed",
            "make one with: openssl rand -hex 16",
            "weak-token",
        )
    return name, token
