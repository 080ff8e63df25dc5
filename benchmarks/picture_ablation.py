"""What ISP images and L_sp are worth: each left out in turn, three seeds, the same number of steps.

    python benchmarks/picture_ablation.py --data stores/clips --out runs/ablation --split test,eval

Trains what is not trained yet, and prints for both kinds of pairs the mean of each figure over seeds, and how far the
seeds lie apart.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from rhapsode.evaluation.image import KINDS, evaluate_image
from rhapsode.training.loop import Loop
from rhapsode.training.style_aware_generator import StyleAwareGeneratorRecipe, train

VARIANTS = ("full", "no_isp", "no_lsp")


def recipe(data: Path, out: Path, variant: str, loop: Loop) -> StyleAwareGeneratorRecipe:
    """The recipe of one training."""
    whole = StyleAwareGeneratorRecipe(data, out, loop=loop)
    if variant == "no_isp":
        return replace(whole, dims=replace(whole.dims, patterns=False))
    return replace(whole, weights=replace(whole.weights, photometric=0.0)) if variant == "no_lsp" else whole


def main() -> None:
    """Parse the arguments, train, score and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--split", default="test,eval")
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    weights: dict[str, Path] = {}
    for seed in range(options.seeds):
        for variant in VARIANTS:
            out = options.out / f"{variant}-{seed}"
            loop = Loop(steps=options.steps, check_every=400, learning_rate=2e-3, seed=seed)
            weights[f"{variant}-{seed}"] = train(recipe(options.data, out, variant, loop))
    stores = Path("stores/clips"), Path("stores/pairs")
    figures = evaluate_image(options.data, stores[0], options.split.split(","), stores[1], weights)
    (options.out / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")
    for kind in KINDS:
        print(f"{kind} ({figures['pairs'][kind]} pairs)")
        for method in ("warp", "painted", *VARIANTS):
            rows = [values for name, values in figures[kind].items() if name.partition("-")[0] == method]
            cells = []
            for name in rows[0]:
                values = np.array([row[name] for row in rows if row[name] is not None])
                cells.append(f"{name} {values.mean():.4g} +- {np.ptp(values) / 2:.2g}" if len(values) else f"{name} -")
            print(f"  {method:8}", ", ".join(cells))


if __name__ == "__main__":
    main()
