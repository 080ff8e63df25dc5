"""Workers: each thread here has a process that does the jobs which the thread takes from the queue."""

import logging
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rhapsode.server.child import Child, Message
from rhapsode.server.queue import JobQueue, Progress
from rhapsode.server.settings import Settings
from rhapsode.server.tables import OVER, Job

log = logging.getLogger("rhapsode.server")

#: Seconds between looks at the queue while nothing waits: other servers may put jobs there.
_IDLE = 1.0
#: Seconds between two notes of progress, which renew the lease and ask whether to stop.
_BEAT = 0.3
#: Seconds that a worker has to stop by itself before it is ended.
_GRACE = 2.0
#: Called with a job and its last state.
Ended = Callable[[Job, str], None]


class Pool:
    """Do the jobs of a queue, several at once."""

    def __init__(self, jobs: JobQueue, settings: Settings, faces: Path, ended: Ended) -> None:
        """Begin; `ended` is called after each job."""
        self._jobs, self._settings, self._ended = jobs, settings, ended
        self._environment = {"RHAPSODE_CACHE": str(faces)}
        self._stop, self._news = threading.Event(), threading.Semaphore(0)
        server = secrets.token_hex(6)
        self._threads = [
            threading.Thread(target=self._serve, args=(f"{server}-{number}",), name=f"worker {number}", daemon=True)
            for number in range(settings.workers)
        ]

    def start(self) -> None:
        """Start the workers."""
        for thread in self._threads:
            thread.start()

    def wake(self) -> None:
        """Tell that a job waits."""
        self._news.release()

    def stop(self) -> None:
        """Stop; jobs that are not done wait for the next start."""
        self._stop.set()
        for _ in self._threads:
            self._news.release()
        for thread in self._threads:
            thread.join()

    @property
    def alive(self) -> bool:
        """Tell whether every worker is being looked after."""
        return all(thread.is_alive() for thread in self._threads)

    def _serve(self, name: str) -> None:
        child: Child | None = None
        while not self._stop.is_set():
            try:
                child = child if child is not None and child.alive else self._child()
                job = self._jobs.claim(name)
                if job is None:
                    self._news.acquire(timeout=_IDLE)
                    continue
                if not self._do(job, name, child):
                    child.kill()
                    child = None
            except Exception as error:  # such as a database that is gone for a while
                log.error("%s: %s; trying again", name, type(error).__name__)
                self._stop.wait(_IDLE)
        if child is not None:
            child.kill()

    def _child(self) -> Child:
        settings = self._settings
        words = (settings.model, str(settings.threads), str(settings.limits.job_bytes))
        return Child("rhapsode.server.worker", *words, environment=self._environment)

    def _do(self, job: Job, name: str, child: Child) -> bool:
        """Have a job done; tells whether the worker can do another."""
        child.send({"work": {"kind": job.kind, **job.work}})
        progress, beaten = Progress(), time.monotonic()
        ends, killed = beaten + self._settings.limits.job_seconds, float("inf")
        while True:
            try:
                message: Message | None = child.receive(_BEAT)
            except TimeoutError:
                message = {}
            now = time.monotonic()
            if message is None:
                return self._given_up(job, name, fault=True)
            if "result" in message or "error" in message:
                return self._finish(job, name, message)
            if message:
                progress = Progress(message["stage"], message["done"], message["total"])
            if self._stop.is_set():
                return self._given_up(job, name, fault=False)
            if now > killed:
                self._finish(job, name, {"error": None})
                return False
            if now > ends:
                text = f"the job took longer than {self._settings.limits.job_seconds:g} s"
                self._finish(
                    job, name, {"error": {"code": "too-long", "message": text, "remedy": "send a shorter sound"}}
                )
                return False
            if now - beaten > _BEAT:
                beaten = now
                if not self._jobs.beat(job.id, name, progress) and killed == float("inf"):
                    child.send({"cancel": True})
                    killed = now + _GRACE

    def _finish(self, job: Job, name: str, answer: dict[str, Any]) -> bool:
        state = self._jobs.finish(job.id, name, answer.get("result"), answer.get("error"), answer.get("warnings"))
        if state:
            self._ended(job, state)
        return True

    def _given_up(self, job: Job, name: str, fault: bool) -> bool:
        if fault:
            log.error("a worker ended in the middle of a job")
        state = self._jobs.give_back(job.id, name, fault)
        if state in OVER:
            self._ended(job, state)
        return False
