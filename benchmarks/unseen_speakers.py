"""Score a Motion Generator on people it has never heard, corpus by corpus.

    python benchmarks/unseen_speakers.py --data DATA [--weights FILE]

Mouth-opening correlation, spread ratio (1 is natural), LMD (canonical units), and of the lip closures that GRID's word
alignments place (words that begin with b, p or m) how many are closed, by the generator and by the speaker.
"""

import argparse
from importlib.resources import files
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from rhapsode.audio.mel import MOTION_RATE
from rhapsode.data.speaking import speaking_clip
from rhapsode.data.store import PreparedClip, open_clips
from rhapsode.motion.generator import MotionGenerator
from rhapsode.motion.retarget import CLOSURE, opening
from rhapsode.training.motion_generator import evaluate, measure_lags

TICKS = 25000  # of GRID's alignments, a second
NEAR = 0.1  # seconds around the aligned time in which the lips must meet


def closures(clip: PreparedClip) -> list[float]:
    """When the lips of a GRID clip close, seconds: at the start of b, p and m words, at the end of the letter m."""
    table = clip.clip.path.with_suffix(".align")
    if not table.is_file():
        return []
    rows = [line.split() for line in table.read_text().splitlines()]
    words = [(int(start) / TICKS, int(end) / TICKS, word) for start, end, word in rows]
    at_start = [start for start, _, word in words if word in {"bin", "place", "please", "blue", "b", "p"}]
    return at_start + [end - 0.05 for _, end, word in words if word == "m"]


def closed(openings: np.ndarray, time: float) -> bool:
    """Whether the middle of the lips (T,) comes nearer than `CLOSURE` to its rest around a time."""
    first, last = int((time - NEAR) * MOTION_RATE), int((time + NEAR) * MOTION_RATE) + 1
    return bool(openings[max(first, 0) : last].min() < CLOSURE)


def main() -> None:
    """Parse the arguments and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="folder with clips.csv")
    parser.add_argument("--store", type=Path, default=Path("stores/clips"))
    shipped = Path(str(files("rhapsode.weights") / "motion_generator.safetensors"))
    parser.add_argument("--weights", type=Path, default=shipped)
    options = parser.parse_args()
    generator = MotionGenerator.load(options.weights)
    clips = [clip for clip in open_clips(options.data, options.store) if clip.clip.split != "train"]
    lags, _ = measure_lags(generator, clips)
    scores = evaluate(generator, clips, lags)

    groups: dict[str, list[str]] = {}
    for clip in clips:
        folder = clip.clip.name.split("/")[1] if clip.clip.corpus == "expressive" else clip.clip.corpus
        groups.setdefault(f"{folder} {clip.clip.split}", []).append(clip.clip.name)
    table = Table("speakers", "clips", "corr", "spread", "LMD")
    for group, names in groups.items():
        rows = np.array([list(scores[name].values()) for name in names])
        table.add_row(group, str(len(names)), *(f"{value:.3f}" for value in rows.mean(0)))
    console = Console()
    console.print(table)

    made = real = count = 0
    for clip in clips:
        if (clip.clip.corpus, clip.clip.split) != ("grid", "test"):
            continue
        heard = speaking_clip(clip)
        with torch.inference_mode():
            generated = generator(torch.from_numpy(heard.mel)[None])[0].numpy()
        for time in closures(clip):
            count += 1
            made += closed(opening(generated)[:, 1], time)
            real += closed(opening(heard.expression)[:, 1], time)
    console.print(f"closures on GRID test: generated {made} of {count}, the speakers themselves {real}")


if __name__ == "__main__":
    main()
