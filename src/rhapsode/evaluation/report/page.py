"""The pages of the reports: HTML from templates, which needs nothing from elsewhere and follows light and dark."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined


@dataclass(frozen=True)
class Row:
    """Hold the cells of a row of a table; the row is highlighted where `best`."""

    cells: Sequence[str]
    best: bool = False


@dataclass(frozen=True)
class Table:
    """Hold a table, all cells as text."""

    headings: Sequence[str]
    rows: Sequence[Row]


@dataclass(frozen=True)
class Line:
    """Hold a line of a plot.

    Attributes:
        kind: CSS class: `real`, `first`, `generator` or `own`.
        points: SVG points.
        filled: whether the area under it is drawn instead.
    """

    kind: str
    points: str
    filled: bool = False


@dataclass(frozen=True)
class Plot:
    """Hold a plot of lines over time, in SVG user units.

    Attributes:
        label: what it shows, for screen readers.
        width, height: of the area of the lines; texts stand below it.
        lines: drawn in order.
        texts: x and text of each label.
    """

    label: str
    width: int
    height: int
    lines: Sequence[Line]
    texts: Sequence[tuple[int, str]] = field(default=())


def points(x: np.ndarray, values: np.ndarray, low: float, high: float, height: int) -> str:
    """Scale values (T,) to SVG points at x (T,): `low` at the bottom, `high` at the top."""
    y = height * (1 - (values - low) / max(high - low, 1e-9))
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))


def render(template: str, **values: Any) -> str:
    """Fill in a template of the package; all values are escaped.

    Args:
        template: file name in `report/templates`.
        values: by the names that the template uses.
    """
    return _TEMPLATES.get_template(template).render(**values)


_TEMPLATES = Environment(
    loader=PackageLoader("rhapsode.evaluation.report"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
