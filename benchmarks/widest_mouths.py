"""Draw the widest mouths of portraits that speak, three times enlarged, to look at; another checkout's beside them.

    python benchmarks/widest_mouths.py --portraits FOLDER --voice VOICE --out mouths.png [--before CHECKOUT]

Each portrait has a cell: the face, the mouth of the checkout named, if any, and the mouth as it is now, at the widest
opening of the first seconds. Portraits that cannot be animated are told.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from rhapsode.animator import Animator
from rhapsode.errors import RhapsodeError
from rhapsode.options import AnimationOptions

#: Longest side of a picture, pixels; side of a cell; cells in a row; frames that are drawn.
SIDE, CELL, ROW, FRAMES = 512, 240, 4, 75
#: Half the width of what is shown of a mouth, canonical units.
_REACH = 0.42


def widest(animator: Animator, path: Path, voice: Path) -> tuple[np.ndarray, np.ndarray]:
    """Give the face and the mouth of a portrait where it is widest, (CELL, CELL, 3) uint8 RGB each.

    Raises:
        RhapsodeError: the portrait cannot be animated.
    """
    portrait = animator.load_portrait(path, size=SIDE)
    # Neither blinks nor turns matter to a mouth.
    video = animator.animate(portrait, voice, AnimationOptions(fps=25, head_motion=0, seed=0))
    wide = [float(one.motion.expression[0, [67, 66, 65], 1].sum()) for one in islice(video.motion(), FRAMES)]
    frame = next(islice(video, int(np.argmax(wide)), None))
    landmarks, unit = portrait.measured.face.landmarks[:, :2], portrait.measured.unit
    faces = ((portrait.measured.image, landmarks[:, :2].mean(0), 1.1), (frame, landmarks[48:68].mean(0), _REACH))
    return tuple(_cut(image, centre, reach * unit) for image, centre, reach in faces)


def _cut(image: np.ndarray, centre: np.ndarray, reach: float) -> np.ndarray:
    scale = CELL / (2 * reach)
    place = np.column_stack([scale * np.eye(2), CELL / 2 - scale * centre])
    cut: np.ndarray = cv2.warpAffine(image, place, (CELL, CELL), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    return cut


def _try(animator: Animator, path: Path, voice: Path) -> np.ndarray | None:
    """Face and mouth of a portrait, side by side; None, which is told, where it cannot be animated."""
    try:
        return np.hstack(widest(animator, path, voice))
    except RhapsodeError as error:
        print(f"{path.name}: left out ({error.message})", file=sys.stderr)
        return None


def draw(portraits: list[Path], voice: Path) -> dict[str, np.ndarray]:
    """Give face and mouth of each portrait, side by side, by its name."""
    animator = Animator.from_pretrained()
    tried = {path.name: _try(animator, path, voice) for path in track(portraits, "portraits")}
    return {name: cell for name, cell in tried.items() if cell is not None}


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--portraits", type=Path, nargs="+", required=True, help="pictures, or folders of them")
    parser.add_argument("--voice", type=Path, required=True, help="recording")
    parser.add_argument("--before", type=Path, help="another checkout, whose mouths stand to the left")
    parser.add_argument("--out", type=Path, required=True, help="a PNG, or .npz for the cells by name")
    chosen = parser.parse_args()
    portraits = [each for one in chosen.portraits for each in (sorted(one.iterdir()) if one.is_dir() else [one])]
    now = draw(portraits, chosen.voice)
    if chosen.out.suffix == ".npz":
        np.savez(chosen.out, **now)
        return
    before = {}
    if chosen.before:
        with tempfile.TemporaryDirectory() as folder:
            there = Path(folder) / "before.npz"
            paths = [str(each) for each in (*portraits, "--voice", chosen.voice, "--out", there)]
            path = {**os.environ, "PYTHONPATH": str(chosen.before.resolve() / "src")}
            subprocess.run([sys.executable, __file__, "--portraits", *paths], check=True, env=path)
            with np.load(there) as cells:
                before = {name: cells[name][:, CELL:] for name in cells.files}
    cells = [np.hstack([cell[:, :CELL], before.get(name, cell[:, :0]), cell[:, CELL:]]) for name, cell in now.items()]
    for cell, name in zip(cells, now, strict=True):
        cv2.putText(cell, Path(name).stem[:24], (4, 14), cv2.FONT_HERSHEY_SIMPLEX, 0.4, (255, 255, 0), 1, cv2.LINE_AA)
    width = max(cell.shape[1] for cell in cells)
    cells = [np.pad(cell, ((0, 0), (0, width - cell.shape[1]), (0, 0))) for cell in cells]
    cells += [np.zeros_like(cells[0])] * (-len(cells) % ROW)
    rows = [np.hstack(cells[first : first + ROW]) for first in range(0, len(cells), ROW)]
    cv2.imwrite(str(chosen.out), np.vstack(rows)[..., ::-1])


if __name__ == "__main__":
    main()
