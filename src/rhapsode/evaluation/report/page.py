"""The report as one page of HTML that needs nothing else: tables, and curves of mouth openings as inline SVG."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from rhapsode.audio.mel import MOTION_RATE
from rhapsode.evaluation.motion import FIGURES, ScoredClip
from rhapsode.face.mouth import lip_distance


@dataclass(frozen=True)
class Column:
    """One figure in a table: its key in a summary, its heading, what it means, and how many decimals it has."""

    key: str
    heading: str
    meaning: str
    decimals: int


COLUMNS = (
    Column("n_clips", "clips", "number of clips", 0),
    Column("mouth_opening_corr", "correlation ↑", "correlation of the mouth opening with the speaker's own", 3),
    Column("opening_std_ratio", "spread → 1", "spread of the mouth opening over the speaker's", 2),
    Column("LMD", "LMD ↓", "mean distance of the mouth landmarks", 4),
    Column("D_L", "D-L ↓", "mean distance of all landmarks", 4),
    Column("D_V", "D-V ↓", "mean difference of landmark velocities, a frame of 1/60 s", 4),
    Column("D_A", "D-A ↓", "mean difference of the open-mouth area, squared", 4),
    Column("jitter_ratio", "jitter", "mouth motion above 8 Hz over the speaker's, which includes the tracker's", 2),
    Column("av_offset_s", "offset, s → 0", "by how much the mouth moves late, median", 3),
)

_STYLE = """
:root { color-scheme: light dark; --paper: #fbfaf8; --ink: #1d1c1a; --soft: #6d6a64; --line: #e2dfd9; --card: #ffffff;
  --made: #c8442f; --first: #3a76c4; --real: #b9b4aa; --mark: #f6ece3; }
@media (prefers-color-scheme: dark) { :root { --paper: #171614; --ink: #ece9e3; --soft: #a09b92; --line: #35322e;
  --card: #1f1e1b; --made: #f0795f; --first: #7db0ee; --real: #5d5952; --mark: #2d2722; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 74rem; padding: 2.5rem 1.5rem 5rem; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.9rem; letter-spacing: -.02em; margin: 0; }
h2 { font-size: 1.2rem; margin: 3rem 0 .6rem; }
p { max-width: 48rem; } .soft { color: var(--soft); }
.wide { overflow-x: auto; border: 1px solid var(--line); border-radius: 10px; background: var(--card); }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: .86rem; }
th, td { padding: .45rem .6rem; text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; }
th { font-weight: 600; color: var(--soft); border-bottom: 1px solid var(--line); }
tbody tr + tr td { border-top: 1px solid var(--line); } tr.made td { background: var(--mark); font-weight: 600; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(21rem, 1fr)); gap: 1rem; }
figure { margin: 0; padding: .9rem; border: 1px solid var(--line); border-radius: 10px; background: var(--card); }
figcaption { font-size: .82rem; color: var(--soft); overflow-wrap: anywhere; } figcaption b { color: var(--ink); }
video { width: 100%; border-radius: 6px; display: block; margin-bottom: .6rem; background: #000; }
svg { width: 100%; height: auto; display: block; }
svg text { font-size: 18px; fill: var(--soft); }
.real { fill: var(--real); opacity: .55; } .first { stroke: var(--first); stroke-width: 1; stroke-dasharray: 4 3; }
.generator { stroke: var(--made); stroke-width: 1.6; } polyline { fill: none; stroke-linejoin: round; }
.key i { display: inline-block; width: 1.4em; height: .7em; margin: 0 .35em 0 1em; vertical-align: baseline; }
.key i.r { background: var(--real); } .key i.g { background: var(--made); height: .2em; vertical-align: middle; }
.key i.f { border-top: 2px dashed var(--first); height: 0; vertical-align: middle; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.2rem; font-size: .9rem; }
dt { font-weight: 600; } dd { margin: 0; color: var(--soft); }
footer { margin-top: 4rem; font-size: .85rem; color: var(--soft); }
"""


def page(title: str, introduction: str, sections: Sequence[tuple[str, str]]) -> str:
    """A whole page.

    Args:
        title: heading, plain text.
        introduction: one paragraph, plain text.
        sections: heading in plain text and body in HTML, in order.
    """
    body = "".join(f"<section><h2>{escape(heading)}</h2>{html}</section>\n" for heading, html in sections)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>\n<body>"
        f'<header><h1>{escape(title)}</h1><p class="soft">{escape(introduction)}</p></header>\n{body}'
        "<footer>Pictures and videos marked SYNTHETIC are made; they show nothing that was said or done."
        "</footer></body></html>\n"
    )


def table(
    first: str, headings: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]], marked: Collection[str] = ()
) -> str:
    """A table; the rows named in `marked` stand out."""
    head = "".join(f"<th>{escape(one)}</th>" for one in (first, *headings))
    lines = "".join(
        f"<tr{' class=made' if name in marked else ''}>"
        + "".join(f"<td>{escape(cell)}</td>" for cell in (name, *cells))
        + "</tr>"
        for name, cells in rows
    )
    return f'<div class="wide"><table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table></div>'


def summary_table(first: str, summaries: Mapping[str, Mapping[str, Any]], marked: Collection[str] = ()) -> str:
    """A table of summaries as `motion.summary` makes them, one a row."""
    headings = [*(column.heading for column in COLUMNS), "closures"]
    return table(first, headings, [(name, summary_cells(each)) for name, each in summaries.items()], marked)


def summary_cells(summary: Mapping[str, Any]) -> list[str]:
    """The cells of a summary: those of `COLUMNS`, and closures as made, real and counted."""
    closures = summary["closures"]
    told = f"{closures['made']} ({closures['real']}) of {closures['count']}" if closures["count"] else "-"
    return [*(number(summary[column.key], column.decimals) for column in COLUMNS), told]


def number(value: float | None, decimals: int) -> str:
    """A number as it stands in a table, a dash for None."""
    return "-" if value is None else f"{value:.{decimals}f}"


def meanings() -> str:
    """What the columns mean, as a list."""
    told = [(column.heading, column.meaning) for column in COLUMNS[1:]]
    told.append(
        ("closures", "lips that meet where words with b, p, m need it (the speaker's own); a still mouth scores")
    )
    return "<dl>" + "".join(f"<dt>{escape(a)}</dt><dd>{escape(b)}</dd>" for a, b in told) + "</dl>"


def curves(scored: ScoredClip, first: ScoredClip | None) -> str:
    """How the mouth opens over a clip: the speaker, the generator, and the first generator, as a figure.

    Args:
        scored: what the generator made.
        first: what the first generator made of the same clip.
    """
    clip = scored.clip
    drawn = [("real", clip.real), ("generator", scored.motion)] + ([("first", first.motion)] if first else [])
    openings = {name: lip_distance(offsets + clip.rest) for name, offsets in drawn}
    width, height, foot = 640.0, 140.0, 24.0
    seconds = len(clip.real) / MOTION_RATE
    top = max(0.1, *(float(each.max()) for each in openings.values()))
    x = np.linspace(0, width, len(clip.real))

    def points(name: str) -> str:
        y = height * (1 - openings[name] / top)
        return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))

    lines = "".join(f'<polyline class="{name}" points="{points(name)}"/>' for name in openings if name != "real")
    seconds_marks = "".join(
        f'<text x="{second / seconds * width:.0f}" y="{height + foot - 4}">{second} s</text>'
        for second in range(0, int(seconds) + 1, 1 if seconds < 6 else 5)
    )
    figures = scored.figures
    return (
        f'<figure><svg viewBox="0 0 {width:.0f} {height + foot:.0f}" role="img" aria-label="mouth opening over time">'
        f'<polygon class="real" points="0,{height} {points("real")} {width},{height}"/>{lines}{seconds_marks}</svg>'
        f"<figcaption><b>{escape(clip.clip.name)}</b><br>{escape(clip.clip.speaker)}, {escape(clip.clip.style)} · "
        f"{' · '.join(f'{name} {number(_known(figures[name]), 3)}' for name in FIGURES[:3])}</figcaption></figure>"
    )


def curves_key(with_first: bool) -> str:
    """What the lines of `curves` are."""
    first = '<i class="f"></i>v0' if with_first else ""
    return (
        '<p class="key soft">Mouth opening over time, canonical units from 0 up:'
        f'<i class="r"></i>the speaker<i class="g"></i>generated{first}</p>'
    )


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value
