"""The learning curve of a style, as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path

#: Columns of the course, and what they are called in the picture.
_DRAWN = {
    "distance": "distance from the style, unheard speech",
    "in_step": "lips in step with the shipped generator",
    "L_mg": "L_mg, reconstruction",
    "L_sc": "L_sc, constraint (1)",
    "L_r": "L_r, regularisation (2)",
}


def draw_curve(course: Sequence[Mapping[str, float]], title: str, path: Path) -> None:
    """Draw the course of a transfer.

    Args:
        course: a row for each check, as `transfer.transfer` gives it.
        title: stands above.
        path: a PNG file.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 5), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    for number, (name, told) in enumerate(_DRAWN.items(), start=1):
        axes = figure.add_subplot(2, 3, number)
        rows = [row for row in course if name in row]
        axes.plot([row["step"] for row in rows], [row[name] for row in rows], marker=".")
        axes.set_title(told, fontsize=9)
        axes.set_xlabel("step", fontsize=8)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.3)
    partial = path.with_name(f".{path.name}.partial")
    try:
        figure.savefig(partial, format="png", dpi=100)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
