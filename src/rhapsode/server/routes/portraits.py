"""Portraits: pictures that can be animated, uploaded once and used by any number of jobs and sessions."""

from typing import Annotated

from fastapi import APIRouter, File, Response, UploadFile
from fastapi.responses import FileResponse

from rhapsode.server.asking import Asked, Asker
from rhapsode.server.routes.fields import Label, Most, Number, Offset
from rhapsode.server.storage import new_number
from rhapsode.server.tables import Portrait
from rhapsode.server.uploads import keep
from rhapsode.server.views import PortraitView, file_of, refused

router = APIRouter(prefix="/v1/portraits", tags=["portraits"])
_NONE = refused(404, "You have no such portrait.")


@router.post("", status_code=201)
def add_portrait(
    services: Asked,
    owner: Asker,
    response: Response,
    picture: Annotated[UploadFile, File(description="JPEG, PNG, WebP, HEIC... with a face seen from the front")],
    name: Label = "",
) -> PortraitView:
    """Upload a picture; it is looked at, made a PNG of at most 1080p, and its faces are found."""
    services.portraits.check_room(owner)
    services.storage.check_room(owner)
    number = new_number()
    target = services.storage.portrait(owner, number)
    pixels = services.settings.limits.picture_pixels
    found = services.decoder.decode("picture", keep(picture, services.storage), target, pixels=pixels)
    portrait = Portrait(id=number, owner=owner, label=name, **found)
    services.portraits.add(portrait)
    response.headers["Location"] = f"/v1/portraits/{number}"
    return PortraitView.of(portrait)


@router.get("")
def list_portraits(services: Asked, owner: Asker, limit: Most = 100, offset: Offset = 0) -> list[PortraitView]:
    """List your portraits, the newest first."""
    return [PortraitView.of(portrait) for portrait in services.portraits.of(owner, limit, offset)]


@router.get("/{number}", responses=_NONE)
def get_portrait(services: Asked, owner: Asker, number: Number) -> PortraitView:
    """Tell what is known of a portrait."""
    return PortraitView.of(services.portraits.get(owner, number))


@router.get(
    "/{number}/picture",
    response_class=FileResponse,
    responses={200: file_of("image/png"), **_NONE},
)
def get_picture(services: Asked, owner: Asker, number: Number) -> FileResponse:
    """Give the picture of a portrait, as it is animated."""
    portrait = services.portraits.get(owner, number)
    return FileResponse(services.storage.portrait(owner, portrait.id), media_type="image/png")


@router.delete("/{number}", status_code=204, responses={**_NONE, **refused(409, "A job needs it.")})
def delete_portrait(services: Asked, owner: Asker, number: Number) -> None:
    """Delete a portrait and its picture."""
    services.portraits.delete(owner, number)
    services.storage.portrait(owner, number).unlink(missing_ok=True)
