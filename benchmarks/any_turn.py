"""Whether faces are found at any turn and small in a large picture, and whether any mesh found is wrong.

    python benchmarks/any_turn.py --data DATA

Stills of `faces/` and `portraits/`, each laid once at a turn and a size drawn at random on a ground of another
picture blurred, of colour noise, or grey. What must be found is known: the landmarks of the still as it was, taken
along. A mesh is wrong where its 68 points lie further than a tenth of the eye distance from them, on average. Grounds
without a face are searched too: whatever is found there is wrong.
"""

import argparse
import time
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from rhapsode.face.tracker import Face, FaceTracker
from rhapsode.media.picture import load_picture

_WRONG = 0.1


@dataclass(frozen=True)
class Task:
    """One row of the table: so many pictures of one size, with eyes so far apart (outer corners), pixels."""

    name: str
    width: int
    height: int
    eyes: tuple[float, float]
    count: int


TASKS = (
    Task("whole pictures", 0, 0, (40, 400), 60),
    Task("1920 x 1080, eyes 24 to 100", 1920, 1080, (24, 100), 60),
    Task("1920 x 1080, eyes 24", 1920, 1080, (24, 24), 40),
    Task("6000 x 4000, eyes 66", 6000, 4000, (66, 66), 20),
)


@dataclass
class Tally:
    """What came of one task."""

    found: int = 0
    missed: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    errors: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)


def ground(chance: np.random.Generator, size: tuple[int, int], other: np.ndarray) -> np.ndarray:
    """A picture, (height, width, 3) uint8 of `size`, without a face."""
    height, width = size
    kind = chance.integers(3)
    if kind == 0:
        tiny = cv2.resize(other, (8, 8), interpolation=cv2.INTER_AREA)
        return cv2.resize(tiny, (width, height), interpolation=cv2.INTER_CUBIC)
    if kind == 1:
        grain = chance.integers(0, 256, (max(height // 4, 1), max(width // 4, 1), 3), dtype=np.uint8)
        return cv2.resize(grain, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.full((height, width, 3), chance.integers(40, 220), np.uint8)


def laid(still: np.ndarray, onto: np.ndarray, to_ground: np.ndarray) -> np.ndarray:
    """A still on a ground, by a (2, 3) matrix from its pixels to those of the ground."""
    scale = np.sqrt(abs(np.linalg.det(to_ground[:, :2])))
    shrunk = min(1.0, 2 * scale)  # areas first, so that nothing aliases
    small = cv2.resize(still, None, fx=shrunk, fy=shrunk, interpolation=cv2.INTER_AREA) if shrunk < 1 else still
    matrix = to_ground @ np.diag([still.shape[1] / small.shape[1], still.shape[0] / small.shape[0], 1.0])
    height, width = onto.shape[:2]
    cover = cv2.warpAffine(np.full(small.shape[:2], 255, np.uint8), matrix, (width, height)) > 254
    turned = cv2.warpAffine(small, matrix, (width, height), flags=cv2.INTER_LINEAR)
    return np.where(cover[..., None], turned, onto)


def placed(
    chance: np.random.Generator, task: Task, still: np.ndarray, face: Face, wanted: float
) -> tuple[np.ndarray, tuple[int, int]]:
    """A random place: the matrix from the still's pixels, and height and width of the ground, which holds the face."""
    turn, scale = chance.uniform(0, 2 * np.pi), wanted / face.eye_distance
    cosine, sine = scale * np.cos(turn), scale * np.sin(turn)
    linear = np.array([[cosine, -sine], [sine, cosine]])
    if not task.width:
        corners = np.array([[0, 0], [1, 0], [0, 1], [1, 1]]) * still.shape[1::-1] @ linear.T
        width, height = np.ptp(corners, axis=0).astype(int) + 2
        return np.column_stack([linear, 1 - corners.min(0)]), (height, width)
    margin = 2 * wanted
    place = chance.uniform([margin, margin], [task.width - margin, task.height - margin])
    return np.column_stack([linear, place - linear @ face.landmarks[:, :2].mean(0)]), (task.height, task.width)


def run(task: Task, stills: list[Path], tracker: FaceTracker, chance: np.random.Generator) -> Tally:
    """Search so many pictures."""
    tally = Tally()
    for path in chance.choice(np.array(stills, object), task.count):
        still = load_picture(path)
        known = tracker.detect(still)
        if len(known) != 1:
            continue
        (face,) = known
        wanted = float(np.exp(chance.uniform(*np.log(task.eyes))))
        matrix, size = placed(chance, task, still, face, wanted)
        picture = laid(still, ground(chance, size, still), matrix)
        truth = face.landmarks[:, :2] @ matrix[:, :2].T + matrix[:, 2]
        start = time.perf_counter()
        found = tracker.detect(picture)
        tally.seconds.append(time.perf_counter() - start)
        turn = np.degrees(np.arctan2(matrix[1, 0], matrix[0, 0])) % 360
        note = f"{path.name} turned {turn:.0f} degrees, eyes {wanted:.0f}"
        errors = [np.linalg.norm(one.landmarks[:, :2] - truth, axis=1).mean() / wanted for one in found]
        if any(error > _WRONG for error in errors):
            tally.wrong.append(note)
        if not any(error <= _WRONG for error in errors):
            tally.missed.append(note)
        else:
            tally.found += 1
            tally.errors.append(min(errors))
    return tally


def empty(stills: list[Path], tracker: FaceTracker, chance: np.random.Generator, count: int) -> Tally:
    """Search grounds without a face, and hands full of a face cut away: stills from below the chin."""
    tally = Tally()
    for path in chance.choice(np.array(stills, object), count):
        still = load_picture(path)
        known = tracker.detect(still)
        if len(known) != 1:
            continue
        below = still[min(int(known[0].box[3] + 0.2 * known[0].eye_distance), still.shape[0]) :]
        pictures = [ground(chance, (720, 1280), still)] + ([below] if min(below.shape[:2]) > 60 else [])
        for picture in pictures:
            start = time.perf_counter()
            found = tracker.detect(np.ascontiguousarray(picture))
            tally.seconds.append(time.perf_counter() - start)
            tally.wrong += [f"{path.name}, no face"] * bool(found)
    return tally


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    chance = np.random.default_rng(chosen.seed)
    stills = sorted(path for name in ("faces", "portraits") for path in (chosen.data / name).rglob("*.jpg"))
    table = Table("", "pictures", "found", "missed", "wrong", "mean", "most", "median ms", "most ms")
    notes = []
    with FaceTracker() as tracker:
        tallies = [(task.name, run(task, stills, tracker, chance)) for task in TASKS]
        tallies.append(("no face", empty(stills, tracker, chance, 40)))
    for name, tally in tallies:
        shares = [f"{100 * of(tally.errors):.1f} %" if tally.errors else "" for of in (np.mean, np.max)]
        times = [f"{1000 * of(tally.seconds):.0f}" for of in (np.median, np.max)]
        counts = (len(tally.seconds), tally.found, len(tally.missed), len(tally.wrong))
        table.add_row(name, *(str(one) for one in counts), *shares, *times)
        notes += [f"wrong: {note}" for note in tally.wrong] + [f"missed: {note}" for note in tally.missed]
    Console().print(table)
    print("\n".join(notes))


if __name__ == "__main__":
    main()
