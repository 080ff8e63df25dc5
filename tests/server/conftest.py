"""A server that runs, and the way to speak to it; and a real PostgreSQL where there is one."""

import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from tests.bench import hum, write_sound
from tests.server.speaking import Speaker

from rhapsode.server.settings import Limits, Settings

ALICE, BOB = "alice-0123456789-0123456789", "bob-0123456789-0123456789"
LIMITS = Limits(upload_bytes=2_000_000, sound_seconds=1.0, queued_each=3, live_each=1, watching=4, free_bytes=0)


@pytest.fixture(scope="session")
def picture(astronaut: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A face of 128 px, in a JPEG that says where it was taken."""
    path = tmp_path_factory.mktemp("picture") / "me.jpg"
    exif = Image.Exif()
    exif[0x010E] = "at home"
    Image.fromarray(astronaut[:256, 96:352]).resize((128, 128)).save(path, exif=exif, quality=95)
    return path


@pytest.fixture(scope="session")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("voice") / "voice.wav"
    write_sound(path, hum(0.3))
    return path


def running(settings: Settings) -> Iterator[str]:
    """Serve in a thread; gives the address."""
    for name in ("fastapi", "sqlalchemy", "prometheus_client"):
        pytest.importorskip(name, reason="needs the extra [serve]")
    uvicorn = pytest.importorskip("uvicorn", reason="needs the extra [serve]")
    from rhapsode.server.app import create_app

    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    config = uvicorn.Config(create_app(settings), port=port, log_level="error", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server with two users and one worker."""
    folder = tmp_path_factory.mktemp("server")
    tokens = (("alice", ALICE), ("bob", BOB))
    yield from running(Settings(folder, tokens=tokens, workers=1, threads=1, limits=LIMITS))


@pytest.fixture(scope="session")
def alice(address: str, picture: Path, voice: Path) -> Iterator[Speaker]:
    with Speaker(address, ALICE, picture, voice) as speaker:
        yield speaker


@pytest.fixture(scope="session")
def bob(address: str, picture: Path, voice: Path) -> Iterator[Speaker]:
    with Speaker(address, BOB, picture, voice) as speaker:
        yield speaker


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a database of a real PostgreSQL, started for the tests."""
    pytest.importorskip("psycopg", reason="needs the extra [postgres]")
    found = [*Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    initdb = str(found[-1]) if found else shutil.which("initdb")
    if initdb is None:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    # It refuses to be run by root, and pytest's own folders are closed to others.
    root = os.geteuid() == 0
    how: dict[str, Any] = {"user": "nobody"} if root else {}
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        folder = Path(name)
        if root:
            shutil.chown(folder, "nobody")
        options = ["--auth=trust", "--username=rhapsode", "--no-sync", "--encoding=UTF8", "--locale=C"]
        subprocess.run([initdb, "-D", folder / "data", *options], check=True, capture_output=True, cwd="/", **how)
        server = subprocess.Popen(
            [Path(initdb).with_name("postgres"), "-D", folder / "data", "-k", folder, "-h", "", "-F"],
            stderr=subprocess.DEVNULL,
            cwd="/",
            **how,
        )
        try:
            until = time.monotonic() + 20
            while not [*folder.glob(".s.PGSQL.5432")] and time.monotonic() < until:
                time.sleep(0.05)
            yield f"postgresql://rhapsode@/postgres?host={folder}"
        finally:
            server.terminate()
            server.wait()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return replace(Settings(tmp_path / "data"), workers=1, threads=1, limits=LIMITS)
