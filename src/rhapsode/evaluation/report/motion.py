"""The report of `rhapsode evaluate motion`: a folder with a page, the figures as JSON, and videos side by side."""

import contextlib
import json
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from rhapsode.animator import Animator
from rhapsode.errors import DataError, PortraitError
from rhapsode.evaluation.heads import head_rows
from rhapsode.evaluation.motion import ScoredClip, by, summary
from rhapsode.evaluation.report import page
from rhapsode.evaluation.report.side_by_side import side_by_side
from rhapsode.motion.head import HeadModel

_log = logging.getLogger(__name__)

_PAGE = "index.html"


def check_folder(folder: Path) -> None:
    """Refuse a folder that is not ours to replace.

    Raises:
        DataError: if it is a file, or holds anything but an earlier report.
    """
    if folder.exists() and not folder.is_dir():
        raise DataError(f"{folder}: is a file; name a folder with --report")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / _PAGE).is_file():
        raise DataError(f"{folder}: holds other files than a report; name a new folder with --report")


def write_report(
    folder: Path,
    scores: Mapping[str, Sequence[ScoredClip]],
    figures: Mapping[str, Any],
    animator: Animator,
    introduction: str,
    videos: int = 3,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write the report; the folder appears, or is replaced, only when all of it is done.

    Args:
        folder: index.html, figures.json and clips/ come here.
        scores: of every method, the generator first, as `motion.score_all` makes them.
        figures: the same summed up, as `motion.result` makes it.
        animator: with the generator; makes the videos, and moves heads for the comparison of heads.
        introduction: what was scored, one paragraph.
        videos: how many clips of each corpus are shown, from the best to the worst by correlation.
        progress: called with (videos made, videos in all).

    Raises:
        DataError: if the folder is not ours to replace.
    """
    with fresh_folder(folder) as fresh:
        (fresh / "clips").mkdir()
        shown = _chosen(next(iter(scores.values())), videos)
        cards = _videos(shown, animator, fresh / "clips", progress)
        write_page(fresh, _page(scores, figures, animator.head, introduction, cards), figures)


@contextlib.contextmanager
def fresh_folder(folder: Path) -> Iterator[Path]:
    """An empty folder to fill, which takes the place of an earlier report when the block ends, whole or not at all.

    Raises:
        DataError: if the folder is not ours to replace.
    """
    check_folder(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    work = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        fresh = work / "new"
        fresh.mkdir()
        yield fresh
        if folder.exists():
            folder.replace(work / "old")
        fresh.replace(folder)
    finally:
        shutil.rmtree(work, ignore_errors=True)


def write_page(folder: Path, html: str, figures: Mapping[str, Any]) -> None:
    """Write a report's page, and its figures as JSON beside it."""
    (folder / _PAGE).write_text(html, encoding="utf-8")
    (folder / "figures.json").write_text(json.dumps(figures, indent=1) + "\n")


def _page(
    scores: Mapping[str, Sequence[ScoredClip]],
    figures: Mapping[str, Any],
    head: HeadModel,
    introduction: str,
    cards: str,
) -> str:
    name, mine = next(iter(scores.items()))
    first = {one.clip.clip.name: one for one in scores.get("v0", ())}
    groups = {f"{group}, {method}": of["groups"][group] for group in figures["groups"] for method, of in (
        (name, figures), *figures["baselines"].items())}  # fmt: skip
    speakers = {speaker: summary(part) for speaker, part in by(lambda clip: clip.clip.speaker, mine).items()}
    drawn = "".join(page.curves(one, first.get(one.clip.clip.name)) for one in mine)
    sections = [
        ("Together", page.summary_table("method", {name: figures, **figures["baselines"]}, {name}) + page.meanings()),
        (
            "By corpus",
            page.summary_table("corpus, method", groups, {f"{group}, {name}" for group in figures["groups"]}),
        ),
        ("By speaker", page.summary_table("speaker", speakers)),
        ("Heads and blinks", page.table(*head_rows([one.clip for one in mine], head))),
        ("Mouths", page.curves_key(bool(first)) + f'<div class="cards">{drawn}</div>'),
    ]
    if cards:
        sections.insert(1, ("Side by side", f'<div class="cards">{cards}</div>'))
    return page.page("Motion from sound, scored against real speakers", introduction, sections)


def _chosen(scores: Sequence[ScoredClip], count: int) -> list[ScoredClip]:
    """`count` clips of each corpus, evenly from the best to the worst correlation."""
    chosen = []
    for part in by(lambda clip: clip.group, scores).values():
        ranked = sorted(part, key=lambda one: -np.nan_to_num(one.figures["mouth_opening_corr"], nan=-1.0))
        places = np.linspace(0, len(ranked) - 1, min(count, len(ranked))).round().astype(int)
        chosen += [ranked[place] for place in places]
    return chosen


def _videos(
    scores: Sequence[ScoredClip], animator: Animator, folder: Path, progress: Callable[[int, int], None] | None
) -> str:
    """Write a video of each clip, and give the HTML that shows them."""
    cards = []
    for done, one in enumerate(scores, start=1):
        name = one.clip.clip.name
        file = f"{name.replace('/', '__')}.mp4"
        try:
            pictures = side_by_side(one.clip, animator, folder / file)
        except PortraitError as error:
            _log.warning("%s: no video, its resting frame cannot be animated (%s)", name, error)
            continue
        late = round(1000 * one.clip.av_offset)
        step = f"sound {abs(late)} ms {'late' if late > 0 else 'early'} as recorded, put in step · " if late else ""
        cards.append(
            f'<figure><video controls preload="metadata" src="clips/{quote(file)}"></video>'
            f"<figcaption><b>{escape(name)}</b><br>left recorded, right <b>SYNTHETIC</b> with the head held still<br>"
            f"correlation {one.figures['mouth_opening_corr']:.3f} · {step}sharpness (CPBD) {pictures.cpbd:.2f}, "
            f"recorded {pictures.real_cpbd:.2f} · SSIM {pictures.ssim:.2f} · PSNR {pictures.psnr:.1f} dB"
            "</figcaption></figure>"
        )
        if progress:
            progress(done, len(scores))
    return "".join(cards)
