"""A cache on disk of what was found in pictures, keyed by the picture's content and the version of what finds it.

Reading a face from the cache takes two milliseconds; finding it takes a tenth of a second, mostly to load the networks,
and up to a second where it is small or turned.
"""

import contextlib
import hashlib
import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from types import TracebackType

import cv2
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from rhapsode.face.crop import Region
from rhapsode.face.mesh import MESH_POINTS
from rhapsode.face.tracker import TRACKER_VERSION, Face, FaceTracker
from rhapsode.files import atomic_write
from rhapsode.places import user_folder

_log = logging.getLogger(__name__)

#: Number of files in a cache, at most; the least recently used are deleted. A picture has three, 0.1 to 2 MB together.
MAX_FILES = 1000
_SUFFIX = ".safetensors"

#: Makes arrays of a picture, by their names.
Find = Callable[[], dict[str, np.ndarray]]
#: Gives arrays that belong to a picture, as `CachedTracker.kept`.
Keep = Callable[[str, np.ndarray, Find], dict[str, np.ndarray]]


def never_kept(what: str, image: np.ndarray, find: Find) -> dict[str, np.ndarray]:
    """Make arrays anew, where nothing is cached; as `CachedTracker.kept`."""
    return find()


def cache_folder() -> Path | None:
    """Give the folder named by the environment variable RHAPSODE_CACHE, or that of the user's caches.

    Returns:
        None where RHAPSODE_CACHE is "off", or there is no home folder.
    """
    named = os.environ.get("RHAPSODE_CACHE", "")
    folder = None if named == "off" else Path(named) if named else user_folder("cache")
    return None if folder is None else folder / "faces"


class CachedTracker:
    """Finds faces and people in still pictures as `FaceTracker` does, but only once a picture. A context manager.

    A folder that cannot be read or written is no error: then nothing is cached. Processes may share a folder.
    """

    def __init__(
        self,
        folder: Path | None = None,
        version: str = TRACKER_VERSION,
        make_tracker: Callable[[], FaceTracker] = FaceTracker,
        max_files: int = MAX_FILES,
    ) -> None:
        """Cache in a folder, made when it is needed.

        Args:
            folder: where; `cache_folder()` where None.
            version: names the tracker: what another version found is not used.
            make_tracker: makes the tracker, when a picture is not in the cache.
            max_files: number of files that are kept.
        """
        self._folder = folder or cache_folder()
        self._version = version
        self._make_tracker = make_tracker
        self._max_files = max_files
        self._opened = contextlib.ExitStack()

    def __enter__(self) -> "CachedTracker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._opened.close()

    def detect(self, image: np.ndarray) -> list[Face]:
        """Find every face in a picture, largest first.

        Args:
            image: (H, W, 3) uint8 RGB.
        """
        return self._faces("faces", image, lambda: self._tracker.detect(image))

    def detect_in_larger(self, image: np.ndarray, larger: np.ndarray) -> list[Face]:
        """Find small faces, as `FaceTracker.detect_in_larger`."""
        return self._faces("small", larger, lambda: self._tracker.detect_in_larger(image, larger))

    def person_mask(self, image: np.ndarray) -> np.ndarray:
        """Find how surely each pixel belongs to a person.

        Args:
            image: (H, W, 3) uint8 RGB.

        Returns:
            (H, W) float32 in [0, 1], in steps of 1/255.
        """

        def find() -> dict[str, np.ndarray]:
            mask = np.rint(255 * self._tracker.person_mask(image)).astype(np.uint8)
            return {"png": np.asarray(cv2.imencode(".png", mask)[1]).ravel()}

        png = self._cached("person", image, find)["png"]
        return cv2.imdecode(png, cv2.IMREAD_GRAYSCALE).astype(np.float32) / 255

    def kept(self, what: str, image: np.ndarray, find: Find) -> dict[str, np.ndarray]:
        """Give arrays that belong to a picture.

        Args:
            what: they are, and of which version; part of a file's name.
            image: (H, W, 3) uint8 RGB.
            find: makes them, when they are not in the cache.
        """
        return self._cached(what, image, find)

    def faces_at(self, image: np.ndarray, regions: Sequence[Region]) -> list[Face]:
        """Measure the face in each of several regions, as `FaceTracker.faces_at`; nothing is cached."""
        return self._tracker.faces_at(image, regions)

    def track(self, frames: Iterable[np.ndarray]) -> Iterator[Face | None]:
        """Find the face of each frame of a video, as `FaceTracker.track`; nothing is cached."""
        return self._tracker.track(frames)

    def _faces(self, what: str, image: np.ndarray, search: Callable[[], list[Face]]) -> list[Face]:
        def find() -> dict[str, np.ndarray]:
            found = search()
            meshes = np.array([face.mesh for face in found], np.float32).reshape(-1, MESH_POINTS, 3)
            return {"meshes": meshes, "scores": np.array([face.score for face in found], np.float32)}

        cached = self._cached(what, image, find)
        return [Face(mesh, float(score)) for mesh, score in zip(cached["meshes"], cached["scores"], strict=True)]

    @cached_property
    def _tracker(self) -> FaceTracker:
        return self._opened.enter_context(self._make_tracker())

    def _cached(self, what: str, image: np.ndarray, find: Find) -> dict[str, np.ndarray]:
        """Read arrays from the cache; find and store them where they are missing or damaged."""
        if self._folder is None:
            return find()
        path = self._folder / f"{_key(image, self._version)}-{what}{_SUFFIX}"
        with contextlib.suppress(OSError, SafetensorError):
            known = load_file(path)
            os.utime(path)
            return known
        found = find()
        try:
            # Faces are private: only their owner may look into the folder.
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            atomic_write(path, save({name: np.ascontiguousarray(values) for name, values in found.items()}))
            _delete_oldest(self._folder, self._max_files)
        except OSError as error:
            _log.debug("%s: not cached: %s", path, error)
        return found


def _key(image: np.ndarray, version: str) -> str:
    """Name a picture by its content, and by the tracker."""
    digest = hashlib.blake2b(np.ascontiguousarray(image).data, digest_size=16)
    digest.update(f"{image.shape} {version}".encode())
    return digest.hexdigest()


def _delete_oldest(folder: Path, keep: int) -> None:
    """Delete the least recently used files of a cache beyond a number of them."""
    cached = list(folder.glob(f"*{_SUFFIX}"))
    if len(cached) > keep:
        for old in sorted(cached, key=lambda one: one.stat().st_mtime)[: len(cached) - keep]:
            old.unlink(missing_ok=True)
