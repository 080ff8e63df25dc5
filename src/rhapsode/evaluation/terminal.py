"""The figures of an evaluation as a table on a terminal."""

from collections.abc import Mapping
from typing import Any

from rich.table import Table

from rhapsode.evaluation.page import COLUMNS, summary_cells


def as_table(figures: Mapping[str, Any]) -> Table:
    """Every method on all clips, then corpus by corpus; `figures` as `motion.result` makes them."""
    table = Table("clips of", "method", *(column.heading for column in COLUMNS), "closures")
    methods = {"generator": figures, **figures["baselines"]}
    for corpus in (None, *figures["groups"]):
        for name, of in methods.items():
            summary = of if corpus is None else of["groups"][corpus]
            table.add_row(corpus or "all", name, *summary_cells(summary), style="bold" if of is figures else None)
        table.add_section()
    return table
