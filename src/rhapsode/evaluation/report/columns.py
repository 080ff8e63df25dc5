"""The columns of the tables of evaluations, for reports and terminals."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final


@dataclass(frozen=True)
class Column:
    """Describe one figure in a table.

    Attributes:
        key: its place in a summary; a dot leads into nested figures.
        heading: heading of the column.
        meaning: what it is.
        decimals: digits after the point.
    """

    key: str
    heading: str
    meaning: str
    decimals: int = 0

    def cell(self, summary: Mapping[str, Any]) -> str:
        """Give the text of its cell."""
        value: Any = summary
        for name in self.key.split("."):
            value = value[name]
        return number(value, self.decimals)


class ClosureColumn(Column):
    """Describe the column of lip closures: generated, recorded, and counted."""

    def cell(self, summary: Mapping[str, Any]) -> str:
        """Give the text of its cell."""
        found = summary[self.key]
        return f"{found['made']} ({found['real']}) of {found['count']}" if found["count"] else "-"


#: Figures of `evaluate motion`.
MOTION: Final = (
    Column("n_clips", "clips", "number of clips"),
    Column("mouth_opening_corr", "correlation ↑", "correlation of the mouth opening with the speaker's own", 3),
    Column("opening_std_ratio", "spread → 1", "standard deviation of the mouth opening over the speaker's", 2),
    Column("LMD", "LMD ↓", "mean distance of the mouth landmarks", 4),
    Column("D_L", "D-L ↓", "mean distance of all landmarks", 4),
    Column("D_V", "D-V ↓", "mean difference of landmark velocities, a frame of 1/60 s", 4),
    Column("D_A", "D-A ↓", "mean difference of the open-mouth area, squared", 4),
    Column("jitter_ratio", "jitter", "mouth motion above 8 Hz over the speaker's, which includes the tracker's", 2),
    Column("av_offset_s", "offset, s → 0", "by how much the mouth moves late, median", 3),
    ClosureColumn(
        "closures",
        "closures",
        "lips that meet where words with b, p, m need it (the speaker's own); a still mouth scores too",
    ),
)
#: Figures of `evaluate style`.
STYLE: Final = (
    Column("SLD", "SLD ↓", "landmarks: mean distance of the style clip's windows from the nearest generated one", 4),
    Column("SLV", "SLV ↓", "the same for landmark velocities, a frame of 1/60 s", 5),
    Column("SMD", "SMD ↓", "the same for the area of the open mouth, squared", 5),
    Column("windows_10_100.SLD", "SLD 10-100 ↓", "SLD, mean over windows of 10 to 100 frames", 4),
    Column("windows_10_100.SLV", "SLV 10-100 ↓", "SLV, the same", 5),
    Column("windows_10_100.SMD", "SMD 10-100 ↓", "SMD, the same", 5),
    Column("mouth_opening_corr", "correlation ↑", "of the mouth opening with that of the driving speaker", 3),
    Column("lips_shut", "lips shut ↑", "share of the frames with lips shut that stay shut with the style", 2),
    Column(
        "shape_leak",
        "shape leak → 0",
        "how much of the performer's face shape, beyond expression, the mean result takes on; 1 all",
        3,
    ),
)
#: What the paper's public code computes instead.
PUBLISHED: Final = (
    Column("published_code.SLD", "SLD, public code ↓", "minimum over running means, % of the face's width", 3),
    Column("published_code.SLV", "SLV, public code ↓", "the same for velocities", 4),
    Column("published_code.SMD", "SMD, public code ↓", "a distance of mouth landmarks", 4),
)
#: Names of the methods of `evaluate style`.
NAMES: Final = {"none": "no style", "zero_shot": "zero-shot", "learnt": "learnt"}


def cells(summary: Mapping[str, Any], columns: Sequence[Column]) -> list[str]:
    """Give the cells of a summary."""
    return [column.cell(summary) for column in columns]


def number(value: float | None, decimals: int) -> str:
    """Write a number for a table, a dash for None."""
    return "-" if value is None else f"{value:.{decimals}f}"


def changes(figures: Mapping[str, Any]) -> str:
    """Write the ratios of SLD, SLV and SMD to those without style."""
    ratios = figures.get("change")
    return " · ".join(f"{name} x {number(ratio, 2)}" for name, ratio in ratios.items()) if ratios else "-"


def accuracy(figures: Mapping[str, Any]) -> str:
    """Write how often the classifier of styles is right, as a sentence."""
    found = figures["style_accuracy"]

    def share(name: str) -> str:
        return "-" if found[name] is None else f"{100 * found[name]:.0f} %"

    return (
        f"A classifier trained on windows of {found['window']} frames of the {found['styles']} real styles names the "
        f"right one for {share('generated')} of the learnt motion, {share('zero_shot')} of the zero-shot motion, and "
        f"{share('real')} of held-out real motion; guessing gives {share('chance')}."
    )


def expressions(found: Mapping[str, Any]) -> str:
    """Write what portraits show with the styles as sentences; `found` as `evaluation.styles` adds it."""

    def told(name: str, digits: int) -> str:
        values = [of[name] for of in found["strengths"].values()]
        return ", ".join("-" if value is None else f"{value:.{digits}f}" for value in values)

    real = ", ".join("-" if value is None else f"{value:.2f}" for value in found["real"].values())
    return (
        f"What {found['portraits']} portraits show of the learnt styles, as {found['reader']} reads the rendered "
        f"pictures, at strength {', '.join(found['strengths'])}: correlation with the style clip over units "
        f"{told('correlation', 2)}; slope {told('slope', 2)}. Of {found['emotions']} emotions the right one is told by "
        f"clips of other people for {told('named', 2)}, by all clips for {told('matched', 2)}; of the clips "
        f"themselves for {real}."
    )
