"""The queue of jobs: a table, leases, and turns between owners.

Libraries were weighed. Procrastinate and PgQueuer have PostgreSQL alone; Huey loses what a killed worker had; DBOS has
both databases, but keeps arguments as pickles. None takes turns between owners. A table and leases are little code.
"""

import time
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, tuple_
from sqlalchemy.orm import Session, aliased

from rhapsode.server.database import Database
from rhapsode.server.faults import RequestError, not_found
from rhapsode.server.settings import Limits
from rhapsode.server.tables import ACTIVE, CANCELLED, DONE, FAILED, OVER, QUEUED, RUNNING, Job, Owner

#: So often may a worker end in the middle of a job while its server goes on: then it is the job that ends it.
FAULTS = 2
#: A job is begun so often at most: what ends its server each time must not end it for ever.
ATTEMPTS = 5


def _interrupted(times: int, what: str) -> dict[str, str]:
    return {
        "code": "interrupted",
        "message": f"{what} ended {times} times in the middle of the job",
        "remedy": "submit it again, with a smaller size or a shorter sound if it ends likewise",
    }


@dataclass
class Progress:
    """How far a job is.

    Attributes:
        stage: what is being done.
        done, total: in steps; the total is 0 where it is not known.
    """

    stage: str = ""
    done: int = 0
    total: int = 0


class JobQueue:
    """Jobs in a database, which any number of servers may share.

    Whoever does a job holds a lease on it, which ends by itself when its holder is gone; the job is then begun once
    more, after those that were begun less often. A job's last state is written by the holder of its lease alone.
    """

    def __init__(self, database: Database, limits: Limits, lease_seconds: float) -> None:
        """Open the queue; `lease_seconds` after the last `beat` a job is taken back."""
        self._database, self._limits, self._lease = database, limits, lease_seconds

    def check_room(self, owner: str) -> None:
        """Refuse a job that would be one too many, before its files are looked at.

        Raises:
            RequestError: 429, with the seconds after which to try again.
        """
        with self._database.read() as db:
            self._check_room(db, owner)

    def submit(self, job: Job) -> None:
        """Let a job wait for its turn.

        Raises:
            RequestError: as `check_room`.
        """
        with self._database.write() as db:
            self._check_room(db, job.owner)
            if db.get(Owner, job.owner) is None:
                db.add(Owner(name=job.owner))
            db.add(job)

    def claim(self, worker: str) -> Job | None:
        """Take the next job: of the owner for whom least is being done, and among those of the one served longest ago.

        Args:
            worker: who does it, a name that nobody else has.

        Returns:
            The job, leased; None where nothing waits.
        """
        now = time.time()
        with self._database.write() as db:
            self._take_back(db, now)
            other = aliased(Job)
            running = (
                select(func.count())
                .select_from(other)
                .where(other.owner == Job.owner, other.state == RUNNING)
                .scalar_subquery()
            )
            job = db.scalars(
                select(Job)
                .join(Owner, Owner.name == Job.owner)
                .where(Job.state == QUEUED)
                .order_by(running, Owner.served, Job.attempts, Job.created, Job.id)
                .limit(1)
                .with_for_update(of=Job, skip_locked=True)
            ).first()
            if job is None:
                return None
            job.state, job.attempts, job.started = RUNNING, job.attempts + 1, now
            job.leased_by, job.lease_until = worker, now + self._lease
            job.stage, job.done, job.total = "", 0, 0
            db.get_one(Owner, job.owner).served = now
            return job

    def beat(self, job: str, worker: str, progress: Progress) -> bool:
        """Tell that a job goes on, and how far it is.

        Returns:
            Whether it should go on: not where it was cancelled, or is another's by now.
        """
        with self._database.write() as db:
            held = self._held(db, job, worker)
            if held is None or held.cancel:
                return False
            held.lease_until = time.time() + self._lease
            held.stage, held.done, held.total = progress.stage[:32], progress.done, progress.total
            return True

    def finish(
        self,
        job: str,
        worker: str,
        result: dict[str, Any] | None,
        error: dict[str, Any] | None = None,
        warnings: list[Any] | None = None,
    ) -> str:
        """Write what came of a job.

        Returns:
            Its state; empty where it is another's by now.
        """
        with self._database.write() as db:
            held = self._held(db, job, worker)
            if held is None:
                return ""
            cancelled = held.cancel and result is None
            state = DONE if result is not None else CANCELLED if cancelled else FAILED
            held.result, held.error, held.warnings = result, None if cancelled else error, warnings or []
            self._end(held, state)
            return state

    def give_back(self, job: str, worker: str, fault: bool) -> str:
        """Let another do a job that could not be ended.

        Args:
            job: its number.
            worker: who had it.
            fault: whether its worker ended in the middle of it; else the server was asked to stop, which counts for
                nothing.

        Returns:
            Its state; empty where it is another's by now.
        """
        with self._database.write() as db:
            held = self._held(db, job, worker)
            if held is None:
                return ""
            if fault:
                held.faults += 1
            else:
                held.attempts -= 1
            self._cut_off(held)
            return held.state

    def cancel(self, owner: str, number: str) -> Job:
        """Stop a job; one that is over stays as it is.

        Raises:
            RequestError: 404.
        """
        with self._database.write() as db:
            job = self._of(db, owner, number)
            if job.state == QUEUED:
                self._end(job, CANCELLED)
            elif job.state == RUNNING:
                job.cancel = True
            return job

    def get(self, owner: str, number: str) -> Job:
        """Look at a job.

        Raises:
            RequestError: 404.
        """
        with self._database.read() as db:
            return self._of(db, owner, number)

    def before(self, job: Job) -> int:
        """Count the jobs of its owner that are begun before one that waits."""
        with self._database.read() as db:
            place = tuple_(Job.attempts, Job.created) < tuple_(job.attempts, job.created)
            earlier = select(func.count()).select_from(Job).where(Job.owner == job.owner, Job.state == QUEUED, place)
            return db.scalar(earlier) or 0

    def of(self, owner: str, state: str | None = None, most: int = 100, offset: int = 0) -> list[Job]:
        """List jobs of an owner, the newest first."""
        with self._database.read() as db:
            wanted = select(Job).where(Job.owner == owner)
            if state is not None:
                wanted = wanted.where(Job.state == state)
            return [*db.scalars(wanted.order_by(Job.created.desc(), Job.id).limit(most).offset(offset))]

    def delete(self, owner: str, number: str) -> None:
        """Forget a job that is over.

        Raises:
            RequestError: 404, or 409 for one that goes on.
        """
        with self._database.write() as db:
            job = self._of(db, owner, number)
            if job.state in ACTIVE:
                raise RequestError(409, "job-active", "the job is not over", "cancel it first")
            db.delete(job)

    def older(self, than: float) -> list[Job]:
        """List jobs of everybody that were over before a time."""
        with self._database.read() as db:
            return [*db.scalars(select(Job).where(Job.state.in_(OVER), Job.finished < than))]

    def states(self, numbers: list[str]) -> dict[str, str]:
        """Tell the state of some jobs; those that are not there are left out."""
        with self._database.read() as db:
            return {job.id: job.state for job in db.scalars(select(Job).where(Job.id.in_(numbers)))}

    def counts(self) -> dict[str, int]:
        """Count jobs of everybody by their state."""
        with self._database.read() as db:
            rows = db.execute(select(Job.state, func.count()).group_by(Job.state))
            return {row[0]: row[1] for row in rows}

    def _check_room(self, db: Session, owner: str) -> None:
        active = select(func.count()).select_from(Job).where(Job.state.in_(ACTIVE))
        if (db.scalar(active.where(Job.owner == owner)) or 0) >= self._limits.queued_each:
            most = f"{self._limits.queued_each} of your jobs wait or run, as many as may"
            raise RequestError(429, "too-many-jobs", most, "wait until some are done", 30)
        if (db.scalar(active) or 0) >= self._limits.queued:
            raise RequestError(429, "queue-full", "the queue is full", "try again later", 60)

    def _take_back(self, db: Session, now: float) -> None:
        gone = select(Job).where(Job.state == RUNNING, Job.lease_until < now).with_for_update(skip_locked=True)
        for job in db.scalars(gone):
            self._cut_off(job)

    def _cut_off(self, job: Job) -> None:
        if job.cancel:
            self._end(job, CANCELLED)
        elif job.faults >= FAULTS or job.attempts >= ATTEMPTS:
            worker = job.faults >= FAULTS
            job.error = _interrupted(*(FAULTS, "its worker") if worker else (ATTEMPTS, "the server"))
            self._end(job, FAILED)
        else:
            job.state, job.leased_by, job.lease_until = QUEUED, None, None

    def _end(self, job: Job, state: str) -> None:
        job.state, job.finished = state, time.time()
        job.leased_by = job.lease_until = None

    def _held(self, db: Session, number: str, worker: str) -> Job | None:
        job = db.get(Job, number, with_for_update=True)
        return job if job is not None and job.state == RUNNING and job.leased_by == worker else None

    def _of(self, db: Session, owner: str, number: str) -> Job:
        job = db.get(Job, number)
        if job is None or job.owner != owner:
            raise not_found("job")
        return job
