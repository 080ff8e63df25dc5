"""Whether manifold projection brings strange voices nearer to the lips they ought to have.

    python benchmarks/projection.py --data DATA [--store FOLDER] [--weights FILE] [--split val]

The bank holds the generator's own features of the `train` clips. Mean mouth-opening correlation by corpus, for several
mixing factors; 0 is without projection.
"""

import argparse
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from rhapsode.audio.projection import FeatureBank
from rhapsode.bundle import Bundle
from rhapsode.evaluation.clips import real_clips
from rhapsode.media.sound import SAMPLE_RATE, Waveform
from rhapsode.metrics.mouth import opening_correlation
from rhapsode.models.motion_generator import MotionGenerator

MIXES = (0.0, 0.25, 0.5, 1.0)


def main() -> None:
    """Parse the arguments and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--store", type=Path, default=Path("stores/clips"))
    shipped = Bundle.load().path("motion_generator.safetensors")
    parser.add_argument("--weights", type=Path, default=shipped)
    parser.add_argument("--split", nargs="+", default=["val"])
    options = parser.parse_args()
    torch.set_num_threads(1)
    generator = MotionGenerator.load(options.weights)
    clips = real_clips(options.data, options.store)
    with torch.inference_mode():
        known = [
            generator.encode(torch.from_numpy(c.tracked.mel)[None])[0][0] for c in clips if c.clip.split == "train"
        ]
    bank = FeatureBank(torch.cat(known).numpy())
    scores: dict[str, list[list[float]]] = defaultdict(list)
    for clip in clips:
        if clip.clip.split in options.split:
            sound = Waveform(clip.tracked.samples, SAMPLE_RATE)
            made = [generator.generate(sound, bank, mix) + clip.rest for mix in MIXES]
            scores[clip.group].append([opening_correlation(one, clip.real + clip.rest) for one in made])
    table = Table("speakers", "clips", *(f"mix {mix}" for mix in MIXES))
    for group, rows in scores.items():
        table.add_row(group, str(len(rows)), *(f"{value:.3f}" for value in np.mean(rows, 0)))
    Console().print(f"bank of {len(bank)} features", table)


if __name__ == "__main__":
    main()
