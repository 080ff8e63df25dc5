"""Whether the server is well, and what it does."""

from fastapi import APIRouter, Depends, Response
from sqlalchemy.exc import SQLAlchemyError

from rhapsode import __version__
from rhapsode.server.asking import Asked, owner_asking
from rhapsode.server.views import Health, refused

router = APIRouter(tags=["service"])


@router.get("/health", responses={503: {"model": Health, "description": "It cannot work."}})
def health(services: Asked, response: Response) -> Health:
    """Tell whether the server can work; nobody needs a token for that."""
    try:
        services.jobs.counts()
        database = True
    except SQLAlchemyError:
        database = False
    well = Health(
        ok=database and services.pool.alive, version=__version__, database=database, workers=services.pool.alive
    )
    response.status_code = 200 if well.ok else 503
    return well


@router.get(
    "/metrics",
    dependencies=[Depends(owner_asking)],
    response_class=Response,
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "As Prometheus reads them."},
        **refused(401, "No token, or an unknown one."),
    },
)
def metrics(services: Asked) -> Response:
    """Tell what the server did and does, for Prometheus."""
    return Response(services.metrics.text(), media_type="text/plain; version=0.0.4; charset=utf-8")
