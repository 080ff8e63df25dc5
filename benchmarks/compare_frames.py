"""Whether two checkouts make the same videos of ten requests.

    python benchmarks/compare_frames.py OLD NEW --portraits FOLDER --voices FOLDER [--old-args ...] [--new-args ...]

Runs `rhapsode animate` of both on a picture of scikit-image and those of a folder, with voices, styles, strengths,
seeds, frame rates and gains. Prints for each request the maximal and the mean difference of the decoded frames, in
levels of 8 bits. Arguments after `--old-args` and `--new-args` are added to each request of one side.
"""

import argparse
import itertools
import os
import shlex
import subprocess
import sys
import tempfile
import wave
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import skimage.data
from PIL import Image

from rhapsode.media.reader import read_frames
from rhapsode.media.sound import load_waveform

SECONDS = 3.0
#: Added to the portrait, voice and output of each request.
REQUESTS = (
    "",
    "--seed 3 --fps 29.97",
    "--style happy",
    "--style angry --style-strength 0.5 --seed 1",
    "--style sad --style-strength 1.4",
    "--fps 60 --head-motion 0 --blink 2",
    "--mouth 0.5 --head-motion 2",
    "--style address*0.6+happy*0.4 --fps 12.5",
    "--size 256 --no-teeth",
    "--extra-photo SMILE --seed 9",
)
#: What options are called in checkouts that do not know them.
FORMER = {"--extra-photo": "--also"}


def animate(checkout: Path, words: list[str], out: Path) -> None:
    environment = os.environ | {"PYTHONPATH": str(checkout / "src")}
    program = [sys.executable, "-m", "rhapsode.cli", "animate"]
    usage = subprocess.run([*program, "--help"], cwd=checkout, env=environment, capture_output=True, text=True).stdout
    words = [FORMER.get(word, word) if word not in usage else word for word in words]
    command = [*program, *words, "--out", str(out), "--quiet"]
    ran = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True)
    if ran.returncode:
        raise SystemExit(f"{checkout}: {shlex.join(words)}: {ran.stderr.strip()}")


def differences(one: Path, other: Path) -> Iterator[np.ndarray]:
    frames = itertools.zip_longest(*(read_frames(path) for path in (one, other)))
    for a, b in frames:
        if a is None or b is None or a[1].shape != b[1].shape:
            raise SystemExit(f"{one.name} and {other.name}: another number or size of frames")
        yield np.abs(a[1].astype(np.int16) - b[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--portraits", type=Path, required=True, help="folder of pictures")
    parser.add_argument("--voices", type=Path, required=True, help="folder of recordings")
    parser.add_argument("--old-args", type=shlex.split, default=[], help="added to each request of the old checkout")
    parser.add_argument("--new-args", type=shlex.split, default=[], help="added to each request of the new checkout")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        smile = folder / "astronaut.png"
        Image.fromarray(skimage.data.astronaut()).save(smile)
        pictures = [smile, *sorted(path for path in options.portraits.iterdir() if path.suffix != ".csv")]
        voices = []
        for path in sorted(options.voices.glob("*.wav")):
            sound = load_waveform(path)
            voices.append(folder / path.name)
            with wave.open(str(voices[-1]), "wb") as file:
                file.setparams((1, 2, sound.rate, 0, "NONE", ""))
                start = min(sound.rate, max(len(sound.samples) - round(SECONDS * sound.rate), 0))
                part = sound.samples[start : start + round(SECONDS * sound.rate)]
                file.writeframes(np.rint(32767 * part).astype("<i2").tobytes())
        worst = 0
        for number, request in enumerate(REQUESTS):
            picture, voice = pictures[number % len(pictures)], voices[number % len(voices)]
            words = ["--portrait", str(picture), "--audio", str(voice), *request.replace("SMILE", str(smile)).split()]
            videos = [folder / f"{number}-{side}.mp4" for side in ("old", "new")]
            animate(options.old, [*words, *options.old_args], videos[0])
            animate(options.new, [*words, *options.new_args], videos[1])
            found = [(int(one.max()), float(one.mean())) for one in differences(*videos)]
            largest, mean = max(one for one, _ in found), float(np.mean([one for _, one in found]))
            worst = max(worst, largest)
            print(
                f"{picture.name}, {voice.name} {request}: {len(found)} frames, {largest} at most, {mean:.6f} mean",
                flush=True,
            )
        print(f"largest difference: {worst}")


if __name__ == "__main__":
    main()
