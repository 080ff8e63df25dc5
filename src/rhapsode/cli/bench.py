"""`rhapsode bench`: how fast is it here?"""

import contextlib
import json
import subprocess
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from rhapsode.cli.options import Debug
from rhapsode.cli.terminal import print_status

#: What each figure is called, and its unit.
ROWS = {
    "fps_512": ("512 x 512, encoded", "frames/s"),
    "fps_1080p": ("1080 x 1920, encoded", "frames/s"),
    "motion_ms": ("motion of a frame", "ms"),
    "draw_ms": ("drawing it", "ms"),
    "paint_ms": ("painting its mouth", "ms"),
    "encode_ms": ("encoding it", "ms"),
    "setup_ms": ("known portrait to session", "ms"),
    "setup_new_ms": ("new portrait to session", "ms"),
    "first_frame_ms": ("first sound to first frame", "ms"),
    "latency_ms": ("sound's arrival to its frame", "ms"),
    "import_ms": ("import", "ms"),
    "peak_rss_mb": ("memory of a session", "MB"),
}


def bench(
    runs: Annotated[int, typer.Option(metavar="N", min=1, help="Each figure is the median of so many runs.")] = 3,
    threads: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="Threads that make frames.  [default: the processors, at most 4]"),
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Append the figures, with date and commit, as a line of JSON.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as one line of JSON.")] = False,
    debug: Debug = False,
) -> None:
    """Measure how fast portraits speak on this machine."""
    from rhapsode.tools.benchmark import measure

    with contextlib.ExitStack() as opened:
        # Opened first: who cannot keep figures wants to know before a minute of measuring.
        history = keep and opened.enter_context(keep.open("a", encoding="utf-8"))
        figures = asdict(measure(runs, threads, None if as_json else lambda what: print_status(f"measuring: {what}")))
        if history:
            history.write(json.dumps({"date": date.today().isoformat(), "commit": _commit()} | figures) + "\n")
    if as_json:
        typer.echo(json.dumps(figures))
        return
    for name, (what, unit) in ROWS.items():
        typer.echo(f"{what:<28}{figures[name]:>9.1f} {unit}")
    typer.echo(f"{figures['threads']} threads on {figures['processors']} processors, {figures['machine']}")


def _commit() -> str:
    """The commit of the checkout that this runs from; empty where there is none."""
    try:
        words = ["git", "-C", str(Path(__file__).parent), "rev-parse", "--short", "HEAD"]
        return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
