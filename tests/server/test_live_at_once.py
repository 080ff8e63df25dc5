"""Several live sessions at once: each gets its share, and the server still answers."""

import json
import statistics
import threading
import time
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.bench import hello
from tests.server.conftest import LIMITS, running
from tests.server.speaking import Speaker

from rhapsode.server.settings import Settings

client: Any = pytest.importorskip("websockets.sync.client")
exceptions: Any = pytest.importorskip("websockets.exceptions")

SESSIONS = 4


def take(socket: Any, frames: list[float]) -> None:
    """Note when each frame comes, until the socket closes."""
    with suppress(exceptions.ConnectionClosed):
        frames.extend(time.monotonic() for message in socket if isinstance(message, bytes))


def test_while_four_sessions_draw_the_server_answers_at_once_and_none_starves(
    settings: Settings, picture: Path, voice: Path
) -> None:
    limits = replace(LIMITS, live=SESSIONS, live_each=SESSIONS)
    with contextmanager(running)(replace(settings, limits=limits)) as address, ExitStack() as stack:
        speaker = stack.enter_context(Speaker(address, "", picture, voice))
        start = json.dumps({"type": "start", "portrait": speaker.portrait})
        sound = (
            (np.tile(hello(), 40) * 32767).astype("<i2").tobytes()
        )  # all of it at once, to be drawn as fast as may be
        came: list[list[float]] = [[] for _ in range(SESSIONS)]
        for frames in came:
            socket = stack.enter_context(client.connect(address.replace("http", "ws") + "/v1/live", max_size=None))
            socket.send(start)
            assert json.loads(socket.recv(timeout=60))["type"] == "ready"
            socket.send(sound)
            threading.Thread(target=take, args=(socket, frames), daemon=True).start()
        until = time.monotonic() + 60
        while not all(came):
            assert time.monotonic() < until
            time.sleep(0.02)
        took: list[float] = []
        began = time.monotonic()
        while len(took) < 15 or time.monotonic() < began + 1.5:
            asked = time.monotonic()
            assert speaker.get("/health").ok
            took.append(time.monotonic() - asked)
        counts = [sum(began < moment for moment in frames) for frames in came]
        assert "rhapsode_live_sessions 4.0" in speaker.get("/metrics").text
    assert statistics.median(took) < 0.2
    assert min(counts) > 0.3 * max(counts) > 0


def test_a_page_is_told_that_no_place_is_left(alice: Speaker) -> None:
    address = alice.address.replace("http", "ws") + "/v1/live"
    protocols = ["rhapsode", f"token.{alice.token}"]
    with client.connect(address, subprotocols=protocols), client.connect(address, subprotocols=protocols) as second:
        assert json.loads(second.recv(timeout=10))["code"] == "no-place"
        with pytest.raises(exceptions.ConnectionClosed) as closed:
            second.recv(timeout=10)
        assert closed.value.rcvd.code == 1013
