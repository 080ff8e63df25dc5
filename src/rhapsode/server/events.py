"""Progress of a job as server-sent events."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from fastapi.responses import StreamingResponse
from starlette.concurrency import run_in_threadpool

from rhapsode.server.faults import RequestError
from rhapsode.server.guard import Message, Receive, Send
from rhapsode.server.places import Places
from rhapsode.server.services import Services
from rhapsode.server.tables import OVER
from rhapsode.server.views import JobView

#: Seconds between looks, and between signs of life while nothing changes.
_LOOK, _LIFE = 0.3, 15.0


def follow(services: Services, owner: str, number: str) -> StreamingResponse:
    """Give a stream of events: `progress` whenever the job changes, then one named after its last state.

    It is refused by 429 where too many follow jobs.
    """
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    events = _events(services, owner, number)
    return _Watched(services.watchers, owner, events, media_type="text/event-stream", headers=headers)


class _Watched(StreamingResponse):
    """A stream that takes a place while it goes on."""

    def __init__(self, places: Places, owner: str, events: AsyncIterator[str], **how: Any) -> None:
        super().__init__(events, **how)
        self._places, self._owner = places, owner

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        with self._places.place(self._owner, "event streams"):
            await super().__call__(scope, receive, send)


async def _events(services: Services, owner: str, number: str) -> AsyncIterator[str]:
    last, told = "", time.monotonic()
    while True:
        try:
            job = await run_in_threadpool(services.jobs.get, owner, number)
        except RequestError:  # deleted
            return
        text = JobView.of(job).model_dump_json()
        if text != last:
            yield f"event: {job.state if job.state in OVER else 'progress'}\ndata: {text}\n\n"
            last, told = text, time.monotonic()
        elif time.monotonic() - told > _LIFE:
            yield ": still there\n\n"
            told = time.monotonic()
        if job.state in OVER:
            return
        await asyncio.sleep(_LOOK)
