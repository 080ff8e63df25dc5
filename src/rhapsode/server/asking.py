"""What a request brings: who asks, and the parts of the server that answer."""

import re
from pathlib import Path
from typing import Annotated, cast

from fastapi import Depends
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.requests import HTTPConnection

from rhapsode.server.faults import RequestError
from rhapsode.server.services import Services
from rhapsode.server.tokens import LOCAL, owner_of

_bearer = HTTPBearer(auto_error=False, description="A token of the server; none is needed where it serves one machine.")


def services_of(connection: HTTPConnection) -> Services:
    """Give the parts of the server."""
    return cast(Services, connection.app.state.services)


def owner_asking(
    services: Annotated[Services, Depends(services_of)],
    shown: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
) -> str:
    """Find who asks.

    Raises:
        RequestError: 401: no token, or nobody's.
    """
    tokens = services.settings.tokens
    if not tokens:
        return LOCAL
    owner = None if shown is None else owner_of(shown.credentials, tokens)
    if owner is None:
        raise no_token()
    return owner


def no_token() -> RequestError:
    """Refuse who shows no token that is known."""
    return RequestError(401, "no-token", "a token is needed", "send the header Authorization: Bearer TOKEN")


def hide_folder(text: str, folder: Path) -> str:
    """Leave paths below the server's folder out of a message."""
    return re.sub(re.escape(str(folder)) + r"[^\s;:,'\"]*", "your files", text)


Asked = Annotated[Services, Depends(services_of)]
Asker = Annotated[str, Depends(owner_asking)]
