"""Uploads are decoded in a process of their own (`decode`), a few at a time, with limits of time and memory."""

import threading
from pathlib import Path
from typing import Any

from rhapsode.server.child import Child
from rhapsode.server.faults import RequestError, status_of
from rhapsode.server.settings import Settings

_PATIENCE = 20.0


class Decoder:
    """Look into uploads."""

    def __init__(self, settings: Settings, faces: Path) -> None:
        """Begin; `faces` is the folder in which faces that were found are kept, so that a job finds them sooner."""
        self._limits, self._model = settings.limits, settings.model
        self._environment = {"RHAPSODE_CACHE": str(faces), "OMP_NUM_THREADS": "1", "PYTHONWARNINGS": "ignore"}
        self._places = threading.BoundedSemaphore(settings.limits.decoding)

    def decode(self, kind: str, source: Path, target: Path, **most: Any) -> dict[str, Any]:
        """Decode an upload, which is removed.

        Args:
            kind: one of `decode.KINDS`.
            source: the upload.
            target: the file to write, or the folder of a style.
            **most: what the kind takes.

        Returns:
            What was found, and the library's warnings under `warnings`.

        Raises:
            RequestError: what the library says, 413 where a limit was reached, 429 where too many are
                being decoded.
        """
        try:
            if not self._places.acquire(timeout=_PATIENCE):
                raise RequestError(429, "busy", "too many uploads are being looked at", "try again", 10)
            try:
                return self._answer(kind, source, target, most)
            finally:
                self._places.release()
        finally:
            source.unlink(missing_ok=True)

    def _answer(self, kind: str, source: Path, target: Path, most: dict[str, Any]) -> dict[str, Any]:
        seconds = self._limits.decode_seconds
        child = Child("rhapsode.server.decode", environment=self._environment)
        try:
            child.send(
                {
                    "kind": kind,
                    "source": str(source),
                    "target": str(target),
                    "most": {"model": self._model, **most},
                    "memory": self._limits.decode_bytes,
                    "seconds": int(seconds) + 1,
                }
            )
            answer = child.receive(seconds)
        except TimeoutError:
            answer = None
        finally:
            child.kill()
        if answer is None:
            raise RequestError(413, "too-much", "the upload takes too much time or memory", "send a smaller one")
        if "error" in answer:
            error = answer["error"]
            raise RequestError(status_of(error["code"]), error["code"], error["message"], error["remedy"])
        return {**answer["found"], "warnings": answer["warnings"]}
