"""Pairs of frames of one person, as the networks of `image` see them: this portrait, asked for that mouth.

From each clip a few frames serve as portraits. To each of them a row of other frames of the clip is the truth: what
the explicit renderer draws for their landmarks, and what the person really looked like, laid on the portrait's window.
"""

import hashlib
import json
import os
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from rhapsode.data.index import Entry, load_arrays
from rhapsode.data.store import ClipStore
from rhapsode.data.workers import map_in_processes
from rhapsode.errors import DataError
from rhapsode.face.expression import disentangle
from rhapsode.face.geometry import MIN_EYE_DISTANCE, fit_pose, to_canonical
from rhapsode.face.mouth import lip_distance, mouth_shape
from rhapsode.face.tracker import Face, FaceTracker
from rhapsode.media.reader import read_frames
from rhapsode.paint.extra_photos import lay_on, offsets_between
from rhapsode.render.mouth_window import Drawn, MouthWindow, WindowSize
from rhapsode.render.portrait import Portrait
from rhapsode.style.references import key_motions, reference_frames

#: Raised when pairs are made differently, so that those made before are made anew.
FORMAT = 2
#: Openings (canonical units) below and above which a mouth counts as closed and open.
CLOSED, OPEN = 0.03, 0.1


@dataclass(frozen=True)
class Pairs:
    """One portrait and the frames that are asked of it. All pictures are (S, S) windows, uint8.

    Attributes:
        clip: the clip's name in its store.
        speaker: who it is.
        rest: (S, S, 3) the portrait.
        references: (4, S, S, C) the explicit renderer's drawing of the four key motions (see `Drawn.stacked`).
        sources: (4, S, S, 2) float16, where their skin comes from, pixels.
        real_references: (4, S, S, 3) the frames of the clip that were retrieved for them.
        drawn: (N, S, S, C) the drawings for the frames asked for; two neighbours in time follow each other.
        real: (N, S, S, 3) those frames.
        regions: (N, S, S) 2 mouth, 1 skin, 0 neither.
        shapes: (4 + N, 4) float32: `mouth_shape` of the four references and of the frames.
        opening: (N,) float32 of the frames asked for, canonical units.
        own_opening: of the portrait.
        frames: (1 + N,) numbers in the clip: the portrait and the frames.
        expressions: (N, 68, 3) float32 offsets of the frames from the portrait.
        reference_offsets: (4, 68, 3) float32 the same of the references.
    """

    clip: str
    speaker: str
    rest: np.ndarray
    references: np.ndarray
    sources: np.ndarray
    real_references: np.ndarray
    drawn: np.ndarray
    real: np.ndarray
    regions: np.ndarray
    shapes: np.ndarray
    opening: np.ndarray
    own_opening: float
    frames: np.ndarray
    expressions: np.ndarray
    reference_offsets: np.ndarray


@dataclass(frozen=True)
class _Frame:
    picture: np.ndarray
    face: Face
    canonical: np.ndarray


def make_pairs(
    store: ClipStore,
    size: WindowSize = WindowSize(),  # noqa: B008  (frozen)
    portraits: int = 4,
    targets: int = 20,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> list[Pairs]:
    """The pairs of every clip of a store, in the order of its entries.

    Args:
        store: clips; the recordings they were made from are read again.
        size: of the window.
        portraits: frames of a clip that serve as portraits; a long clip gives more of them, up to four times as many.
        targets: frames asked of each of them.
        workers: processes side by side; one for each processor core where None.
        progress: called with (clips done, clips in all).

    Raises:
        DataError: if no clip gives a pair.
    """
    made: dict[str, list[Pairs]] = {}
    work = partial(_clip_pairs, store, size, portraits, targets)
    for entry, pairs in map_in_processes(work, store.entries, min(workers or os.cpu_count() or 1, len(store.entries))):
        made[entry.name] = pairs or []
        if progress:
            progress(len(made), len(store.entries))
    found = [pairs for entry in store.entries for pairs in made[entry.name]]
    if not found:
        raise DataError(f"{store.folder}: none of its clips shows one person with mouth closed and open; add some")
    return found


def _clip_pairs(store: ClipStore, size: WindowSize, portraits: int, targets: int, entry: Entry) -> list[Pairs]:
    cv2.setNumThreads(1)
    arrays = load_arrays(store.folder, entry)
    offsets, rest, _ = disentangle(arrays["landmarks"].astype(np.float64))
    wide = lip_distance(offsets + rest)
    rng = np.random.default_rng(zlib.crc32(entry.name.encode()))
    long = int(np.clip(len(wide) // 75, 1, 4))
    own = _portrait_frames(wide, portraits * long, rng)
    asked = [_target_frames(wide, targets, rng) for _ in own]
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


def _portrait_frames(wide: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Numbers of frames, half of them of closed mouths, the rest spread over all openings."""
    order = np.argsort(wide, kind="stable")
    closed = rng.choice(order[: max(len(order) // 4, 1)], (count + 1) // 2)
    return np.concatenate([closed, rng.choice(order, count // 2)])


def _target_frames(wide: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Neighbours two by two, their openings spread from the least to the greatest."""
    order = np.argsort(wide[:-1], kind="stable")
    steps = (np.arange(count // 2) + rng.random(count // 2)) / (count // 2)
    first = order[(steps * len(order)).astype(int)]
    return np.stack([first, first + 1], -1).reshape(-1)


def read_numbered(entry: Entry, times: np.ndarray, wanted: np.ndarray) -> dict[int, np.ndarray]:
    """Frames of a recording.

    Args:
        entry: its row in the store.
        times: (T,) the times of the frames in the store, seconds, lag left in.
        wanted: numbers of frames, as they are counted there.
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
    """The pairs of one portrait; None where too few frames lie well on it."""
    own = seen[number]
    assert own is not None
    portrait = Portrait.from_image(own.picture, tracker, own.face)
    window = MouthWindow(portrait, size)

    def ask(frame: int) -> tuple[Drawn, np.ndarray, np.ndarray, np.ndarray] | None:
        """Drawing, real window, face in the portrait's pose and offsets."""
        other = seen.get(frame)
        if other is None:
            return None
        offsets = offsets_between(portrait, other.face)
        real = lay_on(window, portrait, other.picture, other.face, offsets)
        return None if real is None else (window.draw(offsets), real, other.canonical, offsets)

    shown = [ask(frame) for frame in references]
    asked = [(frame, ask(frame)) for frame in wanted]
    # Neighbours stay together.
    both = [pair for pair in zip(asked[::2], asked[1::2], strict=True) if pair[0][1] and pair[1][1]]
    if any(one is None for one in shown) or len(both) < len(wanted) // 4:
        return None
    key = [one for one in shown if one is not None]
    kept = [(frame, one) for pair in both for frame, one in pair if one is not None]
    faces = np.stack([one[2] for one in key] + [one[2] for _, one in kept])
    return Pairs(
        clip=entry.name,
        speaker=entry.speaker,
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


def pairs_of(
    store: ClipStore, path: Path, size: WindowSize, progress: Callable[[int, int], None] | None = None
) -> list[Pairs]:
    """The pairs of a store, kept in a file and made anew when its clips have changed.

    Args:
        store: the clips.
        path: the file, a `.safetensors`.
        size: of the window.
        progress: called with (clips done, clips in all) where they are made.

    Raises:
        DataError: if no clip gives a pair.
    """
    clips = [(entry.name, entry.size, entry.modified, entry.format) for entry in store.entries]
    of = hashlib.sha256(repr((FORMAT, size, clips)).encode()).hexdigest()
    if path.is_file() and _made_of(path) == of:
        return load_pairs(path)
    pairs = make_pairs(store, size, progress=progress)
    save_pairs(pairs, path, of)
    return pairs


def _made_of(path: Path) -> str:
    try:
        with safe_open(path, "numpy") as file:
            return str((file.metadata() or {}).get("of", ""))
    except (OSError, SafetensorError):
        return ""


def save_pairs(pairs: Sequence[Pairs], path: Path, of: str) -> None:
    """Keep pairs in one safetensors file; `of` tells what they were made of."""
    names = [{"clip": one.clip, "speaker": one.speaker, "own_opening": one.own_opening} for one in pairs]
    arrays = {
        f"{number}.{name}": np.ascontiguousarray(value)
        for number, one in enumerate(pairs)
        for name, value in vars(one).items()
        if isinstance(value, np.ndarray)
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    partial_file = path.with_suffix(".partial")
    try:
        save_file(arrays, partial_file, {"pairs": json.dumps(names), "of": of})
        partial_file.replace(path)
    finally:
        partial_file.unlink(missing_ok=True)


def load_pairs(path: Path) -> list[Pairs]:
    """Read what `save_pairs` wrote.

    Raises:
        DataError: if the file is missing or damaged.
    """
    try:
        with safe_open(path, "numpy") as file:
            names = json.loads(file.metadata()["pairs"])
            arrays: list[dict[str, Any]] = [{} for _ in names]
            for key in file.keys():  # noqa: SIM118
                number, _, name = key.partition(".")
                arrays[int(number)][name] = file.get_tensor(key)
        return [Pairs(**name, **array) for name, array in zip(names, arrays, strict=True)]
    except (OSError, SafetensorError, KeyError, TypeError, ValueError) as error:
        reason = str(error).splitlines()[0]
        raise DataError(f"{path}: cannot be read ({reason}); remove it and run again") from None
