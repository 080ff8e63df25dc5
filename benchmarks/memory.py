"""Memory of `animate` by the length of the sound: speech over and over, in stereo at 16 kHz, from a WAV file.

    python benchmarks/memory.py --minutes 10 60 600

Each length runs in a process of its own, at 2 frames a second and 64 pixels. Prints the most memory that it held, and
how long it took. `--stream` writes fragments to nowhere; a file's index of packets grows by 4 MB an hour.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
import wave
from pathlib import Path

import cv2
import numpy as np
import skimage.data

from rhapsode.animator import Animator
from rhapsode.compute import peak_rss_mb
from rhapsode.media.sinks import FragmentedMp4
from rhapsode.media.synthesis import synthesise
from rhapsode.media.waveform import resample
from rhapsode.options import AnimationOptions
from rhapsode.tools.benchmark import SENTENCE

RATE = 16_000


class Nowhere:
    def write(self, data: bytes) -> int:
        return len(data)


def write_speech(path: Path, minutes: float) -> None:
    spoken = np.concatenate([resample(synthesise(SENTENCE), RATE).samples, np.zeros(RATE, np.float32)])
    stereo = np.repeat(np.rint(32767 * spoken).astype("<i2")[:, None], 2, 1)
    left = round(60 * minutes * RATE)
    with wave.open(str(path), "wb") as file:
        file.setparams((2, 2, RATE, 0, "NONE", ""))
        while left > 0:
            file.writeframes(stereo[:left].tobytes())
            left -= len(stereo)


def animate(sound: Path, out: Path | None) -> None:
    began = time.perf_counter()
    animator = Animator.from_pretrained(threads=1)
    # Her face alone, so that it is large enough in 64 pixels.
    face = skimage.data.astronaut()[50:178, 160:288]
    portrait = animator.load_portrait(cv2.resize(face, (64, 64), interpolation=cv2.INTER_AREA))
    video = animator.animate(portrait, sound, AnimationOptions(fps=2))
    facts = video.save(out or FragmentedMp4(Nowhere()))
    figures = {"frames": facts.frames, "seconds": round(time.perf_counter() - began), "peak_mb": peak_rss_mb()}
    print(json.dumps(figures))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, nargs="+", default=[10, 60])
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--sound", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.sound:
        animate(options.sound, options.out)
        return
    with tempfile.TemporaryDirectory() as folder:
        # The first run is not told of: it finds the face, which takes memory, and keeps it.
        for number, minutes in enumerate([0.05, *options.minutes]):
            sound = Path(folder) / "sound.wav"
            write_speech(sound, minutes)
            command = [sys.executable, __file__, "--sound", str(sound)]
            command += [] if options.stream else ["--out", str(Path(folder) / "out.mp4")]
            ran = subprocess.run(command, capture_output=True, text=True, check=True)
            figures = json.loads(ran.stdout)
            told = f"{figures['peak_mb']:.1f} MB at most, {figures['frames']} frames in {figures['seconds']} s"
            if number:
                print(f"{minutes:g} min: {told}", flush=True)


if __name__ == "__main__":
    main()
