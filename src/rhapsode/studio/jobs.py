"""Long work, one piece at a time: how far it is, how long it still takes, and how to stop it."""

import asyncio
import json
import secrets
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from rhapsode.errors import Cancelled, OptionsError
from rhapsode.studio.http import answer, in_words

State = Literal["waiting", "working", "done", "failed", "cancelled"]
#: Seconds between two words on how far a job is.
_TOLD_EVERY = 0.2
#: Ended jobs that are remembered.
_MOST_KEPT = 50


@dataclass
class Job:
    """A piece of work. It is its own `rhapsode.progress.Progress`.

    Attributes:
        id: names it in requests.
        kind: what is made, such as `video`.
        state: where it is.
        stage, done, total: as the work tells.
        result: of a job that is done.
        error: of one that failed, in words.
        rows: figures that are known so far, such as those of a learning curve.
    """

    id: str
    kind: str
    state: State = "waiting"
    stage: str = ""
    done: int = 0
    total: int = 0
    result: Mapping[str, Any] = field(default_factory=dict)
    error: Mapping[str, str] = field(default_factory=dict)
    rows: list[Mapping[str, float]] = field(default_factory=list)
    _began: float = 0.0
    _stop: threading.Event = field(default_factory=threading.Event)

    def __call__(self, stage: str, done: int, total: int, /) -> None:
        """Take note of progress; see `rhapsode.progress.Progress`."""
        if stage != self.stage:
            self._began = time.monotonic()
        self.stage, self.done, self.total = stage, done, total
        if self._stop.is_set():
            raise Cancelled("cancelled", "", "cancelled")

    def cancel(self) -> None:
        """Stop it as soon as it next tells how far it is."""
        self._stop.set()
        if self.state == "waiting":
            self.state = "cancelled"

    @property
    def ended(self) -> bool:
        """Tell whether nothing more will happen."""
        return self.state in ("done", "failed", "cancelled")

    @property
    def seconds_left(self) -> float | None:
        """Estimate how long this stage still takes; None where nothing is known yet."""
        passed = time.monotonic() - self._began
        if self.state != "working" or not 0 < self.done <= self.total or passed < 0.5:
            return None
        return round(passed * (self.total - self.done) / self.done, 1)

    def told(self) -> dict[str, Any]:
        """Give all that the page shows of it."""
        names = ("id", "kind", "state", "stage", "done", "total", "result", "error", "rows", "seconds_left")
        return {name: getattr(self, name) for name in names}


class Jobs:
    """Do one job after another in a thread of its own; the machine is busy enough with one."""

    def __init__(self) -> None:
        """Begin with none."""
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="rhapsode-studio")
        self._jobs: dict[str, Job] = {}

    def start(self, kind: str, work: Callable[[Job], Mapping[str, Any]]) -> Job:
        """Take a job.

        Args:
            kind: what is made.
            work: makes it, tells its progress to the job, and gives the result.
        """
        job = Job(secrets.token_hex(6), kind)
        self._jobs[job.id] = job
        for old in [one.id for one in self._jobs.values() if one.ended][:-_MOST_KEPT]:
            del self._jobs[old]
        self._pool.submit(self._run, job, work)
        return job

    def job(self, name: str) -> Job:
        """Find a job.

        Raises:
            OptionsError: there is none of that name.
        """
        if name not in self._jobs:
            raise OptionsError("this work is not known any more", "start it again", "no-such-job")
        return self._jobs[name]

    def close(self) -> None:
        """Stop all, and wait for what has begun."""
        for job in self._jobs.values():
            job.cancel()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _run(self, job: Job, work: Callable[[Job], Mapping[str, Any]]) -> None:
        if job.ended:
            return
        job.state = "working"
        try:
            job.result = work(job)
            job.state = "done"
        except Cancelled:
            job.state = "cancelled"
        except Exception as error:
            job.error, job.state = in_words(error), "failed"


def routes(jobs: Jobs) -> list[Route]:
    """Give the requests that watch and stop jobs."""

    def stop(request: Request, _values: Mapping[str, Any]) -> dict[str, Any]:
        job = jobs.job(request.path_params["name"])
        job.cancel()
        return job.told()

    async def watch(request: Request) -> Response:
        job = jobs.job(request.path_params["name"])

        async def events() -> AsyncIterator[str]:
            while True:
                ended, told = job.ended, json.dumps(job.told())
                yield f"data: {told}\n\n"
                if ended:
                    return
                await asyncio.sleep(_TOLD_EVERY)

        return StreamingResponse(events(), media_type="text/event-stream")

    return [
        Route("/api/jobs/{name}", answer(stop), methods=["DELETE"]),
        Route("/api/jobs/{name}/events", watch, methods=["GET"]),
    ]
