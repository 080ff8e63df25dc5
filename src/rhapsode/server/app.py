"""The application: `create_app` makes what uvicorn serves, and what another application may mount."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException

from rhapsode import __version__
from rhapsode.errors import RhapsodeError
from rhapsode.server.access_log import AccessLog
from rhapsode.server.asking import hide_folder
from rhapsode.server.faults import RequestError, status_of
from rhapsode.server.guard import BodyLimit, SameOrigin
from rhapsode.server.live import route as live
from rhapsode.server.routes import jobs, portraits, service, styles
from rhapsode.server.services import Services
from rhapsode.server.settings import Settings
from rhapsode.server.views import Answers, refused

log = logging.getLogger("rhapsode.server")

_ABOUT = """Portraits that speak, over HTTP.

Upload a portrait, submit a job with a sound or a text, follow it by server-sent events, and take its result.
`/v1/live`, a WebSocket, makes frames of a sound that is still arriving (docs/server.md). Every refusal is
`{"error": {"code", "message", "remedy"}}`; 429 comes with `Retry-After`.
"""
_REFUSALS: Answers = {
    **refused(400, "The body is damaged."),
    **refused(401, "No token, or an unknown one."),
    **refused(403, "Not allowed, or asked by another web page."),
    **refused(413, "Larger or longer than the server takes, or no room left for you."),
    **refused(422, "What was sent cannot be used; the message says why."),
    **refused(429, "Too much at once; try again after Retry-After seconds."),
}


def create_app(settings: Settings) -> FastAPI:
    """Make the application; workers start with it and end with it.

    Args:
        settings: how it runs.

    Raises:
        InstallationError, OptionsError, WeightsError: as `Services`.
    """
    services = Services(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        services.start()
        try:
            yield
        finally:
            await run_in_threadpool(services.stop)

    app = FastAPI(
        title="Rhapsode", version=__version__, description=_ABOUT, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    app.state.services = services
    app.add_exception_handler(RhapsodeError, _refuse)
    app.add_exception_handler(RequestValidationError, _refuse_form)
    app.add_exception_handler(HTTPException, _refuse_http)
    app.add_exception_handler(Exception, _fail)
    for router in (portraits.router, styles.router, jobs.router):
        app.include_router(router, responses=_REFUSALS)
    app.include_router(service.router)
    app.include_router(live.router)
    app.add_middleware(BodyLimit, most=settings.limits.upload_bytes)
    app.add_middleware(SameOrigin, local=not settings.tokens)
    app.add_middleware(AccessLog, metrics=services.metrics)
    return app


def _answer(status: int, code: str, message: str, remedy: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": {"code": code, "message": message, "remedy": remedy}}, status, headers)


async def _refuse(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RhapsodeError)
    folder = request.app.state.services.storage.folder
    status, headers = status_of(error.code), {}
    if isinstance(error, RequestError):
        status = error.status
        if error.retry_after is not None:
            headers["Retry-After"] = str(error.retry_after)
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    message, remedy = (hide_folder(text, folder) for text in (error.message, error.remedy))
    return _answer(status, error.code, message, remedy, headers)


async def _refuse_form(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"][1:]) or "the request"
    return _answer(422, "bad-request", f"{where}: {first['msg']}", "see /openapi.json for what it may be")


async def _refuse_http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    headers = dict(error.headers or {})
    detail: Any = error.detail
    if isinstance(detail, dict):  # of `guard`
        return JSONResponse({"error": detail}, error.status_code, headers)
    code = {404: "not-found", 405: "method-not-allowed"}.get(error.status_code, "bad-request")
    return _answer(error.status_code, code, str(detail), "see /openapi.json for what there is", headers)


async def _fail(request: Request, error: Exception) -> JSONResponse:
    # The kind alone: the words of an error may tell what somebody sent.
    log.error("a request failed: %s", type(error).__name__)
    return _answer(500, "bug", f"a fault of the server ({type(error).__name__})", "tell whoever runs it")
