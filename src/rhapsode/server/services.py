"""What requests work with: one of each, made when the server starts."""

import logging
import threading
import time
from pathlib import Path

from rhapsode.bundle import Bundle
from rhapsode.server.database import Database
from rhapsode.server.decoding import Decoder
from rhapsode.server.housekeeping import tidy
from rhapsode.server.live.stage import Stage
from rhapsode.server.metrics import Metrics
from rhapsode.server.places import Places
from rhapsode.server.pool import Pool
from rhapsode.server.portraits import Portraits
from rhapsode.server.queue import JobQueue
from rhapsode.server.settings import Settings
from rhapsode.server.storage import Storage
from rhapsode.server.tables import Job
from rhapsode.style.library import StyleLibrary

log = logging.getLogger("rhapsode.server")
_TIDY_EVERY = 600.0


class Services:
    """Hold the parts of a server.

    Attributes:
        settings, storage, jobs, portraits, decoder, pool, metrics: the parts.
        watchers, sessions: places for event streams and for live sessions.
        stage: opens live sessions.
    """

    def __init__(self, settings: Settings) -> None:
        """Open folder and database; nothing runs yet.

        Raises:
            InstallationError: psycopg is not installed.
            OptionsError: the folder cannot be written to, or the database not be used.
            WeightsError: there is no such model.
        """
        self.settings = settings
        self.storage = Storage(settings.folder, settings.limits)
        self._database = Database(settings.database_url)
        self.jobs = JobQueue(self._database, settings.limits, settings.lease_seconds)
        self.portraits = Portraits(self._database, settings.limits)
        self.decoder = Decoder(settings, self.storage.faces)
        self.pool = Pool(self.jobs, settings, self.storage.faces, self._ended)
        self.watchers = Places(settings.limits.watching)
        self.sessions = Places(settings.limits.live, settings.limits.live_each)
        self.stage = Stage(settings.model)
        self.metrics = Metrics(self.jobs, self.sessions)
        self._shipped = Bundle.load(settings.model).styles
        self._stopping = threading.Event()
        self._housekeeper = threading.Thread(target=self._tidy, name="housekeeper", daemon=True)

    def start(self) -> None:
        """Start workers and housekeeping."""
        self.pool.start()
        self._housekeeper.start()

    def stop(self) -> None:
        """Stop both; what was being done waits for the next start."""
        self._stopping.set()
        self.pool.stop()
        self._housekeeper.join()
        self._database.close()

    def submit(self, job: Job) -> None:
        """Let a job wait for a worker; where it may not, what it was given goes.

        Raises:
            RequestError: 429: too many wait.
        """
        try:
            self.jobs.submit(job)
        except BaseException:
            _drop_given(job)
            raise
        self.pool.wake()

    def styles(self, owner: str) -> StyleLibrary:
        """Open the styles of an owner."""
        return self.storage.styles(owner, self._shipped)

    def _ended(self, job: Job, state: str) -> None:
        seconds = time.time() - (job.started or job.created)
        self.metrics.job_ended(job.kind, state, seconds)
        log.info("job %s %s after %.1f s", job.kind, state, seconds)
        _drop_given(job)

    def _tidy(self) -> None:
        while not self._stopping.is_set():
            try:
                tidy(self.storage, self.jobs, self.portraits, self.settings.keep_days)
            except Exception as error:  # such as a database that is gone for a while
                log.error("housekeeping: %s; trying again later", type(error).__name__)
            self._stopping.wait(_TIDY_EVERY)


def _drop_given(job: Job) -> None:
    """Remove the sound or the clip that a job was given."""
    for name in ("audio", "clip"):
        if name in job.work:
            Path(job.work[name]).unlink(missing_ok=True)
