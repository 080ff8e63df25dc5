"""The studio as an ASGI application: the page, and what it asks for."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from rhapsode import __version__
from rhapsode.errors import RhapsodeError
from rhapsode.studio import animate, evaluate, jobs, live, styles
from rhapsode.studio.http import OnlyOwnPage, answer, in_words
from rhapsode.studio.settings import sliders
from rhapsode.studio.voices import languages
from rhapsode.studio.workspace import Workspace
from rhapsode.style.expressions import EXPRESSIONS

_STATIC = Path(__file__).with_name("static")
#: Names of this machine to itself: another name that leads here is another site's doing.
LOCAL = ("127.0.0.1", "localhost", "[::1]")


def build(work: Workspace, hosts: Sequence[str] = LOCAL) -> Starlette:
    """Make the application; it may be mounted in another.

    Args:
        work: what it shows; closed when the application ends.
        hosts: names under which a browser may ask for it.
    """

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        work.close()

    def state(_request: Request, _values: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "version": __version__,
            "consented": _consent(work).is_file(),
            "styles": work.style_facts(),
            "expressions": list(EXPRESSIONS),
            "sliders": sliders(),
            "languages": languages(),
            "learns": _learns(),
        }

    def consent(_request: Request, _values: Mapping[str, Any]) -> dict[str, Any]:
        _consent(work).parent.mkdir(parents=True, exist_ok=True)
        _consent(work).write_text(f"{datetime.now(timezone.utc).isoformat()}\n", encoding="utf-8")
        return {}

    def page(_request: Request) -> Response:
        return FileResponse(_STATIC / "index.html")

    def refused(_request: Request, error: Exception) -> Response:
        status = 422 if isinstance(error, RhapsodeError) else 500
        return JSONResponse({"error": in_words(error, work.scratch)}, status)

    routes = [
        Route("/", page),
        Route("/api/state", answer(state)),
        Route("/api/consent", answer(consent), methods=["POST"]),
        *jobs.routes(work.jobs),
        *animate.routes(work),
        *styles.routes(work),
        *live.routes(work),
        *evaluate.routes(work),
        Mount("/static", StaticFiles(directory=_STATIC)),
    ]
    guards = [Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts)), Middleware(OnlyOwnPage)]
    handlers: Any = {RhapsodeError: refused, Exception: refused}
    return Starlette(routes=routes, middleware=guards, exception_handlers=handlers, lifespan=lifespan)


def _consent(work: Workspace) -> Path:
    """The file that says when the first page was read."""
    return work.data / "consent.txt"


def _learns() -> bool:
    """Whether styles can be learnt here."""
    from importlib.util import find_spec

    return find_spec("torch") is not None
