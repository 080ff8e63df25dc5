"""Measure whether manifold projection brings lips nearer to those of speakers never heard.

    python benchmarks/projection.py --data DATA [--store FOLDER] [--model MODEL] [--split val]

The bank holds the generator's own features of the `train` clips. Mean mouth-opening correlation by corpus, for several
mixing factors; 0 is without projection.
"""

import argparse
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table

from rhapsode.audio.projection import FeatureBank
from rhapsode.evaluation.clips import real_clips
from rhapsode.learning.base import BaseModels
from rhapsode.metrics.mouth import opening_correlation
from rhapsode.motion.stream import condensed_features, generate
from rhapsode.style.motion_model import styled_motion_model

MIXES = (0.0, 0.25, 0.5, 1.0)


def main() -> None:
    """Parse the arguments and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--store", type=Path, default=Path("stores/clips"))
    parser.add_argument("--model", default="default", help="default, or a model folder")
    parser.add_argument("--split", nargs="+", default=["val"])
    parser.add_argument("--clips", type=int, help="clips to score at most")
    options = parser.parse_args()
    torch.set_num_threads(1)
    base = BaseModels.load(options.model)
    clips = real_clips(options.data, options.store)
    train = [condensed_features(base.speech, clip.tracked.samples) for clip in clips if clip.clip.split == "train"]
    bank = FeatureBank(np.concatenate(train))
    plain = styled_motion_model(base.speech, base.head)
    models = [replace(plain, bank=bank if mix else None, projection=mix) for mix in MIXES]
    scores: dict[str, list[list[float]]] = defaultdict(list)
    for clip in [clip for clip in clips if clip.clip.split in options.split][: options.clips]:
        made = [generate(model, clip.sound) + clip.rest for model in models]
        scores[clip.group].append([opening_correlation(one, clip.real + clip.rest) for one in made])
    table = Table("speakers", "clips", *(f"mix {mix}" for mix in MIXES))
    for group, rows in scores.items():
        table.add_row(group, str(len(rows)), *(f"{value:.3f}" for value in np.mean(rows, 0)))
    Console().print(f"bank of {len(bank)} features", table)


if __name__ == "__main__":
    main()
