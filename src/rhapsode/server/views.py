"""The forms of answers, which the API's description shows."""

from datetime import datetime, timezone
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from rhapsode.server.tables import DONE, Job, Portrait

Number = Annotated[str, Field(pattern="^[0-9a-f]{24}$", examples=["5f0c2a9be1d34c7788aa01ff"])]
State = Literal["queued", "running", "done", "failed", "cancelled"]


class Fault(BaseModel):
    """What is wrong: a code for programs, what, and how to fix it."""

    code: str = Field(examples=["no-face"])
    message: str = Field(examples=["the portrait: no face found"])
    remedy: str = Field(examples=["use a picture that shows a face from the front"])


class Refusal(BaseModel):
    """A request that was refused."""

    error: Fault


Answers = dict[int | str, dict[str, Any]]


def refused(status: int, why: str) -> Answers:
    """Describe a refusal in the API's description."""
    return {status: {"model": Refusal, "description": why}}


def file_of(*kinds: str) -> dict[str, Any]:
    """Describe a file of one of some media types in the API's description."""
    return {"content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in kinds}}


class Warned(BaseModel):
    """What will not look well."""

    code: str
    message: str


class Face(BaseModel):
    """A face in a picture; both in pixels of it."""

    box: tuple[float, float, float, float] = Field(description="left, top, right, bottom")
    eye_distance: float = Field(description="between the outer corners of the eyes")


class PortraitView(BaseModel):
    """A picture that can be animated."""

    id: Number
    name: str
    width: int
    height: int
    bytes: int
    sha256: str
    faces: list[Face] = Field(description="the largest first; jobs name them from 1")
    warnings: list[Warned]
    created: datetime
    used: datetime

    @classmethod
    def of(cls, portrait: Portrait) -> "PortraitView":
        """Show a portrait."""
        return cls(
            id=portrait.id,
            name=portrait.label,
            width=portrait.width,
            height=portrait.height,
            bytes=portrait.bytes,
            sha256=portrait.sha256,
            faces=portrait.faces,
            warnings=portrait.warnings,
            created=_time(portrait.created),
            used=_time(portrait.used),
        )


class StyleView(BaseModel):
    """A manner of speaking."""

    name: str
    shipped: bool = Field(description="comes with the server, and cannot be changed")


class Done(BaseModel):
    """How far a job is; the total is 0 where it is not known."""

    stage: str
    done: int
    total: int


class JobView(BaseModel):
    """Something that is being done, or was."""

    id: Number
    kind: Literal["animate", "learn-style"]
    state: State
    request: dict[str, Any]
    progress: Done
    ahead: int = Field(description="your own jobs that are begun before it")
    attempts: int
    created: datetime
    started: datetime | None
    finished: datetime | None
    error: Fault | None
    warnings: list[Warned]
    result: dict[str, Any] | None = Field(description="facts, and `url` of the video or style")

    @classmethod
    def of(cls, job: Job, ahead: int = 0) -> "JobView":
        """Show a job."""
        result = None
        if job.state == DONE and job.result is not None:
            url = f"/v1/styles/{job.result['style']}" if "style" in job.result else f"/v1/jobs/{job.id}/result"
            result = {"url": url, **{name: fact for name, fact in job.result.items() if name != "file"}}
        return cls.model_validate(
            {
                "id": job.id,
                "kind": job.kind,
                "state": job.state,
                "request": job.request,
                "progress": {"stage": job.stage, "done": job.done, "total": job.total},
                "ahead": ahead,
                "attempts": job.attempts,
                "created": _time(job.created),
                "started": None if job.started is None else _time(job.started),
                "finished": None if job.finished is None else _time(job.finished),
                "error": job.error,
                "warnings": job.warnings,
                "result": result,
            }
        )


class Health(BaseModel):
    """Whether the server can work."""

    ok: bool
    version: str
    database: bool
    workers: bool


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, timezone.utc)
