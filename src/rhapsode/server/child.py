"""A process of the server's own that does what a stranger's file might spoil: messages to it and from it are lines.

A fresh interpreter, not a fork: threads and locks of the server are none of its. Lines are JSON, so that nothing that
comes from it is trusted to be code. It ends when the server does.
"""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, TextIO

Message = dict[str, Any]


class Child:
    """A process, seen from the server."""

    def __init__(self, module: str, *words: str, environment: Mapping[str, str] | None = None) -> None:
        """Start `python -m module words...`."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", module, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**os.environ, **(environment or {})},
        )
        self._messages: queue.SimpleQueue[Message | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True, name=f"{module} {self._process.pid}").start()

    @property
    def pid(self) -> int:
        """Give the number of the process."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Tell whether the process goes on."""
        return self._process.poll() is None

    def send(self, message: Message) -> None:
        """Send a message; one that is gone does not get it."""
        assert self._process.stdin is not None
        with suppress(BrokenPipeError, ValueError):
            self._process.stdin.write(json.dumps(message) + "\n")
            self._process.stdin.flush()

    def receive(self, seconds: float) -> Message | None:
        """Wait for a message.

        Returns:
            The message; None where the process has ended.

        Raises:
            TimeoutError: none came.
        """
        try:
            return self._messages.get(timeout=seconds)
        except queue.Empty:
            raise TimeoutError from None

    def kill(self) -> None:
        """End the process at once."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with suppress(ValueError, OSError):  # closed meanwhile
            for line in self._process.stdout:
                with suppress(ValueError):
                    self._messages.put(json.loads(line))
        self._messages.put(None)


def claim_output() -> TextIO:
    """Take standard output for messages, in the process; whatever else prints, prints to standard error."""
    messages = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return messages


def send(to: TextIO, message: Message) -> None:
    """Send a message to the server; where it is gone, so is the reason to be here."""
    try:
        to.write(json.dumps(message) + "\n")
        to.flush()
    except BrokenPipeError:
        os._exit(1)


def received() -> Iterator[Message]:
    """Give the messages of the server, until it ends."""
    for line in sys.stdin:
        yield json.loads(line)


def limit(memory: int | None = None, seconds: int | None = None) -> None:
    """Hold this process to some memory (bytes of address space) and time of the processor, where the system can."""
    try:
        import resource
    except ImportError:  # Windows: the server's own clock ends the process
        return
    for kind, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, seconds), (resource.RLIMIT_CORE, 0)):
        if most is not None:
            _, hard = resource.getrlimit(kind)
            lower = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(kind, (lower, lower))
