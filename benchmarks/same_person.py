"""How near a drawn expression comes to the same person's own.

    python benchmarks/same_person.py --pairs FOLDER --films FOLDER --out out/same_person.png

A neutral picture is given the expression that its owner shows in another one, rendered, tracked again and read.
Nobody else's face is in these figures, where those of `evaluate style --portraits` compare portraits with the clip of
a stranger. Pairs are pictures PERSON_neutral.jpg and PERSON_smiling.jpg; films are the expressive clips of a data
folder, one neutral film of each actor (NEU, or 01-01-01) among them.
"""

import argparse
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from rhapsode.face.expression_network import expression_network
from rhapsode.face.lasting import lasting_units
from rhapsode.face.posing import posed
from rhapsode.face.tracker import Face, FaceTracker
from rhapsode.face.units import AT_REST
from rhapsode.media.picture import load_picture
from rhapsode.media.reader import is_video, read_frames
from rhapsode.metrics.expression import COUNTED, REGIONS, agreement, units_of
from rhapsode.motion.lasting import landmarks_of
from rhapsode.motion.lids import moved_lids
from rhapsode.paint.layers import mouth_layers
from rhapsode.render.portrait import MeasuredPortrait
from rhapsode.render.renderer import Renderer

_WIDTH, _CELL = 500, 300


@dataclass(frozen=True)
class Shown:
    """A picture, the face in it, and the (51,) units that it, or the film that it is of, shows."""

    image: np.ndarray
    face: Face
    units: np.ndarray


def main() -> None:
    """Draw every expression on its owner, and sum up how near it comes."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, required=True)
    parser.add_argument("--people", type=int, default=12, help="of the pairs, the first ones")
    parser.add_argument("--films", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args()
    rows = []
    with FaceTracker() as tracker:
        for name, couples in (
            ("smiles", _pairs(chosen.pairs, chosen.people, tracker)),
            ("films", _films(chosen.films, tracker)),
        ):
            rows += _compare(name, couples, tracker)
    chosen.out.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(chosen.out), np.vstack(rows)[..., ::-1])


def _compare(name: str, couples: Iterable[tuple[Shown, Shown]], tracker: FaceTracker) -> list[np.ndarray]:
    asked, shown, rows = [], [], []
    for neutral, own in couples:
        portrait = MeasuredPortrait.from_image(neutral.image, tracker)
        renderer = Renderer(portrait, mouth_layers(portrait))
        wanted = own.units - neutral.units
        drawn, plain = (_draw(renderer, units) for units in (posed(portrait.face.mesh, wanted), AT_REST))
        told, rest = (_units(tracker.detect(image)[0]) for image in (drawn, plain))
        asked.append(wanted)
        shown.append(told - rest)
        cells = ((neutral.image, neutral.face), (own.image, own.face), (drawn, neutral.face))
        rows.append(np.hstack([_cell(image, face) for image, face in cells]))
    wished, seen = np.array(asked), np.array(shown)
    whole = agreement(wished[:, COUNTED], seen[:, COUNTED])
    regions = {one: round(agreement(wished[:, units_of(one)], seen[:, units_of(one)]).slope, 2) for one in REGIONS}
    print(f"{name}: {len(asked)}, correlation {whole.correlation:.2f}, slope {whole.slope:.2f}, by region {regions}")
    return rows


def _pairs(folder: Path, people: int, tracker: FaceTracker) -> Iterator[tuple[Shown, Shown]]:
    for path in sorted(folder.glob("*_neutral.jpg"))[:people]:
        images = [
            load_picture(path.with_name(path.name.replace("neutral", one)), _WIDTH) for one in ("neutral", "smiling")
        ]
        faces = [tracker.detect(image)[0] for image in images]
        neutral, smiling = (Shown(image, face, _units(face)) for image, face in zip(images, faces, strict=True))
        yield neutral, smiling


def _films(folder: Path, tracker: FaceTracker) -> Iterator[tuple[Shown, Shown]]:
    for actor in sorted(folder.iterdir()):
        films = [path for path in sorted(actor.iterdir()) if is_video(path) and "song" not in path.name]
        calm = next((path for path in films if "NEU" in path.name or path.name.startswith("01-01-01")), None)
        if calm:
            neutral = _film(calm, tracker)
            yield from ((neutral, _film(path, tracker)) for path in films if path != calm)


def _film(path: Path, tracker: FaceTracker) -> Shown:
    """What lasts in a film, and the frame that is nearest to it."""
    frames = [frame for _, frame in read_frames(path)]
    found = [(frame, face) for frame, face in zip(frames, tracker.track(frames), strict=True) if face]
    meshes = np.array([face.mesh for _, face in found])
    units = expression_network().units(meshes)
    lasting = lasting_units(units)
    image, face = found[int(np.abs(units - lasting)[:, COUNTED].sum(1).argmin())]
    return Shown(np.ascontiguousarray(image), face, lasting)


def _units(face: Face) -> np.ndarray:
    units: np.ndarray = expression_network().units(face.mesh[None])[0]
    return units


def _draw(renderer: Renderer, units: np.ndarray) -> np.ndarray:
    still = np.zeros(3)
    return renderer.render(landmarks_of(units), moved_lids(np.zeros((1, 2)), units)[0], still, still, units)


def _cell(image: np.ndarray, face: Face) -> np.ndarray:
    points = face.mesh[:468, :2]
    middle, half = (points.min(0) + points.max(0)) / 2, 0.6 * float(np.ptp(points, axis=0).max())
    zoom = _CELL / (2 * half)
    place = np.column_stack([zoom * np.eye(2), _CELL / 2 - zoom * middle])
    return cv2.warpAffine(image, place, (_CELL, _CELL), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE)


if __name__ == "__main__":
    main()
