"""A process that does jobs, one after another, with the models that it loads once: `python -m rhapsode.server.worker`.

Its words are the model, the number of threads, and its memory in bytes, 0 for no limit. It takes `{"work": ...}` and
`{"cancel": true}`, and sends progress, then `result` or `error`.
"""

import logging
import os
import queue
import signal
import sys
import threading
import traceback
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rhapsode.errors import Cancelled, RhapsodeError
from rhapsode.server.child import claim_output, limit, received, send
from rhapsode.server.faults import told
from rhapsode.server.heard_warnings import heard_warnings
from rhapsode.server.work import KINDS

if TYPE_CHECKING:
    from rhapsode.animator import Animator

_log = logging.getLogger("rhapsode.server")


def main(model: str, threads: str, memory: str) -> None:
    """Do jobs until the server ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the server, which ends this process
    if hasattr(os, "nice"):
        os.nice(5)  # live sessions go first: a job has time
    output = claim_output()
    limit(int(memory) or None)
    works: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    cancel = threading.Event()

    def listen() -> None:
        for message in received():
            if "work" in message:
                cancel.clear()
                works.put(message["work"])
            else:
                cancel.set()
        os._exit(0)  # whatever is being done: half-written files have no name yet

    @lru_cache(maxsize=1)
    def models() -> "Animator":
        from rhapsode.animator import Animator

        return Animator.from_pretrained(model, threads=int(threads))

    def progress(stage: str, done: int, total: int) -> None:
        if cancel.is_set():
            raise Cancelled("cancelled")
        send(output, {"stage": stage, "done": done, "total": total})

    threading.Thread(target=listen, daemon=True).start()
    models()
    while True:
        work = works.get()
        words = _words(work)
        with heard_warnings(words) as warnings:
            try:
                answer: dict[str, Any] = {"result": KINDS[work["kind"]](work, models, progress)}
            except RhapsodeError as error:
                answer = {"error": told(error, words)}
            except MemoryError:
                text = "the job takes more memory than it may"
                answer = {"error": {"code": "too-much", "message": text, "remedy": "choose a smaller size"}}
            except Exception as error:
                # The place, not the words, which may name what a user called things.
                place = traceback.extract_tb(error.__traceback__)[-1]
                _log.error("a job failed: %s at %s:%s", type(error).__name__, Path(place.filename).name, place.lineno)
                text = f"a fault of the server ({type(error).__name__})"
                answer = {"error": {"code": "bug", "message": text, "remedy": "tell whoever runs it"}}
        send(output, answer | {"warnings": warnings})


def _words(work: dict[str, Any]) -> dict[Path, str]:
    names = {
        "portrait": "the portrait",
        "audio": "the sound",
        "clip": "the clip",
        "out": "the result",
        "styles": "your styles",
    }
    return {Path(work[name]): word for name, word in names.items() if name in work}


if __name__ == "__main__":
    main(*sys.argv[1:])
