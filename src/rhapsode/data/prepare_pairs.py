"""Make pairs of frames of one person from prepared clips: this portrait, asked for that mouth.

Some frames of each clip serve as portraits. For each portrait, other frames of the clip are the targets: the input is
the explicit renderer's drawing for their landmarks, the truth is the frame itself, aligned to the portrait.
"""

import hashlib
import os
import zlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2
import numpy as np

from rhapsode.data.index import Entry, load_arrays
from rhapsode.data.pairs import Pairs, load_pairs, made_of, save_pairs
from rhapsode.data.store import ClipStore
from rhapsode.data.workers import ProcessDied, map_in_processes
from rhapsode.errors import DataError
from rhapsode.face.expression import disentangle
from rhapsode.face.geometry import MIN_EYE_DISTANCE, fit_pose, to_canonical
from rhapsode.face.mouth import lip_distance, mouth_shape
from rhapsode.face.tracker import Face, FaceTracker
from rhapsode.media.reader import read_frames
from rhapsode.paint.extra_photos import align_photo, offsets_between
from rhapsode.progress import Progress, no_progress
from rhapsode.render.mouth_window import Drawn, MouthWindow, WindowSize
from rhapsode.render.portrait import MeasuredPortrait
from rhapsode.style.references import key_motions, reference_frames

#: Increased when pairs are made differently, so that older ones are made again.
FORMAT = 4


def prepare_pairs(store: ClipStore, path: Path, size: WindowSize, progress: Progress = no_progress) -> list[Pairs]:
    """Give the pairs of a store from a file, which is made, or made again when the clips have changed.

    Args:
        store: prepared clips.
        path: the file, a `.safetensors`.
        size: size of the mouth window.
        progress: as in `make_pairs`.

    Raises:
        DataError: no clip gives a pair.
    """
    clips = [(entry.name, entry.size, entry.modified, entry.format) for entry in store.entries]
    of = hashlib.sha256(repr((FORMAT, size, clips)).encode()).hexdigest()
    if path.is_file() and made_of(path) == of:
        return load_pairs(path)
    pairs = make_pairs(store, size, progress=progress)
    save_pairs(pairs, path, of)
    return pairs


def make_pairs(
    store: ClipStore,
    size: WindowSize = WindowSize(),  # noqa: B008  (frozen)
    portraits: int = 4,
    targets: int = 20,
    workers: int | None = None,
    progress: Progress = no_progress,
) -> list[Pairs]:
    """Make the pairs of every clip of a store, in the order of its entries.

    Args:
        store: prepared clips; their recordings are read again.
        size: size of the mouth window.
        portraits: frames of a clip that serve as portraits; a long clip gives up to four times as many.
        targets: target frames of each portrait.
        workers: number of processes; one for each core where None.
        progress: watches the stage `pairs`, in clips.

    Raises:
        DataError: no clip gives a pair.
    """
    made: dict[str, list[Pairs]] = {}
    work = partial(_clip_pairs, store, size, portraits, targets)
    for entry, pairs in map_in_processes(work, store.entries, min(workers or os.cpu_count() or 1, len(store.entries))):
        made[entry.name] = [] if isinstance(pairs, ProcessDied) else pairs
        progress("pairs", len(made), len(store.entries))
    found = [pairs for entry in store.entries for pairs in made[entry.name]]
    if not found:
        raise DataError(f"{store.folder}: no clip shows one person with mouth closed and open", "add some", "no-clips")
    return found


@dataclass(frozen=True)
class _Frame:
    picture: np.ndarray
    face: Face
    canonical: np.ndarray


def _clip_pairs(store: ClipStore, size: WindowSize, portraits: int, targets: int, entry: Entry) -> list[Pairs]:
    cv2.setNumThreads(1)
    arrays = load_arrays(store.folder, entry)
    offsets, rest, _ = disentangle(arrays["landmarks"].astype(np.float64))
    wide = lip_distance(offsets + rest)
    rng = np.random.default_rng(zlib.crc32(entry.name.encode()))
    long = int(np.clip(len(wide) // 75, 1, 4))
    own = _choose_portraits(wide, portraits * long, rng)
    asked = [choose_targets(wide, targets, rng) for _ in own]
    references = reference_frames(offsets, key_motions())
    frames = read_numbered(entry, arrays["times"], np.unique(np.concatenate([own, references, *asked])))
    with FaceTracker() as tracker:
        seen = {number: _measure(tracker, picture) for number, picture in frames.items()}
        found = [
            _one(entry, tracker, size, seen, number, references, wanted)
            for number, wanted in zip(own, asked, strict=True)
            if seen.get(number) and all(seen.get(one) for one in references)
        ]
    return [pairs for pairs in found if pairs is not None]


def _choose_portraits(wide: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Choose (count,) frame numbers: half of them with a closed mouth, the rest over all openings."""
    order = np.argsort(wide, kind="stable")
    closed = rng.choice(order[: max(len(order) // 4, 1)], (count + 1) // 2)
    return np.concatenate([closed, rng.choice(order, count // 2)])


def choose_targets(wide: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Choose (count,) frame numbers, pairs of neighbours in time whose openings are spread from smallest to largest."""
    order = np.argsort(wide[:-1], kind="stable")
    steps = (np.arange(count // 2) + rng.random(count // 2)) / (count // 2)
    first = order[(steps * len(order)).astype(int)]
    return np.stack([first, first + 1], -1).reshape(-1)


def read_numbered(entry: Entry, times: np.ndarray, wanted: np.ndarray) -> dict[int, np.ndarray]:
    """Read frames of a recording by their numbers.

    Args:
        entry: its row in the store.
        times: (T,) `times` as stored: seconds on the clock of the file, offset not corrected.
        wanted: (N,) indices into `times`.

    Returns:
        The frames (H, W, 3) uint8 RGB that were found, by their numbers.
    """
    at = {round(float(times[number]), 4): int(number) for number in wanted}
    found: dict[int, np.ndarray] = {}
    for time, picture in read_frames(entry.clip.path):
        number = at.get(round(time, 4))
        if number is not None:
            found[number] = picture
        if len(found) == len(at):
            break
    return found


def _measure(tracker: FaceTracker, picture: np.ndarray) -> _Frame | None:
    faces = tracker.detect(picture)
    if not faces or faces[0].eye_distance < MIN_EYE_DISTANCE:
        return None
    landmarks = faces[0].landmarks[None].astype(np.float64)
    return _Frame(picture, faces[0], to_canonical(landmarks, fit_pose(landmarks))[0])


def _one(
    entry: Entry,
    tracker: FaceTracker,
    size: WindowSize,
    seen: dict[int, _Frame | None],
    number: int,
    references: np.ndarray,
    wanted: np.ndarray,
) -> Pairs | None:
    """Make the pairs of one portrait; None where too few frames can be aligned to it."""
    own = seen[number]
    assert own is not None
    portrait = MeasuredPortrait.from_image(own.picture, tracker, own.face)
    window = MouthWindow(portrait, size)

    def ask(frame: int) -> tuple[Drawn, np.ndarray, np.ndarray, np.ndarray] | None:
        """Give the rendering, the real window, the face in canonical space, and its offsets from the portrait."""
        other = seen.get(frame)
        if other is None:
            return None
        offsets = offsets_between(portrait, other.face)
        real = align_photo(window, portrait, other.picture, other.face, offsets)
        return None if real is None else (window.draw(portrait.rig.pose(offsets)), real, other.canonical, offsets)

    shown = [ask(frame) for frame in references]
    asked = [(frame, ask(frame)) for frame in wanted]
    # Both neighbours or none.
    both = [pair for pair in zip(asked[::2], asked[1::2], strict=True) if pair[0][1] and pair[1][1]]
    if any(one is None for one in shown) or len(both) < len(wanted) // 4:
        return None
    key = [one for one in shown if one is not None]
    kept = [(frame, one) for pair in both for frame, one in pair if one is not None]
    faces = np.stack([one[2] for one in key] + [one[2] for _, one in kept])
    return Pairs(
        clip=entry.name,
        speaker=entry.speaker,
        retrieved=True,
        rest=window.rest,
        references=np.stack([one[0].stacked() for one in key]),
        sources=np.stack([one[0].source for one in key]).astype(np.float16),
        real_references=np.stack([one[1] for one in key]),
        drawn=np.stack([one[0].stacked() for _, one in kept]),
        real=np.stack([one[1] for _, one in kept]),
        regions=np.stack([window.regions(one[3]) for _, one in kept]),
        shapes=mouth_shape(faces).astype(np.float32),
        opening=lip_distance(faces[4:]).astype(np.float32),
        own_opening=float(lip_distance(portrait.rest[None])[0]),
        frames=np.array([number] + [frame for frame, _ in kept]),
        expressions=np.stack([one[3] for _, one in kept]).astype(np.float32),
        reference_offsets=np.stack([one[3] for one in key]).astype(np.float32),
    )
