"""One user of a server."""

import json
import time
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import requests


class Speaker:
    """Speaks to a server as one user."""

    def __init__(self, address: str, token: str, picture: Path, voice: Path) -> None:
        self.address, self.picture, self.voice = address, picture, voice
        self.session = requests.Session()
        self.token = token
        if token:
            self.session.headers["Authorization"] = f"Bearer {token}"

    def __enter__(self) -> "Speaker":
        return self

    def __exit__(self, *error: object) -> None:
        self.session.close()

    def ask(self, method: str, path: str, **how: Any) -> requests.Response:
        return self.session.request(method, f"{self.address}{path}", timeout=60, **how)

    def get(self, path: str, **how: Any) -> requests.Response:
        return self.ask("GET", path, **how)

    def post(self, path: str, data: dict[str, Any] | None = None, **files: Path | bytes) -> requests.Response:
        held = {name: (name, one if isinstance(one, bytes) else one.read_bytes()) for name, one in files.items()}
        return self.ask("POST", path, data=data or {}, files=held or None)

    @cached_property
    def portrait(self) -> str:
        """The id of a portrait."""
        answer = self.post("/v1/portraits", {"name": "me"}, picture=self.picture)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def submit(self, voice: Path | None = None, **data: Any) -> dict[str, Any]:
        answer = self.post("/v1/jobs", {"portrait": self.portrait, **data}, audio=voice or self.voice)
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    def job(self, number: str) -> dict[str, Any]:
        return dict(self.get(f"/v1/jobs/{number}").json())

    def events(self, number: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """The events of a job, each with its name."""
        with self.get(f"/v1/jobs/{number}/events", stream=True) as answer:
            assert answer.status_code == 200, answer.text
            name = ""
            for data in answer.iter_lines(chunk_size=1):
                line = data.decode()
                if line.startswith("event: "):
                    name = line.removeprefix("event: ")
                elif line.startswith("data: "):
                    yield name, json.loads(line.removeprefix("data: "))

    def ended(self, number: str, seconds: float = 60) -> dict[str, Any]:
        """The job when it is over."""
        until = time.monotonic() + seconds
        while (job := self.job(number))["state"] in ("queued", "running"):
            assert time.monotonic() < until, job
            time.sleep(0.1)
        return job


def refused(answer: requests.Response, status: int, code: str) -> dict[str, str]:
    """One error in words, without a path of the server in it."""
    assert answer.status_code == status, answer.text
    error = dict(answer.json()["error"])
    assert error["code"] == code
    assert "/tmp" not in error["message"] + error["remedy"]
    return error
