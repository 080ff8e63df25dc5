"""What the pages' requests have in common: bodies, errors in words, and who may ask."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from rhapsode.errors import OptionsError, RhapsodeError

#: Bytes of a file that the page may send.
LARGEST_UPLOAD = 2 << 30
#: All that the page needs comes from here; what it would ask of others is refused by the browser itself.
_POLICY = (
    "default-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; style-src 'self' 'unsafe-inline'; "
    "worker-src 'self' blob:; connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)

Values = Mapping[str, Any]


def answer(work: Callable[..., Any]) -> Callable[[Request], Any]:
    """Make an endpoint of a function that takes the request's JSON and gives what becomes JSON; it may take long.

    Args:
        work: called in a thread with the request and the object that its body holds, empty where there is none.
    """

    async def endpoint(request: Request) -> Response:
        body = await request.body()
        if body:
            values = await request.json()
            if not isinstance(values, dict):
                raise OptionsError("the request: not a JSON object", "reload the page", "not-json")
        else:
            values = {}
        given = await run_in_threadpool(work, request, values)
        return given if isinstance(given, Response) else JSONResponse(given)

    return endpoint


def answer_file(new_folder: Callable[[], Path], work: Callable[[Request, Path], Any]) -> Callable[[Request], Any]:
    """Make an endpoint of a function that takes a file, the request's body; see `answer`.

    Args:
        new_folder: makes the folder that the file is written to.
        work: called in a thread with the request and the file.
    """

    async def endpoint(request: Request) -> Response:
        path = await _receive(request, new_folder())
        return JSONResponse(await run_in_threadpool(work, request, path))

    return endpoint


async def _receive(request: Request, folder: Path) -> Path:
    """Write the body of a request to a file of the name that the query's `name` gives.

    Args:
        request: its body is the file's content.
        folder: exists, and is the file's alone: names are made harmless, not unique.

    Raises:
        OptionsError: the body is larger than `LARGEST_UPLOAD`.
    """
    path, size = folder / harmless(request.query_params.get("name", "")), 0
    with path.open("wb") as file:
        async for piece in request.stream():
            size += len(piece)
            if size > LARGEST_UPLOAD:
                raise OptionsError(f"{path.name}: more than {LARGEST_UPLOAD >> 30} GB", "cut it first", "large-file")
            file.write(piece)
    return path


def harmless(name: str) -> str:
    """Give a name that names a file in whatever folder it is joined to, and nothing else."""
    kept = re.sub(r"[^\w.+-]+", "_", Path(name.replace("\\", "/")).name).strip("._")
    return kept[-80:] or "file"


def in_words(error: Exception, *folders: Path) -> dict[str, str]:
    """Tell an error as the page shows it.

    Args:
        error: what happened.
        folders: are left out where the message names files in them.
    """
    if not isinstance(error, RhapsodeError):
        what = f"this is a bug in rhapsode ({type(error).__name__}: {error})"
        return {"message": what, "remedy": "please report it", "code": "bug"}
    return {"message": pathless(error.message, *folders), "remedy": error.remedy, "code": error.code}


def pathless(message: str, *folders: Path) -> str:
    """Give a message whose files in some folders, or in folders of theirs with names made up, go by their names."""
    for folder in folders:
        message = re.sub(rf"{re.escape(str(folder))}/(?:[0-9a-f]+/)?", "", message)
    return message


class OnlyOwnPage:
    """Refuse requests that another site's page makes in the user's browser, and put the policy on every answer."""

    def __init__(self, app: ASGIApp) -> None:
        """Stand before an application."""
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin, host = headers.get("origin"), headers.get("host", "")
        if origin is not None and urlsplit(origin).netloc != host:
            if scope["type"] == "websocket":
                await receive()
                await send({"type": "websocket.close", "code": 1008})
                return
            await JSONResponse({"error": "another site's page asked"}, 403)(scope, receive, send)
            return

        async def with_policy(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message.get("headers", []),
                    (b"content-security-policy", _POLICY.encode()),
                    (b"x-content-type-options", b"nosniff"),
                    (b"referrer-policy", b"no-referrer"),
                ]
            await send(message)

        await self._app(scope, receive, with_policy)
