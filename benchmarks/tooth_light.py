"""Measure how light and of which hue teeth are in smiles, beside the skin around the mouth.

    python benchmarks/tooth_light.py --faces FOLDER

Reads the stills of split `train` that `faces.csv` in the folder lists, and takes those that show an open smile. Prints
the powers of the skin's brightness and hue that tell the teeth's best, and how far people lie from that.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
from rich.progress import track

from rhapsode.data.stills import read_stills
from rhapsode.errors import RhapsodeError
from rhapsode.face import regions
from rhapsode.face.mouth import lip_distance
from rhapsode.face.tracker import FaceTracker
from rhapsode.media.picture import load_picture
from rhapsode.render.mouth_light import skin_around_mouth
from rhapsode.render.portrait import MeasuredPortrait

#: Least opening of a smile, canonical units; of what lies between its lips, this lightest share is teeth.
_OPEN, _LIGHTEST = 0.05, 0.3


def teeth_and_skin(portrait: MeasuredPortrait) -> tuple[np.ndarray, np.ndarray] | None:
    """Give the colours of teeth and skin, (3,) RGB in [0, 255] each; None where the mouth shows too little."""
    if lip_distance(portrait.rest[None])[0] < _OPEN:
        return None
    ring = np.concatenate(
        [portrait.face.mesh[one, :2] for one in (regions.UPPER_INNER_LIP, regions.LOWER_INNER_LIP[::-1])]
    )
    mask = np.zeros(portrait.image.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.rint(ring).astype(np.int32)], 1)
    inside = portrait.image[cv2.erode(mask, np.ones((3, 3))) > 0]
    if len(inside) < 30:
        return None
    light = inside.mean(-1)
    return inside[light >= np.quantile(light, 1 - _LIGHTEST)].mean(0), skin_around_mouth(portrait)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=Path, required=True, help="folder of stills with a list, faces.csv")
    parser.add_argument("--each", type=int, default=110, help="stills of each folder, at most")
    chosen = parser.parse_args()
    found, taken = [], dict[str, int]()
    with FaceTracker() as tracker:
        for still in track([one for one in read_stills(chosen.faces) if one.split == "train"], "stills"):
            taken[still.corpus] = taken.get(still.corpus, 0) + 1
            if taken[still.corpus] > chosen.each:
                continue
            try:
                seen = teeth_and_skin(MeasuredPortrait.from_image(load_picture(still.path), tracker))
            except RhapsodeError:
                continue
            found += [seen] if seen else []
    teeth, skin = np.moveaxis(np.array(found), 1, 0)
    bright, lit = np.log(skin.mean(1)), np.log(teeth.mean(1))
    power, offset = np.polyfit(bright, lit, 1)
    hue_skin, hue = (np.log(one) - np.log(one).mean(1, keepdims=True) for one in (skin, teeth))
    hue_power = float((hue_skin * hue).sum() / (hue_skin**2).sum())
    spread = np.std(lit - power * bright - offset)
    print(f"{len(found)} smiles: brightness of teeth {np.exp(offset + power * np.log(150)):.0f} beside skin of 150,")
    print(f"by the power {power:.2f} of the skin's, people lie {spread:.2f} around it (logarithm);")
    print(f"their hue is the power {hue_power:.2f} of the skin's")


if __name__ == "__main__":
    main()
