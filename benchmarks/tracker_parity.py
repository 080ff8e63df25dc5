"""How near our tracker comes to MediaPipe's, and which is faster, on one thread.

    pip install mediapipe==0.10.21
    python benchmarks/tracker_parity.py --data DATA

Points of 300 faces: stills of `faces/`, `portraits/`, and a frame of each of many clips, each measured by `detect`;
then clips followed frame by frame by `track`. Differences are of the 68 points, x and y, as shares of the distance
between the outer eye corners: over all points the mean, the 95th percentile and the most, and the most of a face's
means. Times are medians, of processors (all threads) and passed, both trackers in turns, clip by clip; a portrait is
opened in a new process, which imports, loads and detects.
"""

import argparse
import csv
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from mediapipe_tracker import MediaPipeTracker
from rich.console import Console
from rich.table import Table

from rhapsode.data.clips import read_clips
from rhapsode.face.tracker import Face, FaceTracker
from rhapsode.media.picture import load_picture
from rhapsode.media.reader import read_frames

_OPEN = """
import time; start = time.perf_counter()
import numpy as np
{setup}
image = np.load({picture!r})
assert tracker.detect(image)
tracker.person_mask(image)
print(time.perf_counter() - start)
"""
_OURS = "from rhapsode.face.tracker import FaceTracker; tracker = FaceTracker()"
_THEIRS = "from mediapipe_tracker import MediaPipeTracker; tracker = MediaPipeTracker()"


def pictures(data: Path, count: int) -> Iterator[np.ndarray]:
    """So many pictures: all portraits, a third of them from clips, the rest stills, spread over the sets."""
    portraits = sorted(path for path in (data / "portraits").iterdir() if path.suffix in (".jpg", ".png"))
    clips = [clip.path for clip in read_clips(data)][: count // 3]
    with (data / "faces" / "faces.csv").open(newline="") as file:
        stills = [data / "faces" / row["path"] for row in csv.DictReader(file) if row["path"].endswith(".jpg")]
    wanted = count - len(portraits) - len(clips)
    picked = [stills[i] for i in np.linspace(0, len(stills) - 1, wanted).round().astype(int)]
    yield from (load_picture(path) for path in portraits + picked)
    for path in clips:
        yield next(itertools.islice(read_frames(path), 20, None))[1]


def differences(ours: Face, theirs: Face) -> np.ndarray:
    """How far each of the 68 points lies from its like, (68,), shares of the eye distance."""
    gaps = ours.landmarks[:, :2] - theirs.landmarks[:, :2]
    return np.linalg.norm(gaps, axis=1) / theirs.eye_distance


def nearest(face: Face, others: list[Face]) -> Face | None:
    """The one of the others at the same place, if there is one."""
    near = [other for other in others if differences(other, face).mean() < 0.5]
    return min(near, key=lambda other: differences(other, face).mean(), default=None)


def compare_stills(data: Path, count: int) -> list[str]:
    """A row of the table: faces of both, only of one, mean, 95th percentile, most."""
    ours, theirs = FaceTracker(), MediaPipeTracker()
    shared, missed, more = [], 0, 0
    for picture in pictures(data, count):
        found, known = ours.detect(picture), theirs.detect(picture)
        pairs = [(nearest(face, found), face) for face in known]
        shared += [differences(face, other) for face, other in pairs if face is not None]
        missed += sum(face is None for face, _ in pairs)
        more += sum(nearest(face, known) is None for face in found)
    return _row("detect", shared, missed, more)


def compare_clips(data: Path, clips: int, frames: int) -> tuple[list[str], list[str], list[str]]:
    """The same of `track`, and milliseconds a frame, of processors and passed: ours and MediaPipe's."""
    every = read_clips(data)
    shared, missed, more = [], 0, 0
    busy: tuple[list[float], list[float]] = ([], [])
    passed: tuple[list[float], list[float]] = ([], [])
    for turn, i in enumerate(np.linspace(0, len(every) - 1, clips).round().astype(int)):
        film = [frame for _, frame in itertools.islice(read_frames(every[i].path), frames)]
        followed: list[list[Face | None]] = [[], []]
        for which in (0, 1) if turn % 2 else (1, 0):
            track = (FaceTracker() if which == 0 else MediaPipeTracker()).track(film)
            for k in range(len(film)):
                start = time.process_time(), time.perf_counter()
                followed[which].append(next(track))
                if k > 2:  # the first load and find
                    busy[which].append(time.process_time() - start[0])
                    passed[which].append(time.perf_counter() - start[1])
        for one, other in zip(*followed, strict=True):
            if one is not None and other is not None:
                shared.append(differences(one, other))
            missed += one is None and other is not None
            more += one is not None and other is None
    times = [[f"{1000 * np.median(one):.1f} ms" for one in both] for both in (busy, passed)]
    return _row("track", shared, missed, more), *times


def seconds_to_open(picture: np.ndarray, folder: Path, tries: int) -> list[str]:
    """Seconds from the start of Python's work to the face and the person of an unknown portrait, least of some."""
    path = folder / "portrait.npy"
    np.save(path, picture)
    least = [float("inf"), float("inf")]
    for _ in range(tries):
        for which, setup in enumerate((_OURS, _THEIRS)):
            code = _OPEN.format(setup=setup, picture=str(path))
            here = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
            done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=here)
            least[which] = min(least[which], float(done.stdout))
    path.unlink()
    return [f"{one:.2f} s" for one in least]


def _row(name: str, shared: list[np.ndarray], missed: int, more: int) -> list[str]:
    every = np.array(shared)
    shares = (every.mean(), np.percentile(every, 95), every.mean(1).max(), every.max())
    return [name, str(len(shared)), str(missed), str(more), *(f"{100 * share:.4f} %" for share in shares)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--count", type=int, default=300, help="pictures")
    parser.add_argument("--clips", type=int, default=10)
    parser.add_argument("--frames", type=int, default=60, help="of each clip")
    parser.add_argument("--scratch", type=Path, default=Path(), help="folder for a file that goes again")
    chosen = parser.parse_args()
    cv2.setNumThreads(1)
    points = Table("", "faces", "only MediaPipe", "only ours", "mean", "95th", "worst face", "worst point")
    points.add_row(*compare_stills(chosen.data, chosen.count))
    tracked, busy, passed = compare_clips(chosen.data, chosen.clips, chosen.frames)
    points.add_row(*tracked)
    speeds = Table("", "ours", "MediaPipe")
    speeds.add_row("a frame of track, processor", *busy)
    speeds.add_row("a frame of track, passed", *passed)
    portrait = load_picture(next(iter(sorted((chosen.data / "portraits").glob("*.jpg")))))
    speeds.add_row("open an unknown portrait", *seconds_to_open(portrait, chosen.scratch.resolve(), 5))
    for table in (points, speeds):
        Console().print(table)


if __name__ == "__main__":
    main()
