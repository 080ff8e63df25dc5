"""Figures of an evaluation as a table on a terminal."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from rhapsode.evaluation.image_scorer import KINDS
from rhapsode.evaluation.report.columns import MOTION, NAMES, STYLE, accuracy, cells, changes, expressions
from rhapsode.evaluation.styled_clip import METHODS


def motion_table(figures: Mapping[str, Any]) -> Table:
    """Tabulate every method on all clips, then corpus by corpus; `figures` as from `evaluation.motion`."""
    table = Table("clips of", "method", *(column.heading for column in MOTION))
    methods = {"generator": figures, **figures["baselines"]}
    for corpus in (None, *figures["groups"]):
        for name, of in methods.items():
            summary = of if corpus is None else of["groups"][corpus]
            table.add_row(corpus or "all", name, *cells(summary, MOTION), style="bold" if of is figures else None)
        table.add_section()
    return table


def style_table(figures: Mapping[str, Any]) -> Table:
    """Tabulate every way of moving on all style clips, then clip by clip; `figures` as from `evaluation.styles`."""
    columns = (*STYLE[:3], *STYLE[6:])
    table = Table("style clip", "motion", *(column.heading for column in columns), "change", caption=accuracy(figures))
    for name, of in [(f"all {figures['style_clips']}", figures), *((one["name"], one) for one in figures["clips"])]:
        for method in METHODS:
            row = [*cells(of[method], columns), changes(of[method]).replace(" · ", "\n")]
            table.add_row(name, NAMES[method], *row, style="bold" if of is figures and method == "learnt" else None)
        table.add_section()
    if "expression" in figures:
        table.caption = f"{table.caption}\n{expressions(figures['expression'])}"
    return table


def image_table(figures: Mapping[str, Any]) -> Table:
    """Tabulate every way of painting on both kinds of pairs; `figures` as from `evaluation.images`."""
    names = list(next(iter(figures[KINDS[0]].values())))
    speakers = f"{figures['speakers']} people"
    table = Table("pairs", "method", *(name.replace("_", " ") for name in names), caption=speakers)
    for kind in KINDS:
        for method, values in figures[kind].items():
            told = ["-" if values[name] is None else f"{values[name]:.4g}" for name in names]
            heading = f"{kind.replace('_', ' ')} ({figures['pairs'][kind]})"
            table.add_row(heading, method, *told, style="bold" if method == "full" else None)
        table.add_section()
    return table
