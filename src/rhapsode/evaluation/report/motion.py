"""The report of an evaluation of motion: tables, mouth openings over time, and videos side by side."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from rhapsode.animator import Animator
from rhapsode.audio.mel import MOTION_RATE
from rhapsode.errors import PortraitError
from rhapsode.evaluation.clips import RealClip
from rhapsode.evaluation.heads import head_table
from rhapsode.evaluation.motion_scores import FIGURES, ScoredClip, group_by, summary
from rhapsode.evaluation.report.columns import MOTION, cells, number
from rhapsode.evaluation.report.folder import fresh_folder, write_page
from rhapsode.evaluation.report.page import Line, Plot, Row, Table, points, render
from rhapsode.evaluation.report.side_by_side import side_by_side
from rhapsode.face.mouth import lip_distance
from rhapsode.progress import Progress, no_progress
from rhapsode.style.motion_model import styled_motion_model

_log = logging.getLogger(__name__)

_WIDTH, _HEIGHT = 640, 140


def write_report(
    folder: Path,
    scores: Mapping[str, Sequence[ScoredClip]],
    figures: Mapping[str, Any],
    animator: Animator,
    introduction: str,
    videos: int = 3,
    progress: Progress = no_progress,
) -> None:
    """Write the report; the folder appears, or is replaced, only when it is complete.

    Args:
        folder: receives index.html, figures.json and clips/.
        scores: of every method, the generator first, as `motion_scores.score_all` makes them.
        figures: their summary, as `motion_scores.result` makes it.
        animator: has the generator; makes the videos.
        introduction: what was scored, one paragraph.
        videos: number of clips of each corpus that are shown, from the best to the worst by correlation.
        progress: watches the stage `videos`.

    Raises:
        DataError: the folder must not be replaced.
    """
    with fresh_folder(folder) as fresh:
        (fresh / "clips").mkdir()
        shown = _videos(_choose(next(iter(scores.values())), videos), animator, fresh / "clips", progress)
        write_page(fresh, render_page(scores, figures, animator, introduction, shown), figures)


def render_page(
    scores: Mapping[str, Sequence[ScoredClip]],
    figures: Mapping[str, Any],
    animator: Animator,
    introduction: str,
    videos: Sequence[Mapping[str, Any]] = (),
) -> str:
    """Render the page; arguments as in `write_report`, `videos` as `_videos` gives them."""
    name, mine = next(iter(scores.items()))
    first = {one.clip.clip.name: one for one in scores.get("v0", ())}
    methods = {name: figures, **figures["baselines"]}
    groups = [
        (f"{group}, {method}", of["groups"][group], method == name)
        for group in figures["groups"]
        for method, of in methods.items()
    ]
    speakers = group_by(_speaker, mine)
    model = styled_motion_model(animator.speech, animator.head)
    return render(
        "motion.html.j2",
        title="Motion from sound, scored against real speakers",
        introduction=introduction,
        columns=MOTION[1:],
        together=_table("method", [(method, of, method == name) for method, of in methods.items()]),
        by_corpus=_table("corpus, method", groups),
        by_speaker=_table("speaker", [(speaker, summary(part), False) for speaker, part in speakers.items()]),
        heads=head_table([one.clip for one in mine], model),
        videos=videos,
        has_first=bool(first),
        mouths=[_mouth(one, first.get(one.clip.clip.name)) for one in mine],
    )


def _table(first: str, rows: Sequence[tuple[str, Mapping[str, Any], bool]]) -> Table:
    headings = [first, *(column.heading for column in MOTION)]
    return Table(headings, [Row([name, *cells(of, MOTION)], best) for name, of, best in rows])


def _mouth(scored: ScoredClip, first: ScoredClip | None) -> dict[str, Any]:
    """Plot how the mouth opens over a clip: the speaker, the generator, and the first generator."""
    clip = scored.clip
    motions = [("real", clip.real)] + ([("first", first.motion)] if first else []) + [("generator", scored.motion)]
    openings = {kind: lip_distance(offsets + clip.rest) for kind, offsets in motions}
    top = max(0.1, *(float(each.max()) for each in openings.values()))
    x = np.linspace(0, _WIDTH, len(clip.real))
    seconds = len(clip.real) / MOTION_RATE
    marks = range(0, int(seconds) + 1, 1 if seconds < 6 else 5)
    lines = [Line(kind, points(x, each, 0, top, _HEIGHT), kind == "real") for kind, each in openings.items()]
    texts = [(round(mark / seconds * _WIDTH), f"{mark} s") for mark in marks]
    figures = " · ".join(f"{name} {number(_known(scored.figures[name]), 3)}" for name in FIGURES[:3])
    return {
        "name": clip.clip.name,
        "plot": Plot("mouth opening over time", _WIDTH, _HEIGHT, lines, texts),
        "caption": f"{clip.clip.speaker}, {clip.clip.style} · {figures}",
    }


def _choose(scores: Sequence[ScoredClip], count: int) -> list[ScoredClip]:
    """Choose `count` clips of each corpus, evenly from the best to the worst correlation."""
    chosen = []
    for part in group_by(_group, scores).values():
        ranked = sorted(part, key=lambda one: -np.nan_to_num(one.figures["mouth_opening_corr"], nan=-1.0))
        places = np.linspace(0, len(ranked) - 1, min(count, len(ranked))).round().astype(int)
        chosen += [ranked[place] for place in places]
    return chosen


def _videos(scores: Sequence[ScoredClip], animator: Animator, folder: Path, progress: Progress) -> list[dict[str, Any]]:
    """Write a video of each clip, and describe it for the page."""
    videos = []
    for done, one in enumerate(scores, start=1):
        name = one.clip.clip.name
        file = f"{name.replace('/', '__')}.mp4"
        try:
            figures = side_by_side(one.clip, animator, folder / file)
        except PortraitError as error:
            _log.warning("%s: no video, since its resting frame cannot be animated (%s)", name, error.message)
            continue
        offset = round(1000 * one.clip.av_offset)
        videos.append(
            {
                "name": name,
                "file": file,
                "figures": figures,
                "correlation": number(_known(one.figures["mouth_opening_corr"]), 3),
                "offset": f"sound {abs(offset)} ms {'late' if offset > 0 else 'early'} as recorded, corrected"
                if offset
                else "",
            }
        )
        progress("videos", done, len(scores))
    return videos


def _group(clip: RealClip) -> str:
    return clip.group


def _speaker(clip: RealClip) -> str:
    return clip.clip.speaker


def _known(value: float) -> float | None:
    return None if np.isnan(value) else value
