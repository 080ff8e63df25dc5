"""Put the server under load, and kill it: is anything lost, is memory flat, do owners take turns?

    python benchmarks/server.py load --jobs 50
    python benchmarks/server.py kills --times 20 --jobs 40
    python benchmarks/server.py kills --times 20 --jobs 25 --seconds 10

Each starts `rhapsode serve` on a free port with a folder of its own, submits small jobs (128 px, 0.3 s of sound or as
long as is asked for), checks every result by its hash, and prints one line of JSON. Needs `rhapsode[serve]`; memory is
read from /proc.
"""

import argparse
import hashlib
import json
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import requests
import scipy.io.wavfile
from PIL import Image

from rhapsode.tools.example import example_picture

USERS = {"alice": "alice-0123456789-0123456789", "bob": "bob-0123456789-0123456789"}
_START = """
import sys
from pathlib import Path
from rhapsode.server.serve import serve
from rhapsode.server.settings import Settings

folder, port, workers, tokens = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:]
settings = Settings(folder, tokens=tuple(zip(tokens[::2], tokens[1::2])), workers=workers, threads=1, lease_seconds=3)
serve(settings, "127.0.0.1", port, quiet=True)
"""


class Served:
    """A server in a process, and its users."""

    def __init__(self, folder: Path, workers: int) -> None:
        with socket.socket() as found:
            found.bind(("127.0.0.1", 0))
            self.port = found.getsockname()[1]
        self.folder, self.workers = folder, workers
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        words = [str(self.folder / "data"), str(self.port), str(self.workers)]
        words += [one for user in USERS.items() for one in user]
        self.process = subprocess.Popen([sys.executable, "-c", _START, *words])
        until = time.monotonic() + 120
        while time.monotonic() < until:
            assert self.process.poll() is None, "the server ended"
            with suppress(requests.ConnectionError):
                if requests.get(f"http://127.0.0.1:{self.port}/health", timeout=10).ok:
                    return
            time.sleep(0.1)
        raise TimeoutError("the server does not answer")

    def kill(self) -> None:
        """`kill -9`; its workers have to end by themselves."""
        assert self.process is not None
        children = family(self.process.pid)[1:]
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        until = time.monotonic() + 10
        while any(Path(f"/proc/{child}/cmdline").exists() and _runs(child) for child in children):
            assert time.monotonic() < until, "a worker outlives its server"
            time.sleep(0.05)

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)

    def ask(self, user: str, method: str, path: str, **how: Any) -> requests.Response:
        """Ask, and ask again where the server says so."""
        url, headers = f"http://127.0.0.1:{self.port}{path}", {"Authorization": f"Bearer {USERS[user]}"}
        while True:
            answer = requests.request(method, url, headers=headers, timeout=120, **how)
            if answer.status_code != 429:
                return answer
            time.sleep(min(2.0, float(answer.headers["Retry-After"])))

    def portrait(self, user: str) -> str:
        with (self.folder / "face.png").open("rb") as file:
            answer = self.ask(user, "POST", "/v1/portraits", files={"picture": file})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    def submit(self, user: str, portrait: str) -> str:
        data = (self.folder / "voice.wav").read_bytes()
        answer = self.ask(user, "POST", "/v1/jobs", data={"portrait": portrait}, files={"audio": data})
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    def jobs(self, user: str) -> dict[str, dict[str, Any]]:
        return {job["id"]: job for job in self.ask(user, "GET", "/v1/jobs?limit=500").json()}

    def check_result(self, user: str, job: dict[str, Any]) -> None:
        """A result is the one that was made, whole; before it is done there is none."""
        answer = self.ask(user, "GET", f"/v1/jobs/{job['id']}/result")
        if answer.status_code == 409 and job["state"] != "done":
            return
        assert answer.status_code == 200, answer.text
        made = job["result"] or self.ask(user, "GET", f"/v1/jobs/{job['id']}").json()["result"]
        assert hashlib.sha256(answer.content).hexdigest() == made["sha256"], "a result is not what was made"


def _runs(process: int) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    return False


def family(process: int) -> list[int]:
    """A process and all that it started, by their numbers."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            parents[int(stat.parent.name)] = int(stat.read_text().rsplit(")", 1)[1].split()[1])
    found = [process]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def memory_mb(process: int) -> float:
    """What a process and all that it started hold, shared pages once a process, MB."""
    pages = 0
    for one in family(process):
        with suppress(FileNotFoundError, ProcessLookupError):
            pages += int(Path(f"/proc/{one}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def make_inputs(folder: Path, seconds: float = 0.3) -> None:
    Image.fromarray(example_picture()[:256, 96:352]).resize((128, 128)).save(folder / "face.png")
    hum = 0.3 * np.sin(2 * np.pi * 150 * np.arange(round(16_000 * seconds)) / 16_000)
    scipy.io.wavfile.write(folder / "voice.wav", 16_000, (32767 * hum).astype(np.int16))


def load(folder: Path, jobs: int, workers: int) -> dict[str, Any]:
    """Submit jobs at once: four fifths by one user, the rest by another who comes when all of those wait."""
    served = Served(folder, workers)
    served.start()
    assert served.process is not None
    try:
        portraits = {user: served.portrait(user) for user in USERS}
        memory, stop = [], threading.Event()

        def watch() -> None:
            while not stop.wait(1.0):
                memory.append(memory_mb(served.process.pid))  # type: ignore[union-attr]

        watcher = threading.Thread(target=watch)
        watcher.start()
        began = time.monotonic()
        few = max(1, jobs // 5)
        with ThreadPoolExecutor(8) as pool:
            submitted = {"alice": [*pool.map(lambda _: served.submit("alice", portraits["alice"]), range(jobs - few))]}
            submitted["bob"] = [*pool.map(lambda _: served.submit("bob", portraits["bob"]), range(few))]
        taken = time.monotonic() - began
        while True:
            seen = {user: served.jobs(user) for user in USERS}
            if all(job["state"] not in ("queued", "running") for jobs_ in seen.values() for job in jobs_.values()):
                break
            time.sleep(1)
        seconds = time.monotonic() - began
        stop.set()
        watcher.join()
        assert {user: sorted(found) for user, found in seen.items()} == {u: sorted(n) for u, n in submitted.items()}
        for user, found in seen.items():
            for job in found.values():
                served.check_result(user, job)
        every = sorted((job["started"], user, job["state"]) for user, found in seen.items() for job in found.values())
        last = [user for _, user, _ in every].index("bob")
        third = max(1, len(memory) // 3)
        thirds = (memory[:third], memory[third:-third] or memory, memory[-third:])
        return {
            "jobs": jobs,
            "workers": workers,
            "states": Counter(state for _, _, state in every),
            "submitted_s": round(taken, 1),
            "all_done_s": round(seconds, 1),
            "order_since_bob": "".join(user[0] for _, user, _ in every[last:]),
            "memory_mb": [round(max(part)) for part in thirds],
        }
    finally:
        served.stop()


def kills(folder: Path, jobs: int, times: int, workers: int, longest: float = 10.0) -> dict[str, Any]:
    """Kill the server at random moments; before and after each, check all that was done."""
    rng, served = random.Random(0), Served(folder, workers)
    served.start()
    try:
        portrait = served.portrait("alice")
        numbers = [served.submit("alice", portrait) for _ in range(jobs)]
        done: dict[str, str] = {}
        checked = 0
        for _ in range(times):
            until = time.monotonic() + rng.uniform(0.2, longest)
            while time.monotonic() < until:
                for number, job in served.jobs("alice").items():
                    if job["state"] == "done":
                        assert done.setdefault(number, job["result"]["sha256"]) == job["result"]["sha256"]
                    if time.monotonic() < until:
                        served.check_result("alice", job)
                        checked += 1
            served.kill()
            served.start()
            found = served.jobs("alice")
            assert sorted(found) == sorted(numbers), "a job is lost"
            for number in done:
                assert found[number]["state"] == "done", "a finished job is lost"
                served.check_result("alice", found[number])
                checked += 1
        while any(job["state"] in ("queued", "running") for job in served.jobs("alice").values()):
            time.sleep(0.5)
        last = served.jobs("alice")
        for job in last.values():
            served.check_result("alice", job)
            assert job["state"] == "done" or job["error"]["code"] == "interrupted", job
        kept = [path for path in (folder / "data" / "owners").glob("*/results/*") if not path.name.startswith(".")]
        return {
            "kills": times,
            "jobs": jobs,
            "states": Counter(job["state"] for job in last.values()),
            "begun_and_done": Counter(job["attempts"] for job in last.values() if job["state"] == "done"),
            "done_before_the_last_kill": len(done),
            "results_checked": checked,
            "result_files": len(kept),
        }
    finally:
        served.stop()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["load", "kills"])
    parser.add_argument("--jobs", type=int, default=50)
    parser.add_argument("--times", type=int, default=20)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=0.3, help="of sound")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_inputs(folder, asked.seconds)
        if asked.what == "load":
            print(json.dumps(load(folder, asked.jobs, asked.workers)))
        else:
            print(json.dumps(kills(folder, asked.jobs, asked.times, asked.workers)))


if __name__ == "__main__":
    main()
