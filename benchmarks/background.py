"""Measure how much the background changes as a head moves before it, and how sharp the face stays.

It draws stripes, wood, books and bricks behind portraits by their mattes, and takes each as it is, too. Each is
measured as one piece whose background is damped, and with the person as a layer:

    python benchmarks/background.py PICTURE_OR_CLIP... --side 560 --sheet sheet.png

The sheet has a row for each: the portrait, a frame as one piece, a frame of layers, the matte.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from rhapsode.face.tracker import FaceTracker
from rhapsode.media.picture import fitting, load_picture, resized
from rhapsode.media.reader import is_video, read_frames
from rhapsode.render.cut_out import lay
from rhapsode.render.grid import Box
from rhapsode.render.portrait import MeasuredPortrait
from rhapsode.render.renderer import Renderer
from rhapsode.render.stage import Stage

Drawing = Callable[[int, int, float], np.ndarray]
STILL = np.zeros((68, 3)), np.zeros((2, 2))
#: Rotations of the head, degrees, and its shifts, canonical units.
MOVES = (
    ((3, 7, 4), (0.06, 0.03, 0)),
    ((-2, -6, 3), (-0.05, 0.02, 0)),
    ((4, 2, -6), (0.03, -0.04, 0)),
    ((-3, 4, 0), (0, 0, 0)),
)
#: What is measured: less of the person than this in both frames, within so many units of the eyes.
OUTSIDE, NEAR = 0.02, 3.0
#: Side of a cell of the sheet, pixels.
CELL = 480


def stripes(height: int, width: int, unit: float) -> np.ndarray:
    """Draw vertical stripes, (height, width, 3) float32."""
    light = (np.arange(width) // max(unit * 0.18, 4)) % 2 * 145 + 70
    return np.broadcast_to(light[None, :, None], (height, width, 3)).astype(np.float32)


def wood(height: int, width: int, unit: float) -> np.ndarray:
    """Draw planks with grain, (height, width, 3) float32."""
    noise = np.random.default_rng(1).normal(0, 1, (height, width)).astype(np.float32)
    grain = cv2.GaussianBlur(noise, (0, 0), sigmaX=unit * 0.6, sigmaY=1.2)
    planks = np.array([150, 105, 65], np.float32) + 18 * (grain / grain.std())[..., None]
    planks[np.arange(height) % int(unit * 0.7) < max(unit / 40, 2)] = 50, 30, 20
    return np.clip(planks, 0, 255)


def books(height: int, width: int, unit: float) -> np.ndarray:
    """Draw shelves of books, (height, width, 3) float32."""
    rng, shelf = np.random.default_rng(2), int(unit * 1.3)
    picture = np.full((height, width, 3), 40, np.float32)
    for top in range(0, height, shelf):
        left = 0
        while left < width:
            thick, lower = int(unit * rng.uniform(0.12, 0.3)), int(shelf * rng.uniform(0.05, 0.3))
            picture[top + lower : top + shelf - shelf // 14, left : left + thick - 1] = rng.integers(40, 220, 3)
            left += thick
    return picture


def bricks(height: int, width: int, unit: float) -> np.ndarray:
    """Draw a wall of bricks, (height, width, 3) float32."""
    rng, tall, wide = np.random.default_rng(3), int(unit * 0.3), int(unit * 0.75)
    picture = np.full((height, width, 3), 190, np.float32)
    for row, top in enumerate(range(0, height, tall)):
        for left in range(-(row % 2) * wide // 2, width, wide):
            colour = np.array([150, 75, 60]) + rng.integers(-20, 20, 3)
            picture[top + 2 : top + tall, max(left + 2, 0) : max(left + wide, 0)] = colour
    return picture


DRAWINGS: dict[str, Drawing] = {"stripes": stripes, "wood": wood, "books": books, "bricks": bricks}


def sharpness(image: np.ndarray, where: np.ndarray) -> float:
    """Variance of the Laplacian of a picture's lightness over a mask."""
    light = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return float(cv2.Laplacian(light, cv2.CV_32F)[where].var())


def measure(portrait: MeasuredPortrait, matte: np.ndarray) -> tuple[float, float, float]:
    """Compare frames with their portrait: the background's change, mean and 95th percentile, and sharpness kept."""
    image, (height, width) = portrait.image, portrait.image.shape[:2]
    rows, columns = np.mgrid[:height, :width]
    eyes = portrait.face.landmarks[27, :2]
    near = np.hypot(columns - eyes[0], rows - eyes[1]) < NEAR * portrait.unit
    face = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(face, cv2.convexHull(portrait.face.landmarks[:, :2].astype(np.int32)), 1)
    face = cv2.erode(face, np.ones((7, 7)))
    renderer, changes, kept = Renderer(portrait), [], []
    for degrees, shift in MOVES:
        rotation, translation = np.deg2rad(degrees), np.array(shift, float)
        frame = renderer.render(*STILL, rotation, translation)
        source = portrait.head.source(portrait.head.displacement(rotation, translation), rotation)
        places = portrait.head.grid.enlarge(source, Box(0, 0, width, height))
        moved = cv2.remap(matte, places, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        outside = near & (matte < OUTSIDE) & (moved < OUTSIDE)
        changes.append(np.abs(frame.astype(np.float32) - image).mean(-1)[outside])
        seen = cv2.remap(face, places, None, cv2.INTER_LINEAR) > 0
        kept.append(sharpness(frame, seen) / sharpness(image, face > 0))
    change = np.concatenate(changes)
    return float(change.mean()), float(np.percentile(change, 95)), float(np.mean(kept))


def damped(portrait: MeasuredPortrait) -> MeasuredPortrait:
    """The same portrait drawn as one piece."""
    other = replace(portrait)
    vars(other)["stage"] = Stage.of_one_piece(portrait.image, portrait.rig.skin, portrait.sharpening)
    return other


def row(portrait: MeasuredPortrait) -> np.ndarray:
    """A portrait, a frame as one piece, a frame of layers and the matte, around the head."""
    rotation, translation = np.deg2rad(MOVES[0][0]), np.array(MOVES[0][1], float)
    frames = [Renderer(one).render(*STILL, rotation, translation) for one in (damped(portrait), portrait)]
    alpha = cv2.cvtColor(portrait.cut_out.person[..., 3], cv2.COLOR_GRAY2RGB)
    zoom, (x, y) = CELL / 3.9 / portrait.unit, portrait.face.landmarks[27, :2]
    place = np.array([[zoom, 0, CELL / 2 - zoom * x], [0, zoom, 0.45 * CELL - zoom * y]])
    how = cv2.INTER_AREA if zoom < 1 else cv2.INTER_CUBIC
    return np.hstack([cv2.warpAffine(one, place, (CELL, CELL), flags=how) for one in (portrait.image, *frames, alpha)])


def picture(path: Path, side: int) -> np.ndarray:
    """A still picture, or the first frame of a clip."""
    if not is_video(path):
        return load_picture(path, side)
    frame = next(iter(read_frames(path)))[1]
    return resized(frame, fitting((frame.shape[1], frame.shape[0]), side))


def main() -> None:
    """Print a line for each picture and background."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pictures", nargs="+", type=Path)
    parser.add_argument("--side", type=int, default=560, help="longest side to which pictures are reduced, pixels")
    parser.add_argument("--sheet", type=Path, help="picture to draw")
    options = parser.parse_args()
    drawn = []
    with FaceTracker() as tracker:
        for path in options.pictures:
            image = picture(path, options.side)
            own = MeasuredPortrait.from_image(image, tracker)
            matte = own.cut_out.free[..., 3].astype(np.float32) / 255
            pictures = {"own": image}
            for name, draw in DRAWINGS.items():
                pictures[name] = np.empty_like(image)
                lay(own.cut_out.free, np.rint(draw(*image.shape[:2], own.unit)).astype(np.uint8), pictures[name])
            for name, laid in pictures.items():
                portrait = MeasuredPortrait.from_image(laid, tracker, own.face)
                before, now = measure(damped(portrait), matte), measure(portrait, matte)
                print(
                    f"{path.stem} {name}: one piece {before[0]:.1f}, 95 % {before[1]:.1f}; layers {now[0]:.1f}, "
                    f"95 % {now[1]:.1f}; sharpness {before[2]:.2f}, {now[2]:.2f}",
                    flush=True,
                )
                drawn.append(row(portrait))
    if options.sheet is not None:
        Image.fromarray(np.vstack(drawn)).save(options.sheet)


if __name__ == "__main__":
    main()
