"""Styles: those that come with the server, and each owner's own."""

from importlib.util import find_spec
from typing import Annotated

from fastapi import APIRouter, File, Form, Path, Response, UploadFile
from fastapi.responses import FileResponse

from rhapsode.server.asking import Asked, Asker
from rhapsode.server.faults import RequestError
from rhapsode.server.routes.fields import LINE, Overwrite, StyleName
from rhapsode.server.storage import new_number
from rhapsode.server.tables import LEARN, Job
from rhapsode.server.uploads import keep
from rhapsode.server.views import JobView, StyleView, file_of, refused
from rhapsode.style.file import SUFFIX

router = APIRouter(prefix="/v1/styles", tags=["styles"])
_NONE = refused(404, "There is no such style.")
_TAKEN = refused(409, "You have a style of that name.")
Named = Annotated[str, Path(min_length=1, max_length=200, pattern=LINE, description="name of the style")]


@router.get("")
def list_styles(services: Asked, owner: Asker) -> list[StyleView]:
    """List the styles that you can use; yours hide those of the server with the same name."""
    return [StyleView(name=one.name, shipped=one.shipped) for one in services.styles(owner).entries()]


@router.post("", status_code=201, responses=_TAKEN)
def add_style(
    services: Asked,
    owner: Asker,
    response: Response,
    style: Annotated[UploadFile, File(description="a style file, as `rhapsode styles export` writes it")],
    name: Annotated[str, Form(max_length=200, pattern=LINE, description="the name in the file where empty")] = "",
    overwrite: Overwrite = False,
) -> StyleView:
    """Upload a style file; it is checked first."""
    services.storage.check_room(owner)
    library = services.styles(owner)
    source = keep(style, services.storage)
    found = services.decoder.decode("style", source, library.folder, name=name or None, overwrite=overwrite)
    response.headers["Location"] = f"/v1/styles/{found['name']}"
    return StyleView(name=found["name"], shipped=False)


@router.post(
    "/learn", status_code=202, responses=_TAKEN | refused(501, "The server was installed without what learns.")
)
def learn_style(
    services: Asked,
    owner: Asker,
    response: Response,
    clip: Annotated[UploadFile, File(description="a video of one person who speaks or sings, 1.5 s to 5 min")],
    name: StyleName,
    license: Annotated[str, Form(max_length=500, pattern=LINE, description="terms of its use")] = "",
    steps: Annotated[int, Form(ge=1, le=2000, description="of learning, at most")] = 600,
    overwrite: Overwrite = False,
) -> JobView:
    """Learn a style from a clip of a person who agreed to it; a job."""
    if find_spec("torch") is None:
        raise RequestError(501, "no-torch", "this server learns no styles", "it needs rhapsode[train]")
    services.jobs.check_room(owner)
    services.storage.check_room(owner)
    library = services.styles(owner)
    library.check_free(name, overwrite)
    number = new_number()
    target = services.storage.given(owner, number, ".clip")
    limits = services.settings.limits
    most = {"seconds": limits.clip_seconds, "pixels": limits.picture_pixels}
    found = services.decoder.decode("clip", keep(clip, services.storage), target, **most)
    work = {
        "clip": str(target),
        "name": name,
        "license": license,
        "steps": steps,
        "overwrite": overwrite,
        "styles": str(library.folder),
        "model": services.settings.model,
    }
    job = Job(id=number, owner=owner, kind=LEARN, request={"name": name, "seconds": found["seconds"]}, work=work)
    services.submit(job)
    response.headers["Location"] = f"/v1/jobs/{number}"
    return JobView.of(services.jobs.get(owner, number))


@router.get("/{name}", responses=_NONE)
def get_style(services: Asked, owner: Asker, name: Named) -> StyleView:
    """Tell of a style."""
    entry = services.styles(owner).entry(name)
    return StyleView(name=entry.name, shipped=entry.shipped)


@router.get(
    "/{name}/file",
    response_class=FileResponse,
    responses={
        200: file_of("application/octet-stream"),
        **_NONE,
    },
)
def get_style_file(services: Asked, owner: Asker, name: Named) -> FileResponse:
    """Download a style."""
    entry = services.styles(owner).entry(name)
    return FileResponse(entry.path, media_type="application/octet-stream", filename=f"{entry.name}{SUFFIX}")


@router.delete("/{name}", status_code=204, responses=_NONE)
def delete_style(services: Asked, owner: Asker, name: Named) -> None:
    """Delete a style of yours."""
    services.styles(owner).delete(name)
