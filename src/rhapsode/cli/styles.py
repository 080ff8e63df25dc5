"""`rhapsode styles`: what manners of speaking there are, and a verb for each thing to do with them."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from rhapsode.cli.options import HELP, PLAIN, Debug, Library, UsageError
from rhapsode.errors import StyleError
from rhapsode.require import require_torch

if TYPE_CHECKING:
    from rhapsode.style.library import Entry, StyleLibrary
    from rhapsode.style.style import Style

app = typer.Typer(**PLAIN, context_settings=HELP)

Name = Annotated[str, typer.Argument(metavar="NAME", help="Style, as `rhapsode styles` lists it.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Take the place of a style of yours of that name.")]


@app.callback(invoke_without_command=True)
def styles(
    context: typer.Context,
    library: Library = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the list as one line of JSON.")] = False,
    debug: Debug = False,
) -> None:
    """List the styles there are; or show, mix, share them.

    Options of a verb stand after it.
    """
    verb = context.invoked_subcommand
    if verb is not None:
        for option, given in (("--library", library is not None), ("--json", as_json)):
            if given:
                raise typer.BadParameter(f"write it after {verb}", context, param_hint=option)
        return
    at_hand = _library(library)
    rows = [_summary(entry) for entry in at_hand.entries()]
    if as_json:
        typer.echo(json.dumps({"library": str(at_hand.folder), "styles": rows}))
    elif not rows:
        typer.echo(f"no styles in {at_hand.folder}; make one with rhapsode learn-style, or rhapsode styles import FILE")
    else:
        for line in _columns(rows):
            typer.echo(line)


@app.command("show", context_settings=HELP)
def show_style(
    name: Name,
    pictures: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Draw key motions, references and their distances into a PNG file."),
    ] = None,
    portrait: Annotated[
        Path | None, typer.Option(metavar="FILE", help="With --pictures: also this portrait's ISP images.")
    ] = None,
    library: Library = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the facts as one line of JSON.")] = False,
    debug: Debug = False,
) -> None:
    """Tell all that is known of a style: where it comes from, its licence, what it does."""
    at_hand = _library(library)
    entry = at_hand.entry(name)
    style = at_hand.load(name)
    if portrait is not None and pictures is None:
        raise UsageError("--portrait goes with --pictures FILE")
    if pictures is not None:
        _draw(style, pictures, portrait)
    facts = {
        "name": name,
        "path": str(entry.path),
        "shipped": entry.shipped,
        "bytes": entry.path.stat().st_size,
        "license": style.license,
        "generator": style.generator,
        "head_gain": [round(float(gain), 3) for gain in style.head_gain],
        "blink_rate_scale": style.blink_rate_scale,
        "eyelid_offset": style.eyelid_offset,
        "gamma": style.gamma,
        "projection": style.projection,
        "bank": 0 if style.bank is None else len(style.bank),
        "reference_distances": _distances(style),
        "pictures": style.pictures is not None,
        "provenance": dict(style.provenance),
    }
    if as_json:
        typer.echo(json.dumps(facts))
    else:
        for line in _facts(facts):
            typer.echo(line)


@app.command("mix", context_settings=HELP)
def mix_styles(
    mixture: Annotated[
        str, typer.Argument(metavar="MIXTURE", help='Styles and how much of each: "ballad*0.6+angry*0.4".')
    ],
    name: Annotated[str, typer.Option(metavar="NAME", help="What the new style is called.")],
    library: Library = None,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Make a style out of others, each with a weight from 0 to 1.5."""
    from dataclasses import replace

    from rhapsode.style.library import resolve
    from rhapsode.style.names import checked_name

    checked_name(name)
    at_hand = _library(library)
    path = at_hand.save(replace(resolve(mixture, at_hand), name=name), overwrite)
    typer.echo(f"{path}: style {name!r}, of {mixture}")


@app.command("rename", context_settings=HELP)
def rename_style(
    old: Annotated[str, typer.Argument(metavar="OLD", help="Style of yours.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Name that it gets.")],
    library: Library = None,
    debug: Debug = False,
) -> None:
    """Call a style of yours something else."""
    typer.echo(f"{_library(library).rename(old, new)}: style {new!r}, before {old!r}")


@app.command("delete", context_settings=HELP)
def delete_style(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Style of yours.")],
    library: Library = None,
    debug: Debug = False,
) -> None:
    """Remove a style of yours."""
    typer.echo(f"{_library(library).delete(name)}: deleted")


@app.command("export", context_settings=HELP)
def export_style(
    name: Name,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Ends in .safetensors; or a folder to put it in.")],
    library: Library = None,
    debug: Debug = False,
) -> None:
    """Copy a style into a file of its own, to hand it on."""
    typer.echo(f"{_library(library).export(name, file)}: style {name!r}")


@app.command("import", context_settings=HELP)
def import_style(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Style that was handed on.")],
    name: Annotated[
        str | None, typer.Option(metavar="NAME", help="What to call it.  [default: what it calls itself]")
    ] = None,
    library: Library = None,
    overwrite: Overwrite = False,
    debug: Debug = False,
) -> None:
    """Check a style that was handed on, and keep it among yours."""
    path = _library(library).import_(file, name, overwrite)
    typer.echo(f"{path}: style {path.stem!r}")


def _distances(style: "Style") -> list[float]:
    from rhapsode.style.references import key_motions, reference_distances

    return [round(float(one), 3) for one in reference_distances(style.references, key_motions()).diagonal()]


def _draw(style: "Style", path: Path, portrait: Path | None) -> None:
    require_torch("rhapsode styles show --pictures")
    from rhapsode.learning.reference_images import draw_sheet

    patterns = None
    if portrait is not None:
        from rhapsode.animator import Animator

        animator = Animator.from_pretrained()
        patterns = animator.load_portrait(portrait).painter(style).patterns
    draw_sheet(style, patterns, path)


def _library(folder: Path | None) -> "StyleLibrary":
    from rhapsode.style.library import StyleLibrary

    return StyleLibrary(folder)


def _summary(entry: "Entry") -> dict[str, Any]:
    """What the list tells of a style, or why it cannot be used."""
    from rhapsode.style.names import checked_name
    from rhapsode.style.style import Style

    row: dict[str, Any] = {"name": entry.name, "path": str(entry.path), "shipped": entry.shipped}
    try:
        checked_name(entry.name)
        style = Style.load(entry.path)
    except StyleError as error:
        return row | {"error": str(error)}
    return row | {
        "method": _method(style),
        "seconds": style.provenance.get("seconds"),
        "license": style.license,
    }


def _method(style: "Style") -> str | None:
    method = style.provenance.get("method")
    return "mixed" if method is None and "mixed" in style.provenance else method


def _columns(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """A heading and a line for each row, in columns as wide as they need; a style that cannot be used says why."""
    lines = [["name", "from", "method", "seconds", "license"]]
    for row in rows:
        origin = "shipped" if row["shipped"] else "yours"
        told = [row["error"]] if "error" in row else [_plain(row[key]) for key in ("method", "seconds", "license")]
        lines.append([_plain(row["name"]), origin, *map(_plain, told)])
    whole = [line for line in lines if len(line) == 5]
    widths = [max(map(len, column)) for column in zip(*whole, strict=True)]
    widths[0] = max(len(line[0]) for line in lines)
    widths[1] = max(len(line[1]) for line in lines)
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=False)).rstrip() for line in lines]


def _facts(facts: Mapping[str, Any]) -> list[str]:
    """A line for each fact of `rhapsode styles show`."""
    gains = zip(("nod", "turn", "tilt", "sideways", "up and down"), facts["head_gain"], strict=True)
    told = [
        ("from", "shipped" if facts["shipped"] else "yours"),
        ("file", facts["path"]),
        ("size", f"{facts['bytes'] / 1000:.0f} kB"),
        ("license", facts["license"]),
        ("made for", f"Motion Generator {facts['generator']}"),
        ("head", ", ".join(f"{direction} x {gain:.2f}" for direction, gain in gains)),
        ("blinks", f"x {facts['blink_rate_scale']:.2f}"),
        ("lids droop", f"{facts['eyelid_offset']:.2f}"),
        ("references", "distances " + ", ".join(f"{one:.2f}" for one in facts["reference_distances"])),
        ("pictures", "kept: they show the person" if facts["pictures"] else "none"),
        ("gamma", f"{facts['gamma']:g}"),
        ("projection", f"{facts['projection']:g} to {facts['bank']} features of the voice"),
        *((name, _told(value)) for name, value in facts["provenance"].items()),
    ]
    width = max(len(_plain(key)) for key, _ in told)
    return [_plain(facts["name"]), *(f"  {_plain(key):<{width}}  {_plain(value)}" for key, value in told)]


def _plain(value: object) -> str:
    """A fact on one line, without characters that move the cursor: files come from strangers."""
    if isinstance(value, float):
        return f"{value:g}"
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value)
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _told(value: Any) -> Any:
    """A fact in a few words; rows of figures are counted."""
    if isinstance(value, list) and value and isinstance(value[0], dict) and "step" in value[0]:
        return f"{len(value)} checks; --json has all"
    return value
