"""The meshes of films and stills that expressions are learnt from, tracked once and kept."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file, save

from rhapsode.data.clips import Clip
from rhapsode.data.corpora import read_source
from rhapsode.data.stills import read_stills
from rhapsode.errors import DataError, PortraitError, VideoError
from rhapsode.face.mesh import MESH_POINTS
from rhapsode.face.tracker import TRACKER_VERSION, FaceTracker
from rhapsode.files import atomic_write
from rhapsode.media.picture import load_picture
from rhapsode.media.reader import is_video, read_frames
from rhapsode.progress import Progress, no_progress


@dataclass(frozen=True)
class Meshes:
    """Hold the meshes of one film, or of one still.

    Attributes:
        clip: the recording; of a still, the style is the expression, where it is told.
        meshes: (T, 478, 3) float32, image pixels; the frames without a face are left out.
    """

    clip: Clip
    meshes: np.ndarray


def read_meshes(data: Path, faces: Path | None, store: Path, progress: Progress = no_progress) -> list[Meshes]:
    """Track every film of a folder and every still of another.

    Args:
        data: folder of recordings, as `read_source` understands.
        faces: folder with `faces.csv`; None for no stills.
        store: keeps what was tracked, by the content of each file.
        progress: watches the stage `faces`.

    Raises:
        DataError: a folder is of no known layout, a still of the list is missing, or no face was found.
    """
    clips = [*read_source(data), *([] if faces is None else read_stills(faces))]
    found = []
    with FaceTracker() as tracker:
        for number, clip in enumerate(clips, 1):
            meshes = _meshes(clip.path, store, tracker)
            if len(meshes):
                found.append(Meshes(clip, meshes))
            progress("faces", number, len(clips))
    if not found:
        raise DataError(f"{data}: shows no face", "name a folder of people who speak", "no-clips")
    return found


def _meshes(path: Path, store: Path, tracker: FaceTracker) -> np.ndarray:
    digest = hashlib.blake2b(path.read_bytes(), digest_size=16, person=TRACKER_VERSION.encode()).hexdigest()
    kept = store / f"{digest}.safetensors"
    if not kept.is_file():
        found = np.array(list(_track(path, tracker)), np.float32).reshape(-1, MESH_POINTS, 3)
        atomic_write(kept, save({"meshes": found}))
    return load_file(kept)["meshes"]


def _track(path: Path, tracker: FaceTracker) -> Iterator[np.ndarray]:
    try:
        if is_video(path):
            yield from (face.mesh for face in tracker.track(frame for _, frame in read_frames(path)) if face)
        else:
            yield from (face.mesh for face in tracker.detect(load_picture(path))[:1])
    except (VideoError, PortraitError) as error:
        raise DataError(f"{path}: cannot be read ({error.message})", "restore it or remove its row") from error
