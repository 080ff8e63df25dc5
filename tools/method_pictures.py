"""Draw the pictures of docs/method.md, on the project's own example picture.

    python tools/method_pictures.py docs/images

method-measured.jpg: what is measured once. method-motion.jpg: what a sentence becomes. It needs the extras text and
train.
"""

import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot

from rhapsode.animator import Animator
from rhapsode.face.mouth import lip_opening
from rhapsode.media.synthesis import synthesise
from rhapsode.options import AnimationOptions
from rhapsode.tools.example import example_picture

_TEXT = "Maybe my mother bought a big apple pie today."
#: Colours of the studio and the site.
_PAPER, _INK, _SOFT, _ACCENT, _OTHER = "#fffdf9", "#221d18", "#6a5f53", "#a8432a", "#2f6b4f"


def main(folder: Path) -> None:
    """Write both pictures to a folder."""
    mpl.use("Agg")
    pyplot.rcParams.update({"font.family": "DejaVu Sans", "font.size": 9, "text.color": _INK, "axes.labelcolor": _SOFT})
    pyplot.rcParams.update({"xtick.color": _SOFT, "ytick.color": _SOFT, "axes.edgecolor": _SOFT})
    animator = Animator.from_pretrained()
    image = example_picture()
    portrait = animator.load_portrait(image)
    face, cut_out = portrait.measured.face, portrait.measured.cut_out
    _, axes = pyplot.subplots(1, 4, figsize=(8, 2.3), facecolor=_PAPER)
    for axis in axes:
        axis.imshow(image)
        axis.axis("off")
    axes[0].scatter(*face.mesh[:, :2].T, s=0.8, c="#fff6ea")
    axes[0].set_xlim(axes[1].set_xlim(96, 352))
    axes[0].set_ylim(axes[1].set_ylim(256, 0))
    axes[1].scatter(*face.landmarks[:, :2].T, s=7, c="#ffb38f", edgecolors=_INK, linewidths=0.4)
    axes[2].imshow(cut_out.matte, cmap="gray")
    axes[3].imshow(cut_out.behind)
    for axis, title in zip(
        axes, ("mesh, 478 points", "68 landmarks", "matte of the person", "what is behind"), strict=True
    ):
        axis.set_title(title)
    _save(folder / "method-measured.jpg")

    sentence = synthesise(_TEXT)
    moments = [moment.motion for moment in animator.animate(portrait, sentence, AnimationOptions(fps=60)).motion()]
    seconds = np.arange(len(moments)) / 60
    opening = [lip_opening(portrait.measured.rest + motion.expression)[0] for motion in moments]
    lids = [motion.lids.mean() for motion in moments]
    turned = np.degrees([motion.rotation[0] for motion in moments])
    voiced = [motion.voice[0] for motion in moments]
    _, rows = pyplot.subplots(4, 1, figsize=(8, 5.2), sharex=True, facecolor=_PAPER)
    rows[0].plot(np.arange(len(sentence.samples)) / sentence.rate, sentence.samples, c=_SOFT, lw=0.4)
    rows[0].fill_between(seconds, -np.array(voiced), voiced, color=_ACCENT, alpha=0.12, lw=0)
    rows[1].plot(seconds, opening, c=_ACCENT, lw=1.8)
    rows[1].set_ylim(bottom=0)
    rows[2].plot(seconds, lids, c=_OTHER, lw=1.8)
    for part, (name, color) in enumerate((("nod", _ACCENT), ("turn", _OTHER), ("tilt", _SOFT))):
        rows[3].plot(seconds, turned[:, part], c=color, lw=1.8, label=name)
    rows[3].legend(frameon=False, ncols=3, loc="lower right", bbox_to_anchor=(1, 0.98), borderaxespad=0)
    rows[3].set_xlabel("seconds")
    titles = (
        "sound, and where a voice sounds",
        "opening of the lips, eye distances",
        "lids, 1 is shut",
        "head, degrees",
    )
    for row, title in zip(rows, titles, strict=True):
        row.set_facecolor(_PAPER)
        row.spines[["top", "right"]].set_visible(False)
        row.set_title(title, loc="left", fontsize=9)
    rows[3].set_xlim(0, seconds[-1])
    _save(folder / "method-motion.jpg")


def _save(path: Path) -> None:
    pyplot.tight_layout()
    pyplot.savefig(path, dpi=165, pil_kwargs={"quality": 85})
    pyplot.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
