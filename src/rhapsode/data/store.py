"""Prepared clips: landmarks and sound of each clip, tracked once and kept as one safetensors file a clip."""

import logging
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from rhapsode.audio.waveform import SAMPLE_RATE, load_waveform, normalise_loudness
from rhapsode.data.clips import Clip
from rhapsode.face.tracker import FaceTracker
from rhapsode.video.reader import read_frames

_log = logging.getLogger(__name__)

#: Raised when what a prepared file holds changes, so that old files are made anew.
_FORMAT = 1


@dataclass(frozen=True)
class PreparedClip:
    """What training needs of one clip.

    Attributes:
        clip: where it comes from.
        times: (T,) float64, seconds; the clock of the sound.
        landmarks: (T, 68, 3) float32, image pixels, only frames in which a face was found.
        samples: (N,) float32, sound at 16 kHz, loudness normalised.
    """

    clip: Clip
    times: np.ndarray
    landmarks: np.ndarray
    samples: np.ndarray


def prepare(
    clips: Sequence[Clip], store: Path, progress: Callable[[int, int], None] | None = None, workers: int = 2
) -> list[PreparedClip]:
    """Track every clip that is not yet in the store, then load them all.

    A clip in which fewer than nine frames in ten show a face is left out, with a warning that names it.

    Args:
        clips: what to prepare.
        store: a folder, made where missing; one file a clip, so an interrupted run goes on where it stopped.
        progress: called with (clips done, clips in all).
        workers: processes that track side by side.
    """
    store.mkdir(parents=True, exist_ok=True)
    missing = [clip for clip in clips if not _is_prepared(_path(store, clip))]
    # Processes are spawned: a fork would inherit the tracker's native threads in an unusable state.
    with ProcessPoolExecutor(max_workers=workers, mp_context=get_context("spawn")) as pool:
        for done, _ in enumerate(pool.map(_prepare_one, missing, [store] * len(missing)), start=1):
            if progress:
                progress(done, len(missing))
    prepared = [_load(store, clip) for clip in clips]
    return [clip for clip in prepared if clip is not None]


def _path(store: Path, clip: Clip) -> Path:
    return store / (clip.name.replace("/", "__") + ".safetensors")


def _is_prepared(path: Path) -> bool:
    try:
        return path.is_file() and int(load_file(path)["format"][0]) == _FORMAT
    except (SafetensorError, KeyError):
        return False


def _prepare_one(clip: Clip, store: Path) -> None:
    times: list[float] = []

    def frames() -> Iterator[np.ndarray]:
        for time, frame in read_frames(clip.path):
            times.append(time)
            yield frame

    with FaceTracker() as tracker:
        faces = list(tracker.track(frames()))
    found = np.array([face is not None for face in faces])
    landmarks = np.array([face.landmarks for face in faces if face is not None], np.float32).reshape(-1, 68, 3)
    path = _path(store, clip)
    # Two trainings may fill one store at once.
    partial = path.with_suffix(f".{os.getpid()}.partial")
    save_file(
        {
            "format": np.array([_FORMAT]),
            "times": np.array(times)[found],
            "found": found,
            "landmarks": landmarks,
            "samples": normalise_loudness(load_waveform(clip.path, SAMPLE_RATE)).samples,
        },
        partial,
    )
    partial.replace(path)


def _load(store: Path, clip: Clip) -> PreparedClip | None:
    arrays = load_file(_path(store, clip))
    share = arrays["found"].mean() if len(arrays["found"]) else 0.0
    if share < 0.9:
        _log.warning("%s: a face in only %.0f %% of the frames; left out", clip.name, 100 * share)
        return None
    return PreparedClip(clip, arrays["times"], arrays["landmarks"], arrays["samples"])
