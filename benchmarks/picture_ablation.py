"""What ISP images and L_sp are worth: each left out in turn, three seeds, the same number of steps.

    python benchmarks/picture_ablation.py --data stores/clips --out runs/ablation --split test,eval

Trains what is not trained yet, and prints for both kinds of pairs the mean of each figure over seeds, and how far the
seeds lie apart; `own`: shown four pictures of the person from another clip. Scored are people who are seen in two
clips at least, in the mouth's window as the networks paint it, before it is carried to the frame.
"""

import argparse
import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from skimage.metrics import structural_similarity

from rhapsode.data.pairs import Pairs
from rhapsode.data.prepare_pairs import prepare_pairs
from rhapsode.data.store import ClipStore, open_store
from rhapsode.evaluation.image_scorer import KINDS, mouth_region
from rhapsode.models.style_aware_generator import StyleAwareGenerator
from rhapsode.render.mouth_window import INSIDE, WindowSize
from rhapsode.training.picture_batches import others_of, photos_of
from rhapsode.training.picture_scores import closed_to_open, paint
from rhapsode.training.style_aware_generator import StyleAwareGeneratorRecipe, train

VARIANTS = ("full", "no_isp", "no_lsp")


def recipe(data: Path, out: Path, variant: str, seed: int) -> StyleAwareGeneratorRecipe:
    """The recipe of one training: that of the weights that ship, but for what is left out."""
    whole = StyleAwareGeneratorRecipe(data, out)
    whole = replace(whole, loop=replace(whole.loop, seed=seed))
    if variant == "no_isp":
        return replace(whole, dims=replace(whole.dims, patterns=False))
    return replace(whole, weights=replace(whole.weights, photometric=0.0)) if variant == "no_lsp" else whole


def score(generator: StyleAwareGenerator, everything: Sequence[Pairs], shown: bool) -> dict[str, list[float]]:
    """Means over both kinds of pairs: error between the lips and around the mouth, [0, 255], and SSIM around it.

    Scored are people seen in two clips at least; `shown`: the generator is shown pictures from another one.
    """
    found: dict[str, list[list[float]]] = defaultdict(list)
    for pairs in everything:
        others = [other for other in others_of(pairs, everything) if other.clip != pairs.clip]
        if not others:
            continue
        painted = paint(generator, pairs, photos_of(pairs, others[0], np.ones(4, bool)) if shown else None)
        opens = set(closed_to_open(pairs).tolist())
        for frame in range(0, len(pairs.real), 2):
            real, part = pairs.real[frame].astype(np.float32), mouth_region(pairs.regions[frame])
            difference = np.abs(painted[frame] - real).mean(-1)
            inside = pairs.drawn[frame, ..., INSIDE] > 127
            _, ssim = structural_similarity(painted[frame], real, channel_axis=2, data_range=255, full=True)
            if inside.any():
                row = [float(difference[inside].mean()), float(difference[part].mean()), float(ssim[part].mean())]
                for kind in KINDS if frame in opens else KINDS[1:]:
                    found[kind].append(row)
    return {kind: np.mean(rows, axis=0).tolist() for kind, rows in found.items()}


def main() -> None:
    """Parse the arguments, train, score and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--split", default="test,eval")
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    store, everything = open_store(options.data, Path("stores/clips")), []
    for split in options.split.split(","):
        part = ClipStore(store.folder, [entry for entry in store.entries if entry.split == split])
        everything += prepare_pairs(part, Path("stores/pairs") / f"{split}.safetensors", WindowSize())
    everything = [pairs for pairs in everything if not pairs.speaker.startswith("ravdess")]
    for variant in VARIANTS:
        alone, own = [], []
        for seed in range(options.seeds):
            weights = options.out / f"{variant}-{seed}" / "style_aware_generator.safetensors"
            if not weights.is_file():
                train(recipe(options.data, weights.parent, variant, seed))
            generator = StyleAwareGenerator.load(weights)
            alone.append(score(generator, everything, shown=False))
            if generator.dims.patterns:
                own.append(score(generator, everything, shown=True))
        scored = {variant: alone, f"{variant} own": own} if own else {variant: alone}
        for (name, of_seeds), kind in itertools.product(scored.items(), KINDS):
            values = np.array([one[kind] for one in of_seeds])
            told = [
                f"{a:.4g} ({', '.join(f'{b:.4g}' for b in c)})" for a, c in zip(values.mean(0), values.T, strict=True)
            ]
            print(f"{kind:15} {name:11} between the lips {told[0]}, mouth {told[1]}, SSIM {told[2]}", flush=True)


if __name__ == "__main__":
    main()
