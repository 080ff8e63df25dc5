"""A job is submitted, followed, and gives a whole video; it can be cancelled, and is its owner's alone."""

import time
from pathlib import Path
from typing import Any

import pytest
from tests.bench import hum, write_sound
from tests.server.speaking import Speaker, refused

from rhapsode.credentials.verifying import verify
from rhapsode.media.reader import probe


@pytest.fixture(scope="module")
def job(alice: Speaker) -> dict[str, Any]:
    """One that is done."""
    last = ""
    for last, job in alice.events(alice.submit(style="happy*0.5+smile*0.5", fps="20")["id"]):
        assert job["state"] == ("running" if job["attempts"] else "queued") or last == "done", job
    assert last == "done"
    return job


def test_a_job_that_is_done_tells_its_facts_and_what_was_warned_of(job: dict[str, Any]) -> None:
    result = job["result"]
    assert (result["frames"], result["fps"], result["width"], result["height"]) == (6, "20", 128, 128)
    assert {one["code"] for one in job["warnings"]} == {"small-face", "no-voice"}
    assert job["attempts"] == 1 and job["error"] is None


def test_the_result_plays_is_signed_and_comes_in_parts(alice: Speaker, job: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "talk.mp4"
    whole = alice.get(job["result"]["url"])
    path.write_bytes(whole.content)
    assert probe(path).has_audio and len(whole.content) == job["result"]["bytes"]
    assert verify(path).valid
    part = alice.get(job["result"]["url"], headers={"Range": "bytes=100-199"})
    assert part.status_code == 206 and part.content == whole.content[100:200]
    assert alice.get(job["result"]["url"], headers={"Range": "bytes=99999999-"}).status_code == 416


def test_another_user_neither_sees_nor_touches_it(bob: Speaker, job: dict[str, Any]) -> None:
    assert bob.get("/v1/jobs").json() == []
    paths = ("", "/events", "/result")
    for method, path in [*(("GET", path) for path in paths), ("POST", "/cancel"), ("DELETE", "")]:
        refused(bob.ask(method, f"/v1/jobs/{job['id']}{path}"), 404, "no-such-job")


def test_a_text_is_spoken(alice: Speaker) -> None:
    job = alice.post("/v1/jobs", {"portrait": alice.portrait, "text": "Oh.", "voice": "de"}).json()
    assert 0 < job["request"]["seconds"] <= 1 and "Oh." not in str(job)
    assert alice.ended(job["id"])["state"] == "done"


@pytest.mark.parametrize(
    ("data", "status", "code"),
    [
        ({"text": "and a text"}, 422, "no-voice-given"),
        ({"style": "../alice/styles/x.safetensors"}, 422, "bad-style-name"),
        ({"style": "/etc/passwd"}, 422, "bad-style-name"),
        ({"style": "hapy"}, 404, "no-such-style"),
        ({"background": "/etc/passwd"}, 422, "bad-background"),
        ({"background": "transparent"}, 422, "not-transparent"),
        ({"fps": "1000"}, 422, "bad-fps"),
        ({"aspect": "wide"}, 422, "bad-aspect"),
        ({"mouth": "3"}, 422, "bad-request"),
        ({"size": "4000"}, 413, "video-too-large"),
        ({"credentials": "false"}, 403, "credentials-required"),
        ({"format": "webm"}, 403, "credentials-required"),
        ({"portrait": "0" * 24}, 404, "no-such-portrait"),
        ({"portrait": "../../alice"}, 422, "bad-request"),
    ],
)
def test_what_cannot_be_done_is_refused_before_it_waits(
    alice: Speaker, data: dict[str, str], status: int, code: str
) -> None:
    refused(alice.post("/v1/jobs", {"portrait": alice.portrait, **data}, audio=alice.voice), status, code)


def test_a_sound_that_is_none_or_too_long_is_refused(alice: Speaker, tmp_path: Path) -> None:
    refused(alice.post("/v1/jobs", {"portrait": alice.portrait}, audio=b"no sound"), 422, "unknown-format")
    write_sound(tmp_path / "long.wav", hum(1.2))
    long = alice.post("/v1/jobs", {"portrait": alice.portrait}, audio=tmp_path / "long.wav")
    refused(long, 413, "sound-too-long")


def test_cancelling_stops_what_runs_within_seconds_and_what_waits_at_once(alice: Speaker, tmp_path: Path) -> None:
    write_sound(tmp_path / "second.wav", hum(1.0))
    runs, waits = (alice.submit(tmp_path / "second.wav", fps="240", size=1024)["id"] for _ in range(2))
    while alice.job(runs)["state"] == "queued":
        time.sleep(0.05)
    assert alice.ask("POST", f"/v1/jobs/{waits}/cancel").json()["state"] == "cancelled"
    refused(alice.ask("DELETE", f"/v1/jobs/{runs}"), 409, "job-active")
    streams = [alice.get(f"/v1/jobs/{runs}/events", stream=True) for _ in range(4)]
    assert [one.status_code for one in streams] == [200] * 4
    too_many = alice.get(f"/v1/jobs/{runs}/events")
    refused(too_many, 429, "no-place")
    assert too_many.headers["Retry-After"] == "10"
    began = time.monotonic()
    alice.ask("POST", f"/v1/jobs/{runs}/cancel")
    assert all(b"event: cancelled" in one.content for one in streams)
    assert alice.ended(runs, 15)["state"] == "cancelled"
    assert time.monotonic() - began < 10
    refused(alice.get(f"/v1/jobs/{runs}/result"), 409, "no-result")
    assert alice.ended(alice.submit()["id"])["state"] == "done"  # the worker goes on


def test_a_user_who_submits_too_much_is_told_when_to_try_again(bob: Speaker) -> None:
    jobs = [bob.submit(fps="240", size=1024)["id"] for _ in range(3)]
    answer = bob.post("/v1/jobs", {"portrait": bob.portrait}, audio=bob.voice)
    refused(answer, 429, "too-many-jobs")
    assert int(answer.headers["Retry-After"]) > 0
    for number in reversed(jobs):
        bob.ask("POST", f"/v1/jobs/{number}/cancel")
        bob.ended(number)
        assert bob.ask("DELETE", f"/v1/jobs/{number}").status_code == 204
    assert bob.get("/v1/jobs").json() == []
