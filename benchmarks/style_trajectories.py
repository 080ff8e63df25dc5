"""Draw how landmarks move over time for one voice, without style and with several styles.

python benchmarks/style_trajectories.py --voice VOICE --styles angry sad --out trajectories.png
"""

import argparse
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from rhapsode.animator import Animator
from rhapsode.face.landmarks import BROWS
from rhapsode.face.mouth import lip_opening
from rhapsode.media.sound import load_waveform
from rhapsode.media.waveform import SAMPLE_RATE
from rhapsode.motion.lasting import landmarks_of
from rhapsode.motion.stream import generate
from rhapsode.style.motion_model import styled_motion_model

PANELS = {
    "lips apart": lip_opening,
    "corners out": lambda m: (m[:, 54, 0] - m[:, 48, 0]) / 2,
    "corners down": lambda m: m[:, [48, 54], 1].mean(1),
    "brows up": lambda m: -m[:, BROWS, 1].mean(1),
}


def main() -> None:
    """Parse the arguments, and draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--voice", type=Path, required=True, help="recording")
    parser.add_argument("--styles", nargs="+", required=True, help="names, mixtures or files")
    parser.add_argument("--strength", type=float, default=1.0)
    parser.add_argument("--seconds", type=float, default=6.0)
    parser.add_argument("--out", type=Path, required=True, help="PNG")
    options = parser.parse_args()
    animator = Animator.from_pretrained()
    sound = load_waveform(options.voice, SAMPLE_RATE)
    motions = {}
    for name in (None, *options.styles):
        style = None if name is None else animator.find_style(name)
        model = styled_motion_model(animator.speech, animator.head, style, options.strength)
        motions[name or "no style"] = generate(model, sound) + landmarks_of(model.units)
    figure = Figure(figsize=(10, 8), layout="constrained")
    for number, (title, read) in enumerate(PANELS.items(), start=1):
        axes = figure.add_subplot(len(PANELS), 1, number)
        for name, motion in motions.items():
            shown = read(motion)[: int(60 * options.seconds)]
            axes.plot(np.arange(len(shown)) / 60, shown, label=name, color="0.6" if name == "no style" else None)
        axes.set_ylabel(f"{title}\n(eye corners 1 apart)", fontsize=8)
        axes.grid(alpha=0.3)
        axes.tick_params(labelsize=8)
    figure.axes[0].legend(ncols=len(motions), fontsize=8, loc="upper right")
    figure.axes[-1].set_xlabel("seconds", fontsize=8)
    figure.savefig(options.out, dpi=90)


if __name__ == "__main__":
    main()
