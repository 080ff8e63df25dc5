"""What was found in a picture, kept on disk by the picture's content, so that a portrait is measured only once.

A face found again in a file takes two milliseconds; finding it takes a second, most of it to load what finds faces.
"""

import contextlib
import hashlib
import logging
import os
import tempfile
from collections.abc import Callable
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np
import platformdirs
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from rhapsode.face.tracker import Face, FaceTracker

_log = logging.getLogger(__name__)

#: Files that are kept; the longest unused go first. A picture has two of them, 20 to 100 kB together.
_MOST = 1000
_SUFFIX = ".safetensors"


def cache_folder() -> Path | None:
    """Where faces are kept: what RHAPSODE_CACHE names, by default the user's cache; None where it is "off"."""
    named = os.environ.get("RHAPSODE_CACHE", "")
    if named == "off":
        return None
    return (Path(named) if named else platformdirs.user_cache_path("rhapsode", appauthor=False)) / "faces"


class CachedTracker:
    """Finds faces and people in still pictures as `FaceTracker` does, which it asks only about pictures it never saw.

    A folder that cannot be read or written is no error: then all is found anew.
    """

    def __init__(self, folder: Path | None = None) -> None:
        """Remember in a folder, made when it is needed; `cache_folder()` where None."""
        self._folder = folder or cache_folder()
        self._opened = contextlib.ExitStack()

    def __enter__(self) -> "CachedTracker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def detect(self, image: np.ndarray) -> list[Face]:
        """Every face found in a picture, (H, W, 3) uint8 RGB, largest first."""

        def find() -> np.ndarray:
            found = [face.mesh for face in self._tracker.detect(image)]
            return np.stack(found) if found else np.zeros((0, 478, 3), np.float32)

        return [Face(mesh) for mesh in self._remembered("faces", image, find)]

    def person_mask(self, image: np.ndarray) -> np.ndarray:
        """How surely each pixel belongs to a person, (H, W) float32 in [0, 1], in steps of 1/255."""

        def find() -> np.ndarray:
            mask = np.rint(255 * self._tracker.person_mask(image)).astype(np.uint8)
            return np.asarray(cv2.imencode(".png", mask)[1]).ravel()

        png = self._remembered("person", image, find)
        return cv2.imdecode(png, cv2.IMREAD_GRAYSCALE).astype(np.float32) / 255

    @cached_property
    def _tracker(self) -> FaceTracker:
        return self._opened.enter_context(FaceTracker())

    def _remembered(self, what: str, image: np.ndarray, find: Callable[[], np.ndarray]) -> np.ndarray:
        if self._folder is None:
            return find()
        path = self._folder / f"{_key(image)}-{what}{_SUFFIX}"
        with contextlib.suppress(OSError, SafetensorError, KeyError):
            known = load_file(path)[what]
            os.utime(path)
            return known
        found = find()
        try:
            _keep(path, save({what: np.ascontiguousarray(found)}))
        except OSError as error:
            _log.debug("%s: not kept: %s", path, error)
        return found


def _key(image: np.ndarray) -> str:
    """Names a picture by its content, and by what looks at it."""
    digest = hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16)
    digest.update(f"{image.shape} mediapipe {version('mediapipe')}".encode())
    return digest.hexdigest()


def _keep(path: Path, content: bytes) -> None:
    """Write a file whole or not at all; only its owner may read it. Those that are too many go."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    kept = list(path.parent.glob(f"*{_SUFFIX}"))
    if len(kept) > _MOST:
        for old in sorted(kept, key=lambda one: one.stat().st_mtime)[: len(kept) - _MOST]:
            old.unlink(missing_ok=True)
