"""Portraits in the database; their pictures stand in `storage`."""

import time

from sqlalchemy import func, select

from rhapsode.server.database import Database
from rhapsode.server.faults import RequestError, not_found
from rhapsode.server.settings import Limits
from rhapsode.server.tables import ACTIVE, Job, Portrait


class Portraits:
    """Portraits of every owner, each seen by its own alone."""

    def __init__(self, database: Database, limits: Limits) -> None:
        """Open them."""
        self._database, self._limits = database, limits

    def check_room(self, owner: str) -> None:
        """Refuse one too many.

        Raises:
            RequestError: 413.
        """
        with self._database.read() as db:
            count = db.scalar(select(func.count()).select_from(Portrait).where(Portrait.owner == owner)) or 0
        if count >= self._limits.portraits:
            text = f"you have {count} portraits, as many as may be"
            raise RequestError(413, "too-many-portraits", text, "delete some")

    def add(self, portrait: Portrait) -> None:
        """Keep a portrait."""
        with self._database.write() as db:
            db.add(portrait)

    def get(self, owner: str, number: str) -> Portrait:
        """Look at a portrait.

        Raises:
            RequestError: 404.
        """
        with self._database.read() as db:
            portrait = db.get(Portrait, number)
        if portrait is None or portrait.owner != owner:
            raise not_found("portrait")
        return portrait

    def use(self, owner: str, number: str) -> Portrait:
        """Look at a portrait, and note that it was asked for; errors as in `get`."""
        with self._database.write() as db:
            portrait = db.get(Portrait, number)
            if portrait is None or portrait.owner != owner:
                raise not_found("portrait")
            portrait.used = time.time()
            return portrait

    def of(self, owner: str, most: int = 100, offset: int = 0) -> list[Portrait]:
        """List portraits, the newest first."""
        with self._database.read() as db:
            wanted = select(Portrait).where(Portrait.owner == owner).order_by(Portrait.created.desc(), Portrait.id)
            return [*db.scalars(wanted.limit(most).offset(offset))]

    def delete(self, owner: str, number: str) -> None:
        """Forget a portrait.

        Raises:
            RequestError: 404, or 409 where a job needs it.
        """
        with self._database.write() as db:
            portrait = db.get(Portrait, number)
            if portrait is None or portrait.owner != owner:
                raise not_found("portrait")
            active = db.scalars(select(Job.request).where(Job.owner == owner, Job.state.in_(ACTIVE)))
            if any(request.get("portrait") == number for request in active):
                raise RequestError(
                    409, "portrait-in-use", "a job that is not over needs the portrait", "cancel it first"
                )
            db.delete(portrait)

    def unused(self, since: float) -> list[Portrait]:
        """List portraits of everybody that were last used before a time."""
        with self._database.read() as db:
            return [*db.scalars(select(Portrait).where(Portrait.used < since))]

    def known(self, numbers: list[str]) -> set[str]:
        """Tell which of some portraits there are."""
        with self._database.read() as db:
            return {*db.scalars(select(Portrait.id).where(Portrait.id.in_(numbers)))}
