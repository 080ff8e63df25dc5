"""Draw portraits as their heads turn and nod, to be looked at.

    python benchmarks/turned_sheet.py PICTURE... --out sheet.png

A row for each portrait, a column for each pose, degrees of nod and turn.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from rhapsode.animator import Animator

#: Nod and turn of each column, degrees.
POSES = ((0, -20), (0, -10), (0, 0), (0, 10), (0, 20), (-12, 0), (12, 0))
#: Side of a cell, pixels; canonical units that it shows; where in it the face lies, from above.
CELL, SHOWN, DOWN = 320, 3.6, 0.54


def row(animator: Animator, path: Path, side: int) -> np.ndarray:
    """Draw a portrait in every pose, around where its face is in the picture."""
    portrait = animator.load_portrait(path, size=side)
    renderer, face = portrait.renderer(), portrait.measured.face.mesh[:, :2].mean(0)
    zoom = CELL / SHOWN / portrait.measured.unit
    place = np.column_stack([zoom * np.eye(2), [CELL / 2 - zoom * face[0], DOWN * CELL - zoom * face[1]]])
    how = cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC
    cells = []
    for nod, turn in POSES:
        rotation = np.deg2rad([nod, turn, 0.0])
        frame = renderer.render(np.zeros((68, 3)), np.zeros((2, 2)), rotation, np.zeros(3))
        cells.append(cv2.warpAffine(frame, place, (CELL, CELL), flags=how, borderMode=cv2.BORDER_REPLICATE))
    return np.hstack(cells)


def main() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("--side", type=int, default=720, help="longest side to which pictures are reduced, pixels")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()
    animator = Animator.from_pretrained()
    Image.fromarray(np.vstack([row(animator, path, options.side) for path in options.pictures])).save(options.out)


if __name__ == "__main__":
    main()
