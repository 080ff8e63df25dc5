"""`rhapsode prepare`: recordings become a store that trainings and evaluations read."""

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from rhapsode.cli.options import Debug
from rhapsode.cli.terminal import ProgressDisplay
from rhapsode.errors import DataError
from rhapsode.require import require_torch

if TYPE_CHECKING:
    from rhapsode.data.prepare import Report


def prepare(
    source: Annotated[
        Path, typer.Argument(metavar="SOURCE", help="Folder of recordings: a corpus, or your own clips.")
    ],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Store to make, or to bring up to date.")],
    layout: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="clips.csv, grid, crema-d, ravdess or voxceleb2.  [default: recognised by the names of the files]",
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Processes side by side.  [default: one for each processor core]"),
    ] = None,
    sync_model: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Motion Generator that measures how late the sound is.  [default: the one shipped]"
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as one line of JSON.")] = False,
    debug: Debug = False,
) -> None:
    """Track faces and sound of many clips once, for trainings and evaluations.

    An interrupted run goes on where it stopped; a clip whose file has changed is made anew.
    """
    if out.exists() and not out.is_dir():
        raise DataError(f"{out}: is a file; name a folder with --out")
    require_torch("rhapsode prepare")
    with ProgressDisplay(shown=not as_json or sys.stderr.isatty()) as progress:
        from rhapsode.data.corpora import read_source
        from rhapsode.data.prepare import prepare as fill

        began = time.perf_counter()
        clips = read_source(source, layout)
        report = fill(clips, out, sync_model, workers, progress.report)
    wall = time.perf_counter() - began
    if as_json:
        line = {
            "out": str(out),
            "clips": len(report.entries),
            "kept": len(report.kept),
            "dropped": dict(report.dropped),
            "seconds": round(sum(entry.seconds for entry in report.kept), 1),
            "tracked": report.tracked,
            "measured": report.measured,
            "wall_s": round(wall, 1),
        }
        typer.echo(json.dumps(line))
    else:
        typer.echo(_describe(out, report, wall))


def _describe(out: Path, report: "Report", wall: float) -> str:
    minutes = sum(entry.seconds for entry in report.kept) / 60
    lines = [
        f"{out}: {len(report.kept)} of {len(report.entries)} clips kept, {minutes:.1f} min; "
        f"{report.tracked} tracked in {wall:.0f} s"
    ]
    for reason, count in report.dropped.most_common():
        first = next(entry for entry in report.entries if entry.dropped == reason)
        lines.append(f"  left out, {reason}: {count}, such as {first.name} ({first.note})")
    return "\n".join(lines)
