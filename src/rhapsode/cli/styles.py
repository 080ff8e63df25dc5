"""`rhapsode styles`: list, show, mix and share styles."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from rhapsode.cli.errors import UsageError
from rhapsode.cli.fields import Flag, Json, Library, Plain, Positional, option
from rhapsode.errors import StyleError
from rhapsode.face.units import UNITS
from rhapsode.motion.emphasis import DRIVES
from rhapsode.require import require_torch
from rhapsode.style.expressions import EXPRESSIONS
from rhapsode.style.library import Entry, StyleLibrary, resolve
from rhapsode.style.names import checked_name
from rhapsode.style.style import Style

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True, kw_only=True)
class List:
    """Options of a verb stand after it."""

    library: Library = None
    """Folder of your styles."""
    output: Annotated[Json, option(name="")] = field(default_factory=Json)

    def run(self) -> None:
        """Print every style."""
        library = StyleLibrary(self.library)
        rows = [_summary(entry) for entry in library.entries()]
        if self.output.json:
            folder = None if library.shipped_only else str(library.folder)
            print(json.dumps({"library": folder, "styles": rows}))
        elif not rows:
            print(f"no styles in {library.folder}; make one with rhapsode learn-style, or rhapsode styles import FILE")
        else:
            print("\n".join(_columns(rows)))
            print(f"expressions by name, which need no style: {', '.join(EXPRESSIONS)}, and units such as browInnerUp")


@dataclass(frozen=True, kw_only=True)
class Show:
    """It tells the style's origin, its license, and what it changes."""

    name: Annotated[Positional[str], option("NAME")]
    """The style, as in the list."""
    pictures: Annotated[Path | None, option("FILE", "none")] = None
    """Draw key motions, references and their distances into a PNG file."""
    portrait: Annotated[Path | None, option("FILE", "none")] = None
    """With --pictures: also the ISP images of this portrait."""
    library: Library = None
    """Folder of your styles."""
    output: Annotated[Json, option(name="")] = field(default_factory=Json)

    def run(self) -> None:
        """Print the style's facts."""
        library = StyleLibrary(self.library)
        entry = library.entry(self.name)
        style = library.load(self.name)
        if self.portrait is not None and self.pictures is None:
            raise UsageError("--portrait goes with --pictures FILE")
        if self.pictures is not None:
            _draw(style, self.pictures, self.portrait)
        facts = _facts(style, entry)
        print(json.dumps(facts) if self.output.json else "\n".join(_fact_lines(facts)))


@dataclass(frozen=True, kw_only=True)
class Mix:
    """Weights are 0 to 1.5 each and add up to 1 at most."""

    mixture: Annotated[Positional[str], option("MIXTURE")]
    """Styles and their weights: "ballad*0.6+angry*0.4"."""
    name: Annotated[str, option("NAME")]
    """Name of the new style."""
    library: Library = None
    """Folder of your styles."""
    overwrite: Flag = False
    """Replace a style of yours of that name."""
    output: Annotated[Plain, option(name="")] = field(default_factory=Plain)

    def run(self) -> None:
        """Mix, and print where the new style is."""
        name = checked_name(self.name)
        library = StyleLibrary(self.library)
        path = library.save(replace(resolve(self.mixture, library), name=name), self.overwrite)
        print(f"{path}: style {name!r}, of {self.mixture}")


@dataclass(frozen=True, kw_only=True)
class Rename:
    """Styles that come with the package keep their names."""

    old: Annotated[Positional[str], option("OLD")]
    """Style of yours."""
    new: Annotated[Positional[str], option("NEW")]
    """Its new name."""
    library: Library = None
    """Folder of your styles."""
    output: Annotated[Plain, option(name="")] = field(default_factory=Plain)

    def run(self) -> None:
        """Rename, and print where the style is."""
        print(f"{StyleLibrary(self.library).rename(self.old, self.new)}: style {self.new!r}, before {self.old!r}")


@dataclass(frozen=True, kw_only=True)
class Delete:
    """Styles that come with the package stay."""

    name: Annotated[Positional[str], option("NAME")]
    """Style of yours."""
    library: Library = None
    """Folder of your styles."""
    output: Annotated[Plain, option(name="")] = field(default_factory=Plain)

    def run(self) -> None:
        """Delete, and print what is gone."""
        print(f"{StyleLibrary(self.library).delete(self.name)}: deleted")


@dataclass(frozen=True, kw_only=True)
class Export:
    """No file is overwritten."""

    name: Annotated[Positional[str], option("NAME")]
    """The style, as in the list."""
    file: Annotated[Positional[Path], option("FILE")]
    """File to write, ends in .safetensors; or a folder to write it to."""
    library: Library = None
    """Folder of your styles."""
    output: Annotated[Plain, option(name="")] = field(default_factory=Plain)

    def run(self) -> None:
        """Copy, and print where the file is."""
        print(f"{StyleLibrary(self.library).export(self.name, self.file)}: style {self.name!r}")


@dataclass(frozen=True, kw_only=True)
class Import:
    """A file that was changed or damaged is refused."""

    file: Annotated[Positional[Path], option("FILE")]
    """Style file."""
    name: Annotated[str | None, option("NAME", "the name in the file")] = None
    """Name to keep it under."""
    library: Library = None
    """Folder of your styles."""
    overwrite: Flag = False
    """Replace a style of yours of that name."""
    output: Annotated[Plain, option(name="")] = field(default_factory=Plain)

    def run(self) -> None:
        """Check, copy, and print where the style is."""
        path = StyleLibrary(self.library).import_(self.file, self.name, self.overwrite)
        print(f"{path}: style {path.stem!r}")


def _draw(style: Style, path: Path, portrait: Path | None) -> None:
    require_torch("rhapsode styles show --pictures")
    from rhapsode.learning.reference_images import draw_sheet

    patterns: np.ndarray | None = None
    if portrait is not None:
        from rhapsode.animator import Animator

        patterns = Animator.from_pretrained().load_portrait(portrait).painter(style).patterns
    draw_sheet(style, patterns, path)


def _summary(entry: Entry) -> dict[str, Any]:
    """Give what the list tells of a style, or why it cannot be used."""
    row: dict[str, Any] = {"name": entry.name, "path": str(entry.path), "shipped": entry.shipped}
    try:
        checked_name(entry.name)
        style = Style.load(entry.path)
    except StyleError as error:
        return row | {"error": str(error)}
    method = style.provenance.get("method", "mixed" if "mixed" in style.provenance else None)
    return row | {"method": method, "seconds": style.provenance.get("seconds"), "license": style.license}


def _columns(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """Give a heading and a line for each row, in columns as wide as they need; a style that cannot be used says why."""
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


def _facts(style: Style, entry: Entry) -> dict[str, Any]:
    from rhapsode.style.references import key_motions, reference_distances

    distances = reference_distances(style.references, key_motions()).diagonal()
    return {
        "name": entry.name,
        "path": str(entry.path),
        "shipped": entry.shipped,
        "bytes": entry.path.stat().st_size,
        "license": style.license,
        "generator": style.generator,
        "head_gain": [round(float(gain), 3) for gain in style.head_gain],
        "blink_rate_scale": style.blink_rate_scale,
        "units": {unit: round(float(one), 3) for unit, one in zip(UNITS, style.units, strict=True) if one},
        "response": {
            drive: {unit: round(float(one), 3) for unit, one in zip(UNITS, change, strict=True) if abs(one) >= 0.0005}
            for drive, change in zip(DRIVES, style.response, strict=True)
        },
        "gamma": style.gamma,
        "projection": style.projection,
        "bank": 0 if style.bank is None else len(style.bank),
        "reference_distances": [round(float(one), 3) for one in distances],
        "pictures": style.pictures is not None,
        "provenance": dict(style.provenance),
    }


def _fact_lines(facts: Mapping[str, Any]) -> list[str]:
    """Give a line for each fact of `rhapsode styles show`."""
    gains = zip(("nod", "turn", "tilt", "sideways", "up and down"), facts["head_gain"], strict=True)
    projection = f"{facts['projection']:g} onto {facts['bank']} features of the voice" if facts["bank"] else "none"
    told = [
        ("from", "shipped" if facts["shipped"] else "yours"),
        ("file", facts["path"]),
        ("size", f"{facts['bytes'] / 1000:.0f} kB"),
        ("license", facts["license"]),
        ("learnt for", f"Motion Generator {facts['generator']}"),
        ("head", ", ".join(f"{direction} x {gain:.2f}" for direction, gain in gains)),
        ("blink rate", f"x {facts['blink_rate_scale']:.2f}"),
        ("expression", _strongest(facts["units"]) or "neutral"),
        *((f"with {drive}", _strongest(change) or "the same") for drive, change in facts["response"].items()),
        ("references", "distances " + ", ".join(f"{one:.2f}" for one in facts["reference_distances"])),
        ("pictures", "kept: they show the person" if facts["pictures"] else "none"),
        ("gamma", f"{facts['gamma']:g}"),
        ("projection", projection),
        *((name, _shortened(value)) for name, value in facts["provenance"].items()),
    ]
    width = max(len(_plain(key)) for key, _ in told)
    return [_plain(facts["name"]), *(f"  {_plain(key):<{width}}  {_plain(value)}" for key, value in told)]


def _strongest(units: Mapping[str, float]) -> str:
    """Name the six units that are furthest from a neutral face."""
    chief = sorted(units.items(), key=lambda one: -abs(one[1]))[:6]
    return ", ".join(f"{unit} {value:+.2f}" for unit, value in chief)


def _plain(value: object) -> str:
    """Give a fact on one line, without characters that move the cursor: files come from strangers."""
    if isinstance(value, float):
        return f"{value:g}"
    text = "" if value is None else value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _shortened(value: Any) -> Any:
    """Give a fact in a few words; rows of figures are counted."""
    if isinstance(value, list) and value and isinstance(value[0], dict) and "step" in value[0]:
        return f"{len(value)} checks; --json has all"
    return value
