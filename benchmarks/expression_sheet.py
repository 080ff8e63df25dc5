"""Draw what portraits show with styles, a column each, to look at: does anyone see which is which?

    python benchmarks/expression_sheet.py --portraits FOLDER --voice VOICE --styles angry happy clip.mp4 --out OUT

Writes OUT/expressions.png, a row for each portrait: itself, no style, and each style at strength 1, in the same moment
of the same sentence; and OUT/strengths.png, a row for each style on the first portrait: none, and each strength.
"""

import argparse
from itertools import chain, islice
from pathlib import Path

import cv2
import numpy as np
from contact_sheet import cell
from PIL import Image

from rhapsode.animator import Animator
from rhapsode.errors import RhapsodeError
from rhapsode.evaluation.seen_expressions import close_up
from rhapsode.face.tracker import FaceTracker
from rhapsode.learning.learn import style_from_clip
from rhapsode.media.reader import is_video
from rhapsode.media.sound import load_waveform
from rhapsode.media.waveform import SAMPLE_RATE, Waveform
from rhapsode.options import AnimationOptions
from rhapsode.portrait import Portrait
from rhapsode.style.style import Style

#: Pixels of a line of names.
_LINE = 22


def _find(animator: Animator, name: str) -> Style:
    return style_from_clip(name) if is_video(Path(name)) else animator.find_style(name)


def _draw(animator: Animator, portrait: Portrait, sound: Waveform, time: float, style: Style | None, strength: float):
    """The frame at a time, cut to the face."""
    options = AnimationOptions(style=style, style_strength=strength, seed=0, blink=0)
    frame = next(islice(animator.animate(portrait, sound, options), int(25 * time), None))
    face = portrait.measured.face
    return cell(frame, face.landmarks, face.eye_distance)


def _named(row: list[np.ndarray], names: list[str]) -> np.ndarray:
    """Cells side by side, each under its name."""
    line = np.full((_LINE, sum(one.shape[1] for one in row), 3), 255, np.uint8)
    for number, name in enumerate(names):
        place = (number * row[0].shape[1] + 4, _LINE - 6)
        cv2.putText(line, name[-28:], place, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)
    return np.vstack([line, np.hstack(row)])


def main() -> None:
    """Parse the arguments, and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--portraits", type=Path, nargs="+", required=True, help="pictures, or folders of them")
    parser.add_argument("--voice", type=Path, required=True, help="recording")
    parser.add_argument("--time", type=float, default=2.0, help="seconds of the recording that are shown")
    parser.add_argument("--styles", nargs="+", required=True, help="names, mixtures, style files or clips")
    parser.add_argument("--strengths", type=float, nargs="+", default=[0.5, 1.0, 1.5])
    parser.add_argument("--out", type=Path, required=True, help="folder")
    options = parser.parse_args()
    animator, tracker = Animator.from_pretrained(), FaceTracker()
    voice = load_waveform(options.voice, SAMPLE_RATE)
    sound = Waveform(voice.samples[: int((options.time + 0.5) * SAMPLE_RATE)], SAMPLE_RATE)
    styles = [_find(animator, name) for name in options.styles]
    names = [Path(name).stem for name in options.styles]
    paths = chain.from_iterable(sorted(path.iterdir()) if path.is_dir() else [path] for path in options.portraits)
    options.out.mkdir(parents=True, exist_ok=True)
    portraits, rows = [], []
    for path in paths:
        try:
            portraits.append(animator.load_portrait(close_up(path, tracker)))
        except RhapsodeError as error:
            print(error)
            continue
        portrait = portraits[-1]
        face = portrait.measured.face
        row = [cell(portrait.measured.image, face.landmarks, face.eye_distance)]
        row += [_draw(animator, portrait, sound, options.time, style, 1.0) for style in (None, *styles)]
        rows.append(_named(row, [path.stem, "no style", *names]))
        print(path.stem, flush=True)
    Image.fromarray(np.vstack(rows)).save(options.out / "expressions.png")
    rows = []
    for name, style in zip(names, styles, strict=True):
        row = [_draw(animator, portraits[0], sound, options.time, None, 0.0)]
        row += [_draw(animator, portraits[0], sound, options.time, style, strength) for strength in options.strengths]
        rows.append(_named(row, ["no style", *(f"{name} {strength:g}" for strength in options.strengths)]))
    Image.fromarray(np.vstack(rows)).save(options.out / "strengths.png")


if __name__ == "__main__":
    main()
