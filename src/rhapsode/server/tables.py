"""What the database holds: owners, portraits and jobs."""

import time
from typing import Any

from sqlalchemy import JSON, Float, Index, Integer, String
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

QUEUED, RUNNING = "queued", "running"
DONE, FAILED, CANCELLED = "done", "failed", "cancelled"
ACTIVE, OVER = (QUEUED, RUNNING), (DONE, FAILED, CANCELLED)
"""States of a job: while it goes on, and after."""

ANIMATE, LEARN = "animate", "learn-style"
"""Kinds of job."""


class Base(DeclarativeBase):
    """Holds the tables."""


class Owner(Base):
    """A name that jobs belong to.

    Attributes:
        name: of a token.
        served: time at which a job was last begun for it; whoever waits longest is next.
    """

    __tablename__ = "owners"
    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    served: Mapped[float] = mapped_column(Float, default=0.0)


class Portrait(Base):
    """A picture that was uploaded and holds a face; its file stands in `storage`.

    Attributes:
        label: what its owner calls it.
        faces: a box and the distance of the eyes of each, largest first.
        warnings: what will not look well.
        used: time at which it was last asked for.
    """

    __tablename__ = "portraits"
    id: Mapped[str] = mapped_column(String(24), primary_key=True)
    owner: Mapped[str] = mapped_column(String(32), index=True)
    label: Mapped[str] = mapped_column(String(200), default="")
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    bytes: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[str] = mapped_column(String(64))
    faces: Mapped[list[Any]] = mapped_column(JSON)
    warnings: Mapped[list[Any]] = mapped_column(JSON)
    created: Mapped[float] = mapped_column(Float, default=time.time)
    used: Mapped[float] = mapped_column(Float, default=time.time)


class Job(Base):
    """Something to do.

    Attributes:
        request: what was asked for, as it is shown.
        work: what the worker needs.
        attempts: how often it was begun.
        faults: how often its worker ended in the middle of it while the server went on.
        leased_by, lease_until: which worker of which server does it, and until when it is believed to.
        cancel: whether it is to stop.
        stage, done, total: progress; 0 where the total is not known.
        error: code, message, remedy.
        result: what came of it.
    """

    __tablename__ = "jobs"
    id: Mapped[str] = mapped_column(String(24), primary_key=True)
    owner: Mapped[str] = mapped_column(String(32), index=True)
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16), default=QUEUED)
    request: Mapped[dict[str, Any]] = mapped_column(JSON)
    work: Mapped[dict[str, Any]] = mapped_column(JSON)
    created: Mapped[float] = mapped_column(Float, default=time.time)
    started: Mapped[float | None] = mapped_column(Float, default=None)
    finished: Mapped[float | None] = mapped_column(Float, default=None)
    attempts: Mapped[int] = mapped_column(Integer, default=0)
    faults: Mapped[int] = mapped_column(Integer, default=0)
    leased_by: Mapped[str | None] = mapped_column(String(64), default=None)
    lease_until: Mapped[float | None] = mapped_column(Float, default=None)
    cancel: Mapped[bool] = mapped_column(default=False)
    stage: Mapped[str] = mapped_column(String(32), default="")
    done: Mapped[int] = mapped_column(Integer, default=0)
    total: Mapped[int] = mapped_column(Integer, default=0)
    error: Mapped[dict[str, Any] | None] = mapped_column(JSON, default=None)
    warnings: Mapped[list[Any]] = mapped_column(JSON, default=list)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON, default=None)

    __table_args__ = (Index("jobs_by_state", "state", "created"),)
