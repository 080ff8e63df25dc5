"""Draw portraits in the middle of a sentence, one row each, to look at.

    python benchmarks/contact_sheet.py --portraits FOLDER --voices FOLDER --out sheet.png

The first column is the portrait itself. The astronaut that comes with scikit-image is always the first row. With
--styles each portrait has a row for each of them, all of one voice ("none" is the shipped manner).
"""

import argparse
import itertools
from pathlib import Path

import cv2
import numpy as np
import skimage.data
from PIL import Image

from rhapsode.animator import Animator
from rhapsode.media.picture import load_picture
from rhapsode.media.reader import read_frames
from rhapsode.options import AnimationOptions
from rhapsode.style.library import StyleLibrary

CELL, EYES = 256, 84  # pixels: size of a cell, distance between the eye corners in it


def cell(frame: np.ndarray, landmarks: np.ndarray, eye_distance: float) -> np.ndarray:
    """The face of a frame (H, W, 3), where it was in the portrait, in a square cell."""
    zoom = EYES / eye_distance
    x, y = landmarks[30, :2] * zoom
    place = np.array([[zoom, 0, CELL / 2 - x], [0, zoom, CELL / 2 - 10 - y]])
    how = cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC
    return cv2.warpAffine(frame, place, (CELL, CELL), flags=how, borderMode=cv2.BORDER_REPLICATE)


def picture(path: Path) -> np.ndarray:
    """A still picture, or the first frame of a clip."""
    if path.suffix.lower() in {".mpg", ".mp4", ".flv"}:
        return next(iter(read_frames(path)))[1]
    return load_picture(path, None)


def main() -> None:
    """Parse the arguments and write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--portraits", type=Path, nargs="*", default=[], help="folders, pictures or clips")
    parser.add_argument("--voices", type=Path, required=True, help="folder of recordings, taken in turn")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--every", type=int, default=9, help="frames from one cell to the next (25 a second)")
    parser.add_argument("--cells", type=int, default=8)
    parser.add_argument("--styles", nargs="*", default=["none"], help='names, mixtures, style files, clips, or "none"')
    parser.add_argument("--strength", type=float, default=1.0)
    parser.add_argument("--library", type=Path, help="where styles are looked up")
    options = parser.parse_args()
    voices = sorted(p for p in options.voices.iterdir() if p.is_file())
    paths = itertools.chain.from_iterable(sorted(p.iterdir()) if p.is_dir() else [p] for p in options.portraits)
    images = [np.asarray(skimage.data.astronaut()), *(picture(path) for path in paths)]
    animator, rows, library = Animator.from_pretrained(), [], StyleLibrary(options.library)
    styles = [None if name == "none" else animator.find_style(name, library) for name in options.styles]
    for number, (image, voice) in enumerate(zip(images, itertools.cycle(voices), strict=False)):
        portrait = animator.load_portrait(image)
        face = portrait.measured.face
        for style in styles:
            video = animator.animate(
                portrait, voice, AnimationOptions(style=style, style_strength=options.strength, seed=number)
            )
            wanted = itertools.islice(video, 4, 4 + options.every * options.cells, options.every)
            rows.append(np.hstack([cell(frame, face.landmarks, face.eye_distance) for frame in [image, *wanted]]))
    options.out.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.vstack(rows)).save(options.out)


if __name__ == "__main__":
    main()
