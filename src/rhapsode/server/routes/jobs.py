"""Jobs: a portrait and a voice become a video."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, File, Form, Response, UploadFile
from fastapi.responses import FileResponse, StreamingResponse

from rhapsode.options import LARGEST_GAIN
from rhapsode.server.asking import Asked, Asker
from rhapsode.server.events import follow
from rhapsode.server.faults import RequestError
from rhapsode.server.requests import checked_background, checked_options, checked_style
from rhapsode.server.routes.fields import LINE, Most, Number, Offset
from rhapsode.server.storage import NUMBER, new_number
from rhapsode.server.tables import ANIMATE, DONE, Job
from rhapsode.server.uploads import keep, keep_text
from rhapsode.server.views import JobView, State, file_of, refused
from rhapsode.style.style import STRONGEST

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])
_NONE = refused(404, "You have no such job.")
_ACTIVE = refused(409, "The job is not over.")
_NOT_DONE = refused(409, "The job is not done.")
_TYPES = {".mp4": "video/mp4", ".mov": "video/quicktime", ".webm": "video/webm", ".gif": "image/gif"}
_VIDEO = file_of(*_TYPES.values())

Gain = Annotated[float, Form(ge=0, le=LARGEST_GAIN, allow_inf_nan=False)]


@router.post("", status_code=202, responses=refused(404, "No such portrait or style."))
def add_job(
    services: Asked,
    owner: Asker,
    response: Response,
    portrait: Annotated[str, Form(pattern=NUMBER, description="id of your portrait")],
    audio: Annotated[UploadFile | None, File(description="the voice; or send text")] = None,
    text: Annotated[str | None, Form(min_length=1, description="words for a small synthesiser")] = None,
    voice: Annotated[str, Form(max_length=40, pattern=LINE, description="language of the text: en, de, fr...")] = "en",
    style: Annotated[str | None, Form(max_length=500, pattern=LINE, description="happy; happy*0.6+calm*0.4")] = None,
    style_strength: Annotated[float, Form(ge=0, le=STRONGEST, allow_inf_nan=False)] = 1.0,
    fps: Annotated[str, Form(max_length=20, pattern=r"^[0-9./]+$", description="1 to 240, such as 29.97")] = "25",
    head_motion: Gain = 1.0,
    mouth: Gain = 1.0,
    blink: Gain = 1.0,
    gaze: Gain = 1.0,
    background: Annotated[str, Form(max_length=40, pattern=LINE, description="keep, transparent or a colour")] = "keep",
    aspect: Annotated[str, Form(max_length=20, pattern=LINE, description="keep, 9:16, 1:1, 16:9...")] = "keep",
    teeth: Annotated[bool, Form(description="draw teeth where no picture shows any")] = True,
    seed: Annotated[int, Form(ge=0, lt=2**63)] = 0,
    track: Annotated[int | None, Form(ge=1, le=1000, description="found by its voice where left out")] = None,
    channel: Annotated[str | None, Form(max_length=40, pattern=LINE, description="1, 2, left, right or mix")] = None,
    loop: Annotated[bool, Form(description="end as it begins")] = False,
    live: Annotated[bool, Form(description="as a live session hears it")] = False,
    size: Annotated[int | None, Form(ge=64, le=4096, description="longest side, pixels")] = None,
    face: Annotated[int | None, Form(ge=1, le=1000, description="1 the largest")] = None,
    format: Annotated[Literal["mp4", "mov", "webm", "gif"], Form(description="webm holds no credentials")] = "mp4",
    credentials: Annotated[bool, Form(description="sign Content Credentials")] = True,
) -> JobView:
    """Let a portrait speak a sound or a text."""
    services.jobs.check_room(owner)
    services.storage.check_room(owner)
    limits = services.settings.limits
    if (audio is None) == (text is None):
        raise RequestError(422, "no-voice-given", "send either audio or text", "one of them, not both")
    if text is not None and len(text) > limits.text_letters:
        raise RequestError(413, "text-too-long", f"the text has more than {limits.text_letters} letters", "cut it")
    if size is not None and size > limits.video_side:
        raise RequestError(413, "video-too-large", f"size: more than {limits.video_side}", "choose a smaller one")
    if services.settings.signs and not (credentials and format != "webm"):
        why = "this server signs all that it makes" + ("" if credentials else ", which credentials=false leaves out")
        raise RequestError(403, "credentials-required", why, "choose mp4, mov or gif, with credentials")
    options = checked_options(
        format,
        background=checked_background(background), aspect=aspect,
        style=checked_style(style, services.styles(owner)), style_strength=style_strength, fps=fps, teeth=teeth,
        head_motion=head_motion, mouth=mouth, blink=blink, gaze=gaze, seed=seed, channel=channel, loop=loop,
        live=live,
    )  # fmt: skip
    services.portraits.use(owner, portrait)
    number = new_number()
    target = services.storage.given(owner, number, ".wav")
    if audio is not None:
        most: dict[str, Any] = {"seconds": limits.sound_seconds, "track": track}
        found = services.decoder.decode("sound", keep(audio, services.storage), target, **most)
    else:
        source = keep_text(text or "", services.storage)
        found = services.decoder.decode("speech", source, target, seconds=limits.sound_seconds, voice=voice)
    shown = {"portrait": portrait, "voice": "audio" if text is None else "text", "seconds": found["seconds"]}
    work = {
        "portrait": str(services.storage.portrait(owner, portrait)),
        "audio": str(target),
        "out": str(services.storage.result(owner, number, f".{format}")),
        "styles": str(services.styles(owner).folder),
        "options": options,
        "size": size,
        "face": face,
        "credentials": credentials,
    }
    request = {**shown, **options, "size": size, "face": face, "format": format, "credentials": credentials}
    job = Job(id=number, owner=owner, kind=ANIMATE, request=request, work=work, warnings=found["warnings"])
    services.submit(job)
    response.headers["Location"] = f"/v1/jobs/{number}"
    return JobView.of(services.jobs.get(owner, number))


@router.get("")
def list_jobs(
    services: Asked, owner: Asker, state: State | None = None, limit: Most = 100, offset: Offset = 0
) -> list[JobView]:
    """List your jobs, the newest first."""
    return [JobView.of(job) for job in services.jobs.of(owner, state, limit, offset)]


@router.get("/{number}", responses=_NONE)
def get_job(services: Asked, owner: Asker, number: Number) -> JobView:
    """Tell how a job is."""
    job = services.jobs.get(owner, number)
    return JobView.of(job, services.jobs.before(job) if job.state == "queued" else 0)


@router.get(
    "/{number}/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {"schema": {"type": "string"}}}}, **_NONE},
)
def follow_job(services: Asked, owner: Asker, number: Number) -> StreamingResponse:
    """Follow a job by server-sent events: `progress`, then `done`, `failed` or `cancelled`; each a job."""
    services.jobs.get(owner, number)
    return follow(services, owner, number)


@router.post("/{number}/cancel", responses=_NONE)
def cancel_job(services: Asked, owner: Asker, number: Number) -> JobView:
    """Stop a job, at once where it waits, within seconds where it runs; one that is over stays as it is."""
    job = services.jobs.cancel(owner, number)
    if job.state == "cancelled":
        services.storage.remove_files(owner, number)
    return JobView.of(job)


@router.head("/{number}/result", include_in_schema=False)
@router.get(
    "/{number}/result",
    response_class=FileResponse,
    responses={
        200: _VIDEO | {"description": "The video."},
        206: _VIDEO | {"description": "The part that the header Range asks for."},
        416: {"description": "The video has no such part."},
        **_NONE,
        **_NOT_DONE,
    },
)
def get_result(services: Asked, owner: Asker, number: Number) -> FileResponse:
    """Download the video of a job that is done, or a part of it by the header Range."""
    job = services.jobs.get(owner, number)
    if job.state != DONE or job.result is None or "file" not in job.result:
        raise RequestError(409, "no-result", f"the job has no video: it is {job.state}", "follow it until it is done")
    ending = f".{job.request['format']}"
    path = services.storage.result(owner, number, ending)
    return FileResponse(path, media_type=_TYPES[ending], filename=f"{number}{ending}")


@router.delete("/{number}", status_code=204, responses={**_NONE, **_ACTIVE})
def delete_job(services: Asked, owner: Asker, number: Number) -> None:
    """Delete a job that is over, and its result."""
    services.jobs.delete(owner, number)
    services.storage.remove_files(owner, number)
