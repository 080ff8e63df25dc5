"""The report of an evaluation of styles: tables, videos, landmarks over time before and after, learning curves."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from rhapsode import __version__
from rhapsode.audio.mel import MOTION_RATE
from rhapsode.evaluation.report.columns import NAMES, PUBLISHED, STYLE, accuracy, cells, changes, expressions, number
from rhapsode.evaluation.report.folder import fresh_folder, write_page
from rhapsode.evaluation.report.page import Line, Plot, Row, Table, points, render
from rhapsode.evaluation.report.style_videos import Showing, style_videos
from rhapsode.evaluation.styled_clip import METHODS, StyledClip
from rhapsode.face.geometry import mean_face
from rhapsode.face.landmarks import BROWS
from rhapsode.face.mouth import lip_distance
from rhapsode.progress import Progress, no_progress

#: Widths of the driving clip, of the gap, and of the style clip; and heights of plots of motion and of learning.
_DRIVEN, _GAP, _OWN, _HEIGHT, _LOW = 440, 20, 180, 96, 48


def write_style_report(
    folder: Path,
    clips: Sequence[StyledClip],
    figures: Mapping[str, Any],
    showing: Showing | None = None,
    progress: Progress = no_progress,
) -> None:
    """Write the report; the folder appears, or is replaced, only when it is complete.

    Args:
        folder: receives index.html and figures.json; clips/ too where there are videos.
        clips: results of each style clip.
        figures: their summary, as `styles.summary` makes it.
        showing: how the first of them are shown beside portraits; no videos where None.
        progress: watches the stage `videos`.

    Raises:
        DataError: the folder must not be replaced.
        PortraitError: a portrait shows no face, or cannot be animated.
        VideoError: the recording of a style clip cannot be read, or a video cannot be written.
    """
    with fresh_folder(folder) as fresh:
        videos = style_videos(clips, showing, fresh / "clips", progress) if showing else ()
        write_page(fresh, render_page(clips, figures, videos), figures)


def render_page(
    clips: Sequence[StyledClip], figures: Mapping[str, Any], videos: Sequence[Mapping[str, str]] = ()
) -> str:
    """Render the page; arguments as in `write_style_report`, `videos` as `style_videos` gives them."""
    introduction = (
        f"Styles of {figures['style_clips']} clips, each put on the speech of {figures['driving_clips']} other people "
        f"(rhapsode {__version__}). Scored is the motion of the generator before heads, blinks and portraits; windows "
        f"have {figures['window']} frames of 1/60 s. Distances are in canonical units: the outer eye corners are 1 "
        "apart."
    )
    headings = [column.heading for column in STYLE]
    together = [
        Row([NAMES[method], *cells(figures[method], STYLE), changes(figures[method])], method == "learnt")
        for method in METHODS
    ]
    each = [
        Row([f"{one['name']}, {NAMES[method]}", one["style"], *cells(one[method], STYLE)], method == "learnt")
        for one in figures["clips"]
        for method in METHODS
    ]
    seconds = figures["learnt"].get("learn_seconds")
    return render(
        "styles.html.j2",
        title="Styles learnt from clips, scored on other people's speech",
        introduction=introduction,
        together=Table(["motion", *headings, "change"], together),
        published=Table(
            ["motion", *(column.heading for column in PUBLISHED)],
            [Row([NAMES[method], *cells(figures[method], PUBLISHED)]) for method in METHODS],
        ),
        by_clip=Table(["style clip, motion", "style", *headings], each),
        accuracy=accuracy(figures),
        expressions=expressions(figures["expression"]) if "expression" in figures else None,
        seconds=None if seconds is None else number(seconds, 1),
        columns=(*STYLE, *PUBLISHED),
        videos=videos,
        paths=[_paths(clip) for clip in clips],
        curves=[_curve(clip) for clip in clips if len(clip.curve) > 1],
    )


def _brow_height(motion: np.ndarray) -> np.ndarray:
    """Measure how far the brows are raised above rest, (T, 68, 3) -> (T,)."""
    return -motion[:, BROWS, 1].mean(1)


def _mouth_width(motion: np.ndarray) -> np.ndarray:
    """Measure how much wider than at rest the mouth is, (T, 68, 3) -> (T,)."""
    face, rest = motion + mean_face(), mean_face()
    return np.linalg.norm(face[:, 54] - face[:, 48], axis=-1) - np.linalg.norm(rest[54] - rest[48])


_MEASURES: Final[tuple[tuple[str, Callable[[np.ndarray], np.ndarray]], ...]] = (
    ("mouth opening", lambda motion: lip_distance(motion + mean_face())),
    ("brows above rest", _brow_height),
    ("mouth wider than at rest", _mouth_width),
)


def _paths(clip: StyledClip) -> dict[str, Any]:
    """Plot three measures over the longest driving clip, beside the style clip's own."""
    n = clip.longest_two[0]
    none, learnt = clip.motions["none"][n], clip.motions["learnt"][n]
    right = _DRIVEN + _GAP
    plots = []
    for name, measure in _MEASURES:
        plain, styled, own = (measure(motion) for motion in (none, learnt, clip.real))
        low = min(0.0, *(float(path.min()) for path in (plain, styled, own)))
        high = max(0.03, *(float(path.max()) for path in (plain, styled, own)))
        lines = [
            Line(kind, points(left + np.linspace(0, width, len(path)), path, low, high, _HEIGHT))
            for kind, path, left, width in (
                ("first", plain, 0, _DRIVEN),
                ("generator", styled, 0, _DRIVEN),
                ("own", own, right, _OWN),
            )
        ]
        texts = [(0, f"{name}, {low:.2f} to {high:.2f}"), (right, f"{len(clip.real) / MOTION_RATE:.1f} s")]
        plots.append(Plot(f"{name} over time", right + _OWN, _HEIGHT, lines, texts))
    figures = clip.figures
    return {
        "name": clip.entry.name,
        "plots": plots,
        "caption": f"{clip.style} · voice of {clip.drivers[n]}, {len(none) / MOTION_RATE:.1f} s",
        "figures": " · ".join(
            f"{name} {number(figures['none'][name], 4)} → {number(figures['learnt'][name], 4)}"
            for name in ("SLD", "SLV", "SMD")
        ),
    }


def _curve(clip: StyledClip) -> dict[str, Any]:
    """Plot the learning curve, each column on a scale of its own."""
    plots = []
    for name in clip.curve[-1]:
        if name == "step":
            continue
        # The row of step 0 has no losses.
        steps, values = np.array([(row["step"], row[name]) for row in clip.curve if name in row]).T
        x = _DRIVEN * (steps - steps[0]) / max(float(np.ptp(steps)), 1.0)
        line = Line("generator", points(x, values, float(values.min()), float(values.max()), _LOW))
        text = f"{name}: {values[0]:.4g} to {values[-1]:.4g}"
        plots.append(Plot(f"{name} over steps", _DRIVEN, _LOW, [line], [(0, text)]))
    return {"name": clip.entry.name, "plots": plots, "caption": f"steps 0 to {clip.curve[-1]['step']:.0f}"}
