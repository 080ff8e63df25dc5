"""How like a person's own turned head a portrait is that was turned as far.

    python benchmarks/turned_heads.py FILM... --out out/turned

Of each film the frame seen most nearly from the front is the portrait, and frames that differ from it by about 5, 10,
15 and 20 degrees of turn or nod are the truth; then, the other way round, the frame that is turned furthest is the
portrait. The portrait is drawn with the measured pose and a face at rest, and compared with the truth, aligned to it by
the points of the face: their distance, the difference inside the head and its structure, and the likeness of dlib's
descriptor (the extra `identity`). `--out` gets `turned.json` and a sheet: portrait, drawn, truth.

Another version is measured by naming its `src` in PYTHONPATH; frames are chosen by the tracker alone, and are the same.
"""

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image
from scipy.spatial.transform import Rotation
from skimage.metrics import structural_similarity

from rhapsode.face.crop import Region
from rhapsode.face.geometry import SKULL_BASE, Pose, fit_pose, to_canonical, to_image
from rhapsode.face.landmarks import STABLE
from rhapsode.face.search import PRESENT
from rhapsode.face.tracker import Face, FaceTracker
from rhapsode.media.picture import fitting, resized
from rhapsode.media.reader import read_frames
from rhapsode.metrics.identity import Identity
from rhapsode.paint.layers import mouth_layers
from rhapsode.render.portrait import MeasuredPortrait
from rhapsode.render.renderer import Renderer

#: Degrees, and how far off a frame may be.
ANGLES, OFF = (5, 10, 15, 20), 2.0
#: Longest side of a frame, every so many of which are looked at; side of a cell of the sheet.
SIDE, EVERY, CELL = 640, 3, 320
STILL = np.zeros((68, 3)), np.zeros((2, 2))
#: Axes of rotation by name, and which of them a frame must hardly have turned about.
AXES = {"turn": 1, "nod": 0}


@dataclass(frozen=True)
class Frame:
    """A frame of a film and the face in it."""

    image: np.ndarray
    face: Face
    pose: Pose
    canonical: np.ndarray

    @property
    def rotation(self) -> Rotation:
        """Give how the head stands."""
        return Rotation.from_matrix(self.pose.matrices[0])

    @property
    def off_front(self) -> float:
        """Give the angle from the front, radians."""
        return float(np.hypot(*self.rotation.as_rotvec()[:2]))


@dataclass(frozen=True)
class Task:
    """A portrait and the truth, and what they stand for."""

    film: str
    kind: str
    degrees: int
    portrait: Frame
    truth: Frame


def looked_at(path: Path, tracker: FaceTracker) -> list[Frame]:
    """Give every few frames of a film that show a face."""
    frames = []
    for number, (_, image) in enumerate(read_frames(path)):
        if number % EVERY == 0:
            small = resized(image, fitting((image.shape[1], image.shape[0]), SIDE))
            frames.append(np.ascontiguousarray(small))
    found = []
    for image, face in zip(frames, tracker.track(frames), strict=True):
        if face is not None:
            points = face.landmarks[None].astype(np.float64)
            pose = fit_pose(points)
            found.append(Frame(image, face, pose, to_canonical(points, pose)[0]))
    return found


def tasks(film: str, frames: Sequence[Frame]) -> Iterator[Task]:
    """Choose portraits and truths."""
    for kind, portrait in (
        ("from the front", min(frames, key=lambda one: one.off_front)),
        ("from the side", max(frames, key=lambda one: abs(one.rotation.as_rotvec()[1]))),
    ):
        turned = np.degrees([(one.rotation * portrait.rotation.inv()).as_rotvec() for one in frames])
        changed = np.array([np.linalg.norm(one.canonical - portrait.canonical, axis=1).mean() for one in frames])
        for name, axis in AXES.items():
            if kind == "from the side" and name == "nod":
                continue
            for degrees in ANGLES:
                for side in (-1, 1):
                    miss = np.abs(side * turned[:, axis] - degrees)
                    rest = np.abs(np.delete(turned, axis, axis=1)).max(1)
                    cost = miss + 0.3 * rest + 100 * changed
                    cost[(miss > OFF) | (rest > max(6, degrees / 2))] = np.inf
                    if np.isfinite(cost.min()):
                        yield Task(film, f"{kind}, {name}", degrees, portrait, frames[int(cost.argmin())])


def drawn(task: Task, renderer: Renderer) -> np.ndarray:
    """Draw the portrait in the pose of the truth."""
    rotation = (task.truth.rotation * task.portrait.rotation.inv()).as_rotvec()
    return renderer.render(*STILL, rotation, np.zeros(3))


def aligned(task: Task, onto: np.ndarray, tracker: FaceTracker) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Give the truth laid on the drawing, and the points of both, (478, 2)."""
    size = onto.shape[1::-1]
    scale = float(task.portrait.pose.scale[0] / task.truth.pose.scale[0])
    pivots = [to_image(SKULL_BASE[None, None], one.pose)[0, 0, :2] for one in (task.portrait, task.truth)]
    place = np.column_stack([scale * np.eye(2), pivots[0] - scale * pivots[1]])
    for _ in range(2):
        laid = cv2.warpAffine(task.truth.image, place, size, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)
        faces = [tracker.faces_at(one, [Region.around_mesh(task.portrait.face.mesh)])[0] for one in (onto, laid)]
        if min(face.score for face in faces) < PRESENT:
            return None
        points = [face.mesh[:, :2].astype(np.float64) for face in faces]
        # What is left after the pose is the tracker's: a shift and a little scale, by the points that do not speak.
        fixed = [face.landmarks[STABLE, :2].astype(np.float64) for face in faces]
        middles = [one.mean(0) for one in fixed]
        spread = [np.linalg.norm(one - middle) for one, middle in zip(fixed, middles, strict=True)]
        ratio = np.clip(spread[0] / spread[1], 0.9, 1.1)
        more = np.column_stack([ratio * np.eye(2), middles[0] - ratio * middles[1]])
        place = more @ np.vstack([place, [0, 0, 1]])
    return laid, points[0], points[1]


def scores(task: Task, frame: np.ndarray, tracker: FaceTracker, identity: Identity) -> tuple[dict, np.ndarray] | None:
    """Compare a drawing with the truth."""
    found = aligned(task, frame, tracker)
    if found is None:
        return None
    truth, ours, theirs = found
    unit = float(task.portrait.pose.scale[0])
    rows, columns = np.mgrid[: frame.shape[0], : frame.shape[1]]
    middle = theirs[:468].mean(0)
    head = ((columns - middle[0]) / 1.05) ** 2 + ((rows - middle[1] + 0.15 * unit) / 1.4) ** 2 < unit**2
    face = np.zeros(frame.shape[:2], np.uint8)
    cv2.fillConvexPoly(face, cv2.convexHull(np.rint(theirs[:468]).astype(np.int32)), 1)
    zoom = 96 / unit  # all faces are compared at one size
    small = [cv2.resize(one, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA) for one in (frame, truth)]
    masks = [
        cv2.resize(one.astype(np.uint8), small[0].shape[1::-1], interpolation=cv2.INTER_NEAREST) > 0
        for one in (head, face)
    ]
    difference = np.abs(small[0].astype(np.float32) - small[1]).mean(-1)
    _, alike = structural_similarity(*small, channel_axis=2, full=True)
    shape = ours[:468] - theirs[:468]
    figures = {
        "points": float(100 * np.linalg.norm(shape, axis=1).mean() / unit),
        "L1 head": float(difference[masks[0]].mean()),
        "L1 face": float(difference[masks[1]].mean()),
        "SSIM head": float(alike.mean(-1)[masks[0]].mean()),
        "SSIM face": float(alike.mean(-1)[masks[1]].mean()),
    }
    likeness = identity.likeness(frame, truth)
    if likeness is not None:
        figures["identity"] = likeness
    return figures, truth


def cell(image: np.ndarray, frame: Frame) -> np.ndarray:
    """Cut the head out of a picture."""
    zoom, middle = CELL / 3.4 / frame.pose.scale[0], frame.face.mesh[:468, :2].mean(0)
    place = np.column_stack([zoom * np.eye(2), CELL / 2 - zoom * middle])
    return cv2.warpAffine(image, place, (CELL, CELL), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)


def main() -> None:
    """Print a line for each kind and angle."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("films", nargs="+", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    identity, kept, sheet = Identity.load(), [], []
    with FaceTracker() as tracker:
        for path in options.films:
            renderers: dict[int, Renderer] = {}
            frames = looked_at(path, tracker)
            for task in tasks(path.stem, frames) if frames else ():
                key = id(task.portrait)
                if key not in renderers:
                    portrait = MeasuredPortrait.from_image(task.portrait.image, tracker, task.portrait.face)
                    renderers[key] = Renderer(portrait, mouth_layers(portrait))
                frame = drawn(task, renderers[key])
                scored = scores(task, frame, tracker, identity)
                row = {"film": task.film, "kind": task.kind, "degrees": task.degrees}
                if scored is None:
                    print(f"{row}: no face in the drawing", flush=True)
                    continue
                kept.append(row | scored[0])
                sheet.append(np.hstack([cell(one, task.portrait) for one in (task.portrait.image, frame, scored[1])]))
    (options.out / "turned.json").write_text(json.dumps(kept, indent=1) + "\n")
    for start in range(0, len(sheet), 12):
        Image.fromarray(np.vstack(sheet[start : start + 12])).save(options.out / f"turned_{start // 12:02}.png")
    print_table(kept)


def print_table(kept: Sequence[dict]) -> None:
    """Print means."""
    groups = defaultdict(list)
    for row in kept:
        groups[row["kind"], row["degrees"]].append(row)
    names = ("points", "L1 head", "L1 face", "SSIM head", "SSIM face", "identity")
    print("kind, degrees, pairs,", ", ".join(names))
    for (kind, degrees), rows in sorted(groups.items()):
        means = [np.mean([row[name] for row in rows if name in row]) for name in names]
        print(f"{kind}, {degrees}, {len(rows)},", ", ".join(f"{value:.3f}" for value in means))


if __name__ == "__main__":
    main()
