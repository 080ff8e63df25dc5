"""The report of `rhapsode evaluate style`: a page with tables, and the paths of landmarks before and after."""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, Final

import numpy as np

from rhapsode import __version__
from rhapsode.audio.mel import MOTION_RATE
from rhapsode.evaluation.report import page
from rhapsode.evaluation.report.motion import fresh_folder, write_page
from rhapsode.evaluation.report.page import Column
from rhapsode.evaluation.styled import METHODS, StyledClip
from rhapsode.face.geometry import mean_face
from rhapsode.face.landmarks import BROWS
from rhapsode.face.mouth import lip_distance

#: Figures of a way of moving; a dot leads into a figure's own figures.
COLUMNS: Final = (
    Column("SLD", "SLD ↓", "landmarks: mean distance of the style clip's windows from the nearest made one", 4),
    Column("SLV", "SLV ↓", "the same of landmark velocities, a frame of 1/60 s", 5),
    Column("SMD", "SMD ↓", "the same of the area of the open mouth, squared", 5),
    Column("windows_10_100.SLD", "SLD 10-100 ↓", "SLD, the mean over windows of 10 to 100 frames", 4),
    Column("windows_10_100.SLV", "SLV 10-100 ↓", "SLV, the same", 5),
    Column("windows_10_100.SMD", "SMD 10-100 ↓", "SMD, the same", 5),
    Column(
        "mouth_opening_corr", "correlation ↑", "of the mouth opening with that of the speaker whose voice drives", 3
    ),
    Column(
        "lips_shut", "lips shut ↑", "of the frames in which the shipped generator shuts the lips, the share shut", 2
    ),
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
    Column("published_code.SLV", "SLV, public code ↓", "the same of velocities", 4),
    Column("published_code.SMD", "SMD, public code ↓", "a distance of mouth landmarks", 4),
)
#: How the ways of moving are called.
NAMES: Final = {"none": "no style", "zero_shot": "zero-shot", "learnt": "learnt"}

_WIDTH, _OWN, _GAP, _HEIGHT, _FOOT = 440.0, 180.0, 20.0, 96.0, 24.0


def write_style_report(folder: Path, clips: Sequence[StyledClip], figures: Mapping[str, Any]) -> None:
    """Write the report; the folder appears, or is replaced, only when all of it is done.

    Args:
        folder: index.html and figures.json come here.
        clips: what came of each style clip.
        figures: the same summed up, as `style.summary` makes it.

    Raises:
        DataError: if the folder is not ours to replace.
    """
    with fresh_folder(folder) as fresh:
        write_page(fresh, _page(clips, figures), figures)


def cells(figures: Mapping[str, Any], columns: Sequence[Column] = COLUMNS) -> list[str]:
    """The cells of a way of moving in a table."""
    return [page.number(_find(figures, column.key), column.decimals) for column in columns]


def changes(figures: Mapping[str, Any]) -> str:
    """The ratios of SLD, SLV and SMD to those without style, in words."""
    told = figures.get("change")
    return " · ".join(f"{name} x {page.number(ratio, 2)}" for name, ratio in told.items()) if told else "-"


def accuracy(figures: Mapping[str, Any]) -> str:
    """How often the classifier of manners is right, in words."""
    found = figures["style_accuracy"]

    def share(name: str) -> str:
        return "-" if found[name] is None else f"{100 * found[name]:.0f} %"

    return (
        f"A classifier that knows the {found['styles']} real manners by windows of {found['window']} frames names the "
        f"right one for {share('generated')} of the learnt motion, {share('zero_shot')} of the zero-shot motion, and "
        f"{share('real')} of real motion that it has not seen; guessing gives {share('rng')}."
    )


def _page(clips: Sequence[StyledClip], figures: Mapping[str, Any]) -> str:
    introduction = (
        f"Manners of {figures['style_clips']} clips, each learnt and put on the speech of {figures['driving_clips']} "
        f"other people (rhapsode {__version__}). Scored is the motion of the generator before heads, blinks and "
        f"portraits; windows have {figures['window']} frames of 1/60 s. Distances are in canonical units: the outer "
        "eye corners are 1 apart."
    )
    headings = [column.heading for column in COLUMNS]
    together = [(NAMES[method], [*cells(figures[method]), changes(figures[method])]) for method in METHODS]
    published = [(NAMES[method], cells(figures[method], PUBLISHED)) for method in METHODS]
    each = [
        (f"{one['name']}, {NAMES[method]}", [one["style"], *cells(one[method])])
        for one in figures["clips"]
        for method in METHODS
    ]
    learnt = {f"{one['name']}, {NAMES['learnt']}" for one in figures["clips"]}
    taken = figures["learnt"].get("learn_seconds")
    told = f"<p>{escape(accuracy(figures))} Learning took {page.number(taken, 1)} s a clip, on one core.</p>"
    meanings = "".join(
        f"<dt>{escape(column.heading)}</dt><dd>{escape(column.meaning)}</dd>" for column in (*COLUMNS, *PUBLISHED)
    )
    sections = [
        ("Together", page.table("motion", [*headings, "change"], together, {NAMES["learnt"]}) + told),
        ("As the paper's public code computes them", page.table("motion", [c.heading for c in PUBLISHED], published)),
        ("What the figures are", f"<dl>{meanings}</dl>"),
        ("By clip", page.table("style clip, motion", ["style", *headings], each, learnt)),
        ("Before and after", _KEY + f'<div class="cards">{"".join(map(_paths, clips))}</div>'),
    ]
    drawn = "".join(_course(clip) for clip in clips if len(clip.curve) > 1)
    if drawn:
        sections.append(("Learning", f'<div class="cards">{drawn}</div>'))
    return page.page("Manners learnt from clips, scored on other people's speech", introduction, sections)


_KEY: Final = (
    '<p class="key soft">Over time, canonical units. Left a driving clip:<i class="f"></i>no style'
    '<i class="g"></i>learnt. Right, on the same scale:<i class="r"></i>the style clip itself</p>'
)


def _brow_height(motion: np.ndarray) -> np.ndarray:
    """How far brows are raised above rest, (T,)."""
    return -motion[:, BROWS, 1].mean(1)


def _mouth_width(motion: np.ndarray) -> np.ndarray:
    """How much wider than at rest the mouth is, (T,)."""
    face = motion + mean_face()
    rest = mean_face()
    return np.linalg.norm(face[:, 54] - face[:, 48], axis=-1) - np.linalg.norm(rest[54] - rest[48])


_DRAWN: Final[tuple[tuple[str, Callable[[np.ndarray], np.ndarray]], ...]] = (
    ("mouth opening", lambda motion: lip_distance(motion + mean_face())),
    ("brows above rest", _brow_height),
    ("mouth wider than at rest", _mouth_width),
)


def _paths(clip: StyledClip) -> str:
    """Three paths over time of the longest driving clip, beside the style clip's own, as a figure."""
    n = clip.longest_two[0]
    none, learnt = clip.motions["none"][n], clip.motions["learnt"][n]
    drawn = []
    for name, measure in _DRAWN:
        paths = [measure(motion) for motion in (none, learnt, clip.real)]
        low, high = min(0.0, *(float(path.min()) for path in paths)), max(0.03, *(float(path.max()) for path in paths))

        def line(kind: str, path: np.ndarray, left: float, width: float, low: float = low, high: float = high) -> str:
            x = left + np.linspace(0, width, len(path))
            y = _HEIGHT * (1 - (path - low) / (high - low))
            points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
            return f'<polyline class="{kind}" points="{points}"/>'

        right = _WIDTH + _GAP
        drawn.append(
            f'<svg viewBox="0 0 {right + _OWN:.0f} {_HEIGHT + _FOOT:.0f}" role="img" aria-label="{name} over time">'
            f"{line('first', paths[0], 0, _WIDTH)}{line('generator', paths[1], 0, _WIDTH)}"
            # The class `real` is made for areas, and draws no line by itself.
            f'<g style="stroke: var(--soft); stroke-width: 1.6">{line("own", paths[2], right, _OWN)}</g>'
            f'<text x="0" y="{_HEIGHT + _FOOT - 4}">{name}, {low:.2f} to {high:.2f}</text>'
            f'<text x="{right:.0f}" y="{_HEIGHT + _FOOT - 4}">{len(clip.real) / MOTION_RATE:.1f} s</text></svg>'
        )
    figures = clip.figures
    told = " · ".join(
        f"{name} {page.number(figures['none'][name], 4)} → {page.number(figures['learnt'][name], 4)}"
        for name in ("SLD", "SLV", "SMD")
    )
    return (
        f"<figure>{''.join(drawn)}<figcaption><b>{escape(clip.entry.name)}</b><br>{escape(clip.style)} · voice of "
        f"{escape(clip.drivers[n])}, {len(none) / MOTION_RATE:.1f} s<br>{told}</figcaption></figure>"
    )


def _course(clip: StyledClip) -> str:
    """How learning went, each figure over the steps on a scale of its own, as a figure."""
    names = [name for name in clip.curve[-1] if name != "step"]
    drawn = []
    for name in names:
        # The first row, before any step, has no losses.
        steps, values = np.array([(row["step"], row[name]) for row in clip.curve if name in row]).T
        low, high = float(values.min()), float(values.max())
        x = _WIDTH * (steps - steps[0]) / max(float(np.ptp(steps)), 1.0)
        y = _HEIGHT / 2 * (1 - (values - low) / max(high - low, 1e-9))
        points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
        drawn.append(
            f'<svg viewBox="0 0 {_WIDTH:.0f} {_HEIGHT / 2 + _FOOT:.0f}" role="img" '
            f'aria-label="{escape(name)} over steps"><polyline class="generator" points="{points}"/>'
            f'<text x="0" y="{_HEIGHT / 2 + _FOOT - 4}">{escape(name)}: {values[0]:.4g} to {values[-1]:.4g}'
            "</text></svg>"
        )
    return (
        f"<figure>{''.join(drawn)}<figcaption><b>{escape(clip.entry.name)}</b><br>"
        f"steps {steps[0]:.0f} to {steps[-1]:.0f}</figcaption></figure>"
    )


def _find(figures: Mapping[str, Any], key: str) -> float | None:
    found: Any = figures
    for name in key.split("."):
        found = found[name]
    return None if found is None else float(found)
