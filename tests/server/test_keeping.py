"""What is kept, for how long and how much of it; and uploads that would take too much."""

import os
import time
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("fastapi", reason="needs the extra [serve]")

from rhapsode.server.faults import RequestError
from rhapsode.server.housekeeping import tidy
from rhapsode.server.services import Services
from rhapsode.server.settings import Settings
from rhapsode.server.storage import new_number
from rhapsode.server.tables import ANIMATE, Job, Portrait

DAY = 86_400


@pytest.fixture
def services(settings: Settings) -> Iterator[Services]:
    """Of a server that is not running."""
    opened = Services(settings)
    yield opened
    opened._database.close()


def job(services: Services, days: float, **more: Any) -> Job:
    """One that was done some days ago, with its result."""
    made = Job(id=new_number(), owner="alice", kind=ANIMATE, request={}, work={}, state="done", **more)
    made.finished = time.time() - days * DAY
    services.jobs.submit(made)
    aged(services.storage.result("alice", made.id, ".mp4"), days)
    return made


def aged(path: Path, days: float) -> Path:
    path.write_bytes(b"x" * 100)
    os.utime(path, (time.time() - days * DAY,) * 2)
    return path


def test_results_and_portraits_go_when_they_were_kept_long_enough(services: Services) -> None:
    jobs = {days: job(services, days) for days in (1, 8)}
    portraits = {}
    for days in (1, 8):
        number = new_number()
        facts: dict[str, Any] = {"width": 1, "height": 1, "bytes": 1, "sha256": "", "faces": [], "warnings": []}
        services.portraits.add(Portrait(id=number, owner="alice", used=time.time() - days * DAY, **facts))
        portraits[days] = aged(services.storage.portrait("alice", number), days)
    tidy(services.storage, services.jobs, services.portraits, keep_days=7)
    assert [one.id for one in services.jobs.of("alice")] == [jobs[1].id]
    assert services.storage.result("alice", jobs[1].id, ".mp4").exists() and portraits[1].exists()
    assert not services.storage.result("alice", jobs[8].id, ".mp4").exists() and not portraits[8].exists()


def test_files_that_belong_to_nothing_go_but_not_those_of_a_request_that_goes_on(services: Services) -> None:
    storage = services.storage
    waits = Job(id=new_number(), owner="alice", kind=ANIMATE, request={}, work={})
    services.jobs.submit(waits)
    kept = [storage.given("alice", new_number(), ".wav"), storage.incoming(), storage.given("alice", waits.id, ".wav")]
    gone = [storage.result("alice", new_number(), ".mp4"), storage.given("alice", new_number(), ".wav")]
    gone += [storage.incoming(), storage.portrait("alice", new_number())]
    gone.append(storage.result("alice", f".{new_number()}", ".mp4.1a2b.part.mp4"))
    for path in kept[:2]:
        aged(path, 0)
    for path in (kept[2], *gone):
        aged(path, 1)
    tidy(storage, services.jobs, services.portraits, keep_days=7)
    assert all(path.exists() for path in kept) and not any(path.exists() for path in gone)


def test_whoever_has_filled_his_part_of_the_disk_is_told_so_and_others_are_not(settings: Settings) -> None:
    services = Services(replace(settings, limits=replace(settings.limits, quota_bytes=150)))
    for number in (new_number(), new_number()):
        aged(services.storage.result("alice", number, ".mp4"), 0)
    with pytest.raises(RequestError, match="delete portraits or jobs") as full:
        services.storage.check_room("alice")
    assert full.value.status == 413
    services.storage.check_room("bob")
    services._database.close()


def png(side: int) -> bytes:
    """A picture of one colour: `side` x `side` pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    header = side.to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    packer = zlib.compressobj(9)
    rows = b"".join(packer.compress(bytes(1 + 3 * side)) for _ in range(side)) + packer.flush()
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("limits", [{}, {"decode_bytes": 500_000_000}, {"decode_seconds": 0.2}])
def test_a_picture_that_takes_too_many_pixels_too_much_memory_or_time_is_refused(
    settings: Settings, limits: dict[str, Any]
) -> None:
    services = Services(replace(settings, limits=replace(settings.limits, **limits)))
    source = services.storage.incoming()
    source.write_bytes(png(1500))
    target = services.storage.portrait("alice", new_number())
    with pytest.raises(RequestError) as error:
        services.decoder.decode("picture", source, target, pixels=1_000_000)
    assert error.value.status == 413 and str(services.storage.folder) not in str(error.value)
    assert not source.exists() and not [*target.parent.iterdir()]
    services._database.close()
