"""Remove what was kept long enough, and files that belong to nothing."""

import time
from contextlib import suppress

from rhapsode.server.faults import RequestError
from rhapsode.server.portraits import Portraits
from rhapsode.server.queue import JobQueue
from rhapsode.server.storage import Storage
from rhapsode.server.tables import ACTIVE, DONE

_DAY = 86_400.0


def tidy(storage: Storage, jobs: JobQueue, portraits: Portraits, keep_days: float) -> None:
    """Remove results and unused portraits of more than `keep_days` days, then files that nothing knows of.

    So go faces that were found, where no picture that shows them was looked at for as long.

    A row goes before its file: nobody is promised a file that is gone, and a file whose row is gone is found later.
    """
    before = time.time() - keep_days * _DAY
    for job in jobs.older(before):
        with suppress(RequestError):  # deleted meanwhile
            jobs.delete(job.owner, job.id)
        storage.remove_files(job.owner, job.id)
    for portrait in portraits.unused(before):
        with suppress(RequestError):  # deleted meanwhile, or needed by a job
            portraits.delete(portrait.owner, portrait.id)
            storage.portrait(portrait.owner, portrait.id).unlink(missing_ok=True)
    for _, path in [*storage.old_files("incoming")]:
        path.unlink(missing_ok=True)
    for kind, states in (("given", ACTIVE), ("results", (*ACTIVE, DONE))):
        old = [*storage.old_files(kind)]
        found = jobs.states([number for number, _ in old])
        for number, path in old:
            if found.get(number) not in states:
                path.unlink(missing_ok=True)
    for path in storage.faces.rglob("*"):  # renewed when it is used
        if path.is_file() and path.stat().st_mtime < before:
            path.unlink(missing_ok=True)
    old = [*storage.old_files("portraits")]
    known = portraits.known([number for number, _ in old])
    for number, path in old:
        if number not in known:
            path.unlink(missing_ok=True)
