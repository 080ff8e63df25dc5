"""Sessions that last, and sessions at once: is memory flat, and does each get its share?

    python benchmarks/sessions.py --minutes 60 --fps 5
    python benchmarks/sessions.py --sessions 10 --minutes 0.25

Feeds every session the same spoken sentence over and over, 100 ms in turn, and prints the memory held and the time that
each took.
"""

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
import skimage.data

from rhapsode.animator import Animator
from rhapsode.compute import peak_rss_mb
from rhapsode.media.sound import SAMPLE_RATE, resample
from rhapsode.media.synthesis import synthesise
from rhapsode.options import AnimationOptions
from rhapsode.tools.benchmark import SENTENCE

CHUNK = SAMPLE_RATE // 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sessions", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--fps", type=float, default=25)
    asked = parser.parse_args()
    animator, picture = Animator.from_pretrained(), np.asarray(skimage.data.astronaut())
    portrait = animator.load_portrait(picture)
    spoken = resample(synthesise(SENTENCE), SAMPLE_RATE).samples.astype(np.float32)
    sound = np.concatenate([spoken, np.zeros(SAMPLE_RATE, np.float32)])
    options = [AnimationOptions(fps=asked.fps, seed=seed) for seed in range(asked.sessions)]
    sessions = [animator.start_session(portrait, each) for each in options]
    took, frames = [0.0] * len(sessions), [0] * len(sessions)
    chunks = round(asked.minutes * 600)
    began = time.perf_counter()
    for number in range(chunks):
        chunk = np.take(sound, range(number * CHUNK, (number + 1) * CHUNK), mode="wrap")
        for one, session in enumerate(sessions):
            start = time.perf_counter()
            frames[one] += sum(1 for _ in session.feed(chunk))
            took[one] += time.perf_counter() - start
        if number % max(chunks // 12, 1) == 0:
            print(
                f"{number / 600:6.2f} min of sound: {now_mb():6.1f} MB held, {peak_rss_mb():6.1f} MB at most",
                flush=True,
            )
    seconds = chunks / 10
    print(f"{len(sessions)} sessions, {seconds:.0f} s of sound each, in {time.perf_counter() - began:.1f} s")
    speeds = [seconds / one for one in took]
    print(
        f"frames {min(frames)} to {max(frames)}; alone each would run {statistics.median(speeds):.2f} times real time"
    )
    print(f"time of the slowest session over that of the quickest: {max(took) / min(took):.3f}")


def now_mb() -> float:
    """Memory held now, MB; Linux only."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 1e6


if __name__ == "__main__":
    main()
