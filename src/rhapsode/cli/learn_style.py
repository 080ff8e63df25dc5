"""`rhapsode learn-style`: a clip of a performance becomes a style."""

import json
import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from rhapsode.cli.options import Debug, Library
from rhapsode.cli.terminal import ProgressDisplay
from rhapsode.require import require_torch


def learn_style(
    clip: Annotated[
        Path,
        typer.Argument(
            metavar="CLIP", help="Video of one person who speaks or sings; 1.5 s to 5 min, best of 10 s or more."
        ),
    ],
    name: Annotated[str, typer.Option(metavar="NAME", help="What the style is to be called.")],
    neutral: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Picture or clip of the same person with a face at ease: what the clip's face shows all the time, a "
            "smile or a frown, is then part of the style.",
        ),
    ] = None,
    license: Annotated[str, typer.Option(metavar="TEXT", help="Terms under which the style may be used.")] = "",
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Chance; the same seed gives the same style.")] = 0,
    pictures: Annotated[
        bool, typer.Option("--keep-pictures", help="Keep four small pictures of the person in the style.")
    ] = False,
    library: Library = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Take the place of a style of yours of that name.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the facts as one line of JSON.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", help="Print nothing but warnings and errors.")] = False,
    debug: Debug = False,
) -> None:
    """Learn a manner of speaking from a clip.

    The style is kept in your library, where animate --style finds it; NAME.curve.png beside it shows how it was learnt.
    """
    began = time.perf_counter()
    require_torch("rhapsode learn-style")
    with ProgressDisplay(shown=not (quiet or (as_json and not sys.stderr.isatty()))) as progress:
        from rhapsode.learning.learn import learn_style as learn
        from rhapsode.learning.recipe import TransferRecipe
        from rhapsode.style.library import StyleLibrary

        kept = StyleLibrary(library)
        style = learn(
            clip, name, neutral=neutral, license=license, recipe=TransferRecipe(seed=seed), pictures=pictures,
            library=kept, overwrite=overwrite, progress=progress.report,
        )  # fmt: skip
    path = kept.path(name)
    wall = time.perf_counter() - began
    last = max(style.provenance["curve"], key=lambda row: row["score"])
    if as_json:
        facts = {
            "name": name, "path": str(path), "bytes": path.stat().st_size, "clip_seconds": style.provenance["seconds"],
            "learn_seconds": round(wall, 2), "lip_sync": last["lip_sync"], "distance": last["distance"],
        }  # fmt: skip
        typer.echo(json.dumps(facts))
    elif not quiet:
        typer.echo(
            f"{path}: {name!r}, learnt from {style.provenance['seconds']} s in {wall:.0f} s; use it with --style {name}"
        )
