"""`rhapsode evaluate`: a verb for each kind of model."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from rhapsode.cli.options import HELP, PLAIN, Data, Debug, Pairs, Store, UsageError
from rhapsode.cli.terminal import ProgressDisplay
from rhapsode.require import require_torch

app = typer.Typer(**PLAIN, context_settings=HELP, help="Score a model against real speakers.")


def _splits(context: typer.Context, text: str) -> str:
    """Check the splits of --split, names by commas, and spell "all" out: every one that is never learnt from."""
    names = [name.strip() for name in ("test,val,eval" if text.strip() == "all" else text).split(",")]
    for name in names:
        if name not in ("train", "val", "test", "eval"):
            raise typer.BadParameter(f"{name!r} is none of test, val, eval, train, all", context)
    return ",".join(names)


_Split = Annotated[
    str,
    typer.Option(
        metavar="NAMES",
        callback=_splits,
        help="Clips to score on: test, val, eval, train, several by commas, or all that are never learnt from.",
    ),
]


@app.command("motion", context_settings=HELP)
def evaluate_motion(
    data: Data,
    split: _Split = "test",
    model: Annotated[str, typer.Option(metavar="MODEL", help="default, or a model folder.")] = "default",
    store: Store = Path("stores/clips"),
    report: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write a page with curves and videos here.")
    ] = None,
    clips: Annotated[int, typer.Option(metavar="N", min=0, help="Videos in the report, for each corpus.")] = 3,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as one line of JSON.")] = False,
    debug: Debug = False,
) -> None:
    """Score a Motion Generator against real speakers, next to plain baselines.

    The sound of each clip is spoken by the generator, and its motion is compared with the speaker's own.
    """
    require_torch("rhapsode evaluate")
    with ProgressDisplay(shown=not as_json or sys.stderr.isatty()) as progress:
        from rhapsode.evaluation.motion import evaluate_motion as evaluate

        figures = evaluate(data, store, split.split(","), model, report, clips, progress.report)
    if as_json:
        typer.echo(json.dumps(figures))
    else:
        from rich.console import Console

        from rhapsode.cli.tables import as_table

        Console(width=None if sys.stdout.isatty() else 160).print(as_table(figures))
        if report is not None:
            typer.echo(f"{report / 'index.html'}: the report")


@app.command("style", context_settings=HELP)
def evaluate_style(
    data: Data,
    split: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            callback=_splits,
            help="Clips to learn styles from: eval, test, val, train, several by commas, or all but train.",
        ),
    ] = "eval",
    seed: Annotated[int, typer.Option(metavar="N", help="Source of chance of the style transfer.")] = 0,
    model: Annotated[str, typer.Option(metavar="MODEL", help="default, or a model folder.")] = "default",
    store: Store = Path("stores/clips"),
    report: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Write a page with tables and curves here.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as one line of JSON.")] = False,
    debug: Debug = False,
) -> None:
    """Score how well manners are learnt from clips and put on others' speech.

    A style is learnt from each clip, and speaks with a clip of every speaker of the splits test and val. What comes of
    it is compared with the style clip, and its lips with the speaker's own, next to no style and the zero-shot style.
    """
    require_torch("rhapsode evaluate")
    with ProgressDisplay(shown=not as_json or sys.stderr.isatty()) as progress:
        from rhapsode.evaluation.styles import evaluate_style as evaluate
        from rhapsode.learning.recipe import TransferRecipe

        recipe = TransferRecipe(seed=seed)
        figures = evaluate(data, store, split.split(","), recipe, model=model, report=report, progress=progress.report)
    if as_json:
        typer.echo(json.dumps(figures))
    else:
        from rich.console import Console

        from rhapsode.cli.tables import as_style_table

        Console(width=None if sys.stdout.isatty() else 160).print(as_style_table(figures))
        if report is not None:
            typer.echo(f"{report / 'index.html'}: the report")


@app.command("image", context_settings=HELP)
def evaluate_image(
    data: Data,
    split: _Split = "test",
    weights: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=FILE", help="Style-Aware Generator to score; repeatable.  [default: those of the package]"
        ),
    ] = None,
    store: Store = Path("stores/clips"),
    pairs: Pairs = Path("stores/pairs"),
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as one line of JSON.")] = False,
    debug: Debug = False,
) -> None:
    """Score the pictures of mouths that are made of real people's portraits.

    A frame of a clip is asked for the mouth of another frame of it, whose landmarks are real, and compared with it: by
    a bare warp, by the explicit renderer, and by the Style-Aware Generator, whole and with parts of it left out.
    """
    files: dict[str, Path] = {}
    for given in weights or ():
        name, separator, file = given.partition("=")
        if not (name and separator and file):
            raise UsageError(f"--weights {given}: write NAME=FILE")
        files[name] = Path(file)
    require_torch("rhapsode evaluate")
    with ProgressDisplay(shown=not as_json or sys.stderr.isatty()) as progress:
        from rhapsode.evaluation import images as image

        figures = image.evaluate_image(data, store, split.split(","), pairs, files or None, progress=progress.report)
    if as_json:
        typer.echo(json.dumps(figures))
    else:
        from rich.console import Console

        from rhapsode.cli.tables import as_image_table

        Console(width=None if sys.stdout.isatty() else 160).print(as_image_table(figures))
