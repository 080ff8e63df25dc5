"""The queue on SQLite and on a real PostgreSQL: each job is one worker's, owners take turns, nothing is lost."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("sqlalchemy", reason="needs the extra [serve]")

from rhapsode.server.database import Database
from rhapsode.server.faults import RequestError
from rhapsode.server.queue import ATTEMPTS, JobQueue, Progress
from rhapsode.server.settings import Limits
from rhapsode.server.storage import new_number
from rhapsode.server.tables import ANIMATE, Base, Job


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    url = request.getfixturevalue("postgres") if request.param == "postgres" else f"sqlite:///{tmp_path / 'jobs.db'}"
    opened = Database(url)
    yield opened
    Base.metadata.drop_all(opened.engine)
    opened.close()


@pytest.fixture
def queue(database: Database) -> JobQueue:
    return JobQueue(database, Limits(queued=40, queued_each=30), lease_seconds=30)


def submit(queue: JobQueue, owner: str, count: int = 1) -> list[str]:
    numbers = [new_number() for _ in range(count)]
    for number in numbers:
        queue.submit(Job(id=number, owner=owner, kind=ANIMATE, request={"portrait": "ä"}, work={}))
    return numbers


def begun(queue: JobQueue, worker: str = "one") -> Job:
    job = queue.claim(worker)
    assert job is not None
    return job


def test_owners_take_turns_however_many_jobs_one_of_them_has(queue: JobQueue) -> None:
    many, few = submit(queue, "alice", 5), submit(queue, "bob", 2)
    order = []
    for _ in range(7):
        job = begun(queue)
        order.append(job.owner)
        assert queue.finish(job.id, "one", {}) == "done"
    assert order == ["alice", "bob", "alice", "bob", "alice", "alice", "alice"]
    assert queue.claim("one") is None and queue.get("alice", many[0]).state == queue.get("bob", few[1]).state == "done"


def test_whoever_has_nothing_running_comes_before_whoever_has(queue: JobQueue) -> None:
    submit(queue, "alice", 3)
    assert [begun(queue, name).owner for name in ("one", "two")] == ["alice", "alice"]
    submit(queue, "bob", 1)
    assert begun(queue, "three").owner == "bob"


def test_workers_that_ask_at_once_never_get_the_same_job(queue: JobQueue) -> None:
    numbers, got = submit(queue, "alice", 24), []

    def work(name: str) -> None:
        while (job := queue.claim(name)) is not None:
            got.append(job.id)
            assert queue.beat(job.id, name, Progress("frames", 1, 2))
            assert queue.finish(job.id, name, {"file": "x"}) == "done"

    workers = [threading.Thread(target=work, args=(str(number),)) for number in range(4)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()
    assert sorted(got) == sorted(numbers) and queue.counts() == {"done": 24}


def test_a_job_whose_server_is_gone_is_begun_again_and_fails_in_words_only_where_that_never_ends(
    database: Database,
) -> None:
    queue = JobQueue(database, Limits(), lease_seconds=0.05)
    (number,) = submit(queue, "alice")
    for attempt in range(1, ATTEMPTS + 1):
        job = begun(queue, f"gone {attempt}")
        assert (job.id, job.attempts) == (number, attempt)
        time.sleep(0.1)
    assert queue.claim("last") is None
    job = queue.get("alice", number)
    assert job.state == "failed" and job.error is not None
    assert job.error["message"] == f"the server ended {ATTEMPTS} times in the middle of the job"
    # Whoever was thought to be gone cannot change what another has written.
    assert queue.finish(number, "gone 1", {}) == "" and not queue.beat(number, "gone 2", Progress())


def test_a_job_that_ends_its_worker_twice_fails_however_often_its_server_ended(database: Database) -> None:
    queue = JobQueue(database, Limits(), lease_seconds=0.05)
    (number,) = submit(queue, "alice")
    begun(queue, "gone")
    time.sleep(0.1)
    assert queue.give_back(begun(queue).id, "one", fault=True) == "queued"
    assert queue.give_back(begun(queue).id, "one", fault=True) == "failed"
    error = queue.get("alice", number).error
    assert error is not None and error["message"] == "its worker ended 2 times in the middle of the job"


def test_a_job_that_was_cut_off_waits_until_those_that_were_not_are_begun(database: Database) -> None:
    queue = JobQueue(database, Limits(), lease_seconds=0.05)
    first, second, third = submit(queue, "alice", 3)
    assert begun(queue, "gone").id == first
    time.sleep(0.1)
    assert begun(queue, "one").id == second  # what is first cannot be cut off for ever by itself
    waits = queue.get("alice", first)
    assert (waits.state, queue.before(waits)) == ("queued", 1)
    assert begun(queue, "two").id == third


def test_a_server_that_is_asked_to_stop_gives_its_jobs_back_uncounted(queue: JobQueue) -> None:
    submit(queue, "alice")
    for _ in range(ATTEMPTS + 1):
        job = begun(queue)
        assert job.attempts == 1 and queue.give_back(job.id, "one", fault=False) == "queued"


def test_cancelling_ends_what_waits_and_tells_the_worker_of_what_runs(queue: JobQueue) -> None:
    runs, waits = submit(queue, "alice", 2)
    begun(queue)
    assert queue.cancel("alice", waits).state == "cancelled"
    assert queue.cancel("alice", runs).state == "running"
    assert not queue.beat(runs, "one", Progress())
    assert queue.finish(runs, "one", None, {"code": "cancelled"}) == "cancelled"
    with pytest.raises(RequestError, match="no such job"):
        queue.cancel("bob", runs)


def test_a_full_queue_says_when_to_try_again(queue: JobQueue) -> None:
    submit(queue, "alice", 30)
    with pytest.raises(RequestError, match="30 of your jobs") as mine:
        submit(queue, "alice")
    submit(queue, "bob", 10)
    with pytest.raises(RequestError, match="queue is full") as full:
        submit(queue, "carol")
    assert all(one.value.status == 429 and one.value.retry_after for one in (mine, full))
