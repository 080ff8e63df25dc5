"""Draw the gallery: portraits of every kind speaking, blinking, and their ISP images.

    python benchmarks/gallery.py --portraits FOLDER --voices FOLDER --out out/gallery

Beside the portraits named, it draws those that come with packages that are installed anyway (an astronaut with
scikit-image, a rear admiral with matplotlib, both in the public domain), and makes of them a drawing, a grey picture,
one of 200 and one of 4000 pixels. It writes speech.jpg, blinks.jpg and isp.jpg, and with --clips an MP4 of each.
"""

import argparse
import itertools
from pathlib import Path

import cv2
import matplotlib.cbook
import numpy as np
import skimage.data
from contact_sheet import CELL, cell, picture
from PIL import Image

from rhapsode.animator import Animator
from rhapsode.motion.lids import moved_lids
from rhapsode.options import AnimationOptions


def made() -> dict[str, np.ndarray]:
    """Portraits from packages, and what is made of them: name -> (H, W, 3) uint8."""
    astronaut = np.asarray(skimage.data.astronaut())
    with matplotlib.cbook.get_sample_data("grace_hopper.jpg") as file:
        admiral = np.asarray(Image.open(file).convert("RGB"))
    face = astronaut[:300, 80:380]
    grey = cv2.cvtColor(cv2.cvtColor(admiral, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    _, drawing = cv2.pencilSketch(cv2.resize(admiral, None, fx=1.5, fy=1.5), sigma_s=60, sigma_r=0.1, shade_factor=0.05)
    return {
        "astronaut": astronaut,
        "admiral": admiral,
        "admiral, grey": grey,
        "admiral, drawing": drawing,
        "astronaut, 200 px": cv2.resize(face, (200, 200), interpolation=cv2.INTER_AREA),
        "astronaut, 4000 px": cv2.resize(face, (4000, 4000), interpolation=cv2.INTER_CUBIC),
    }


def main() -> None:
    """Parse the arguments and write the gallery."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--portraits", type=Path, nargs="*", default=[], help="folders, pictures or clips")
    parser.add_argument("--voices", type=Path, required=True, help="folder of recordings, taken in turn")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--cells", type=int, default=7)
    parser.add_argument("--every", type=int, default=7, help="frames from one cell to the next (25 a second)")
    parser.add_argument("--clips", action="store_true", help="also write an MP4 of each")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    voices = sorted(p for p in options.voices.iterdir() if p.is_file())
    paths = itertools.chain.from_iterable(sorted(p.iterdir()) if p.is_dir() else [p] for p in options.portraits)
    portraits = made() | {path.stem: picture(path) for path in paths}
    animator = Animator.from_pretrained()
    sheets: dict[str, list[np.ndarray]] = {"speech": [], "blinks": [], "isp": []}
    for number, ((name, image), voice) in enumerate(zip(portraits.items(), itertools.cycle(voices), strict=False)):
        portrait = animator.load_portrait(image)
        face, painter = portrait.measured.face, portrait.painter()
        video = animator.animate(portrait, voice, AnimationOptions(seed=number))
        if options.clips:
            video.save(options.out / f"{name.replace(', ', '-').replace(' ', '-')}.mp4")
        frames = list(itertools.islice(video, 4, 4 + options.every * options.cells, options.every))
        renderer = portrait.renderer()
        shut = [
            renderer.render(np.zeros((68, 3)), lids, np.zeros(3), np.zeros(3))
            for lids in moved_lids(np.linspace([0, 0], [1, 1], options.cells + 1))
        ]
        for sheet, row in (("speech", [image, *frames]), ("blinks", shut)):
            sheets[sheet].append(np.hstack([cell(one, face.landmarks, face.eye_distance) for one in row]))
        isp = [painter.window.rest, *painter.patterns]
        sheets["isp"].append(np.hstack([cv2.resize(one, (CELL, CELL), interpolation=cv2.INTER_CUBIC) for one in isp]))
        print(f"{name}: {image.shape[1]} x {image.shape[0]}, {face.eye_distance:.0f} px between the eyes")
    for name, rows in sheets.items():
        Image.fromarray(np.vstack(rows)).save(options.out / f"{name}.jpg", quality=88)


if __name__ == "__main__":
    main()
