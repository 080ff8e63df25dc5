"""Learn styles with one setting changed at a time, and score them as `rhapsode evaluate style` does.

    python benchmarks/style_ablation.py --data STORE --out ablation.json [--only NAME...] [--variants NAME...]

A row is written as soon as it is done; rows that are in the file already are skipped.
"""

import argparse
import json
from dataclasses import replace
from pathlib import Path

from rhapsode.evaluation.styles import evaluate_style
from rhapsode.learning.recipe import TransferRecipe

FIGURES = ("SLD", "SLV", "SMD", "mouth_opening_corr", "lips_shut", "shape_leak")
BASE = TransferRecipe()
VARIANTS = {
    "shipped": {},
    "seed 1": {"seed": 1},
    "seed 2": {"seed": 2},
    "without L_r": {"regularisation": 0.0},
    "without L_sc": {"constraint": 0.0},
    "without coverage": {"coverage": 0.0},
    "paper: frames, (1)-(4), L_mg alone besides": {"form": "paper", "coverage": 0.0},
    "frames": {"form": "paper"},
    "both minimise (4)": {"schedule": "joint"},
    "both minimise (4), without coverage": {"schedule": "joint", "coverage": 0.0},
    "norm: frobenius": {"norm": "frobenius"},
    "norm: sum": {"norm": "sum"},
    "gamma 0.1": {"gamma": 0.1},
    "gamma 0.25": {"gamma": 0.25},
    "gamma 0.75": {"gamma": 0.75},
    "gamma 1": {"gamma": 1.0},
    "from the unstyled generator": {"start": "generator"},
    "projection 0.5": {"projection": 0.5},
    "projection 1": {"projection": 1.0},
    "rank 8": {"rank": 8},
    "without lip sync": {"lip_sync": 0.0},
}


def main() -> None:
    """Parse the arguments, and fill the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="prepared store")
    parser.add_argument("--out", type=Path, required=True, help="table, JSON")
    parser.add_argument("--only", nargs="*", help="style clips, all of split eval by default")
    parser.add_argument("--variants", nargs="*", default=list(VARIANTS))
    parser.add_argument("--steps", type=int, default=BASE.steps, help="steps of each transfer")
    options = parser.parse_args()
    rows = json.loads(options.out.read_text()) if options.out.is_file() else {}
    for name in options.variants:
        if name in rows:
            continue
        recipe = replace(BASE, steps=options.steps, **VARIANTS[name])
        figures = evaluate_style(options.data, options.data, recipe=recipe, only=options.only)
        for method in ("none", "zero_shot", "learnt"):
            row = {key: figures[method][key] for key in FIGURES}
            if method != "none":
                row |= {f"{key} change": figures[method]["change"][key] for key in FIGURES[:3]}
            rows[name if method == "learnt" else method] = row
        rows[name]["accuracy"] = figures["style_accuracy"]["generated"]
        options.out.write_text(json.dumps(rows, indent=1) + "\n")
        told = rows[name]
        print(name, *(f"{key} {told[key]:.3f}" for key in told if "change" in key or key in FIGURES[3:]), flush=True)


if __name__ == "__main__":
    main()
