"""Draw which package imports which, as docs/architecture.md shows it.

    python tools/import_graph.py docs/images/imports.svg

The rows are the layers of the import contract in pyproject.toml, the highest on top. An arrow goes from a package to
one that it imports, wider for more imports; one that a chain of others implies is left out. Needs `rhapsode[dev]`.
"""

import re
import sys
from pathlib import Path
from typing import Any

import grimp
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch

try:
    import tomllib
except ImportError:  # Python 3.10
    import tomli as tomllib

ROOT = Path(__file__).parents[1]
_COLOURS = {"apps": "#c9dff0", "torch": "#f5d9c4", "product": "#d5ead0"}


def contracts() -> list[dict[str, Any]]:
    """Read the import contracts of pyproject.toml."""
    return list(tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"])


def layers() -> list[list[str]]:
    """Read the layers of the import contract, the highest first; packages in one layer do not know each other."""
    rows = next(contract["layers"] for contract in contracts() if contract["type"] == "layers")
    return [[name.strip(" ()") for name in re.split(r"[|:]", row)] for row in rows]


def imports(graph: grimp.ImportGraph, importer: str, imported: str) -> int:
    """Count the modules of one package that are imported by modules of another."""
    inside = {importer, *graph.find_descendants(importer)}
    target = {imported, *graph.find_descendants(imported)}
    return sum(len(graph.find_modules_directly_imported_by(module) & target) for module in inside)


def reduced(edges: dict[tuple[str, str], int]) -> dict[tuple[str, str], int]:
    """Leave out the edges that a chain of others implies."""

    def reaches(start: str, end: str, avoided: tuple[str, str]) -> bool:
        open_, seen = [start], {start}
        while open_:
            now = open_.pop()
            for one, other in edges:
                if one == now and (one, other) != avoided and other not in seen:
                    if other == end:
                        return True
                    open_.append(other)
                    seen.add(other)
        return False

    return {edge: count for edge, count in edges.items() if not reaches(*edge, avoided=edge)}


def draw(path: Path) -> None:
    """Draw the graph as an SVG file."""
    rows = [[name.removeprefix("rhapsode.") for name in row] for row in layers()]
    graph = grimp.build_graph("rhapsode")
    names = [name for row in rows for name in row if f"rhapsode.{name}" in graph.modules]
    edges = {
        (importer, imported): count
        for importer in names
        for imported in names
        if importer != imported and (count := imports(graph, f"rhapsode.{importer}", f"rhapsode.{imported}"))
    }
    figure = Figure(figsize=(8, 0.55 * len(rows)), layout="tight")
    FigureCanvasSVG(figure)
    axes = figure.add_subplot()
    axes.set_axis_off()
    places: dict[str, tuple[float, float]] = {}
    for number, row in enumerate(rows):
        # Neighbouring rows stand a little to either side, so that arrows past them can be seen.
        shift = 0.6 if number % 2 else -0.6
        for column, name in enumerate(row):
            if name not in names:
                continue
            places[name] = (2.2 * (column - (len(row) - 1) / 2) + shift, -float(number))
            guarded = "rhapsode.require" in graph.find_modules_directly_imported_by(f"rhapsode.{name}")
            kind = "apps" if name in ("cli", "tools") else "torch" if guarded else "product"
            box = {"boxstyle": "round,pad=0.35", "facecolor": _COLOURS[kind], "edgecolor": "#666666", "linewidth": 0.8}
            axes.text(*places[name], name, ha="center", va="center", fontsize=10, zorder=3, bbox=box)
    for (importer, imported), count in reduced(edges).items():
        (x, y), (_, below) = places[importer], places[imported]
        distance = y - below
        bend = 0.0 if distance <= 1 else (0.35 if x > 0 else -0.35) * min(distance / 8 + 0.4, 1)
        axes.add_patch(
            FancyArrowPatch(
                places[importer], places[imported], connectionstyle=f"arc3,rad={bend}", arrowstyle="-|>",
                mutation_scale=9, shrinkA=11, shrinkB=11, linewidth=0.7 + min(count, 30) / 12,
                color="#555555" if distance > 0 else "#cc0000", alpha=0.7, zorder=1,
            )
        )  # fmt: skip
    for x, kind, text in ((-4.0, "apps", "apps"), (-2.9, "torch", "PyTorch"), (-1.4, "product", "runs in the product")):
        box = {"boxstyle": "round", "facecolor": _COLOURS[kind], "edgecolor": "none"}
        axes.text(x, 0.9, text, fontsize=8, ha="center", bbox=box)
    axes.set_xlim(-4.8, 4.8)
    axes.set_ylim(-len(rows) + 0.4, 1.2)
    figure.savefig(path, format="svg", metadata={"Date": None})


if __name__ == "__main__":
    draw(Path(sys.argv[1]))
