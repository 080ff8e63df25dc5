"""The learning curve of a style, as a picture."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from rhapsode.files import atomic_path

#: Columns of the curve, and their titles in the picture.
_PANELS = {
    "distance": "distance from the style, held-out speech",
    "lip_sync": "lip correlation with the unstyled generator",
    "L_mg": "L_mg, reconstruction",
    "L_sc": "L_sc, constraint (1)",
    "L_r": "L_r, regularisation (2)",
}


def draw_curve(curve: Sequence[Mapping[str, float]], title: str, path: Path) -> None:
    """Draw the course of a style transfer.

    Args:
        curve: a row for each check, as `transfer.transfer` gives it.
        title: title of the picture.
        path: a PNG file.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 5), layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    for number, (column, heading) in enumerate(_PANELS.items(), start=1):
        axes = figure.add_subplot(2, 3, number)
        rows = [row for row in curve if column in row]
        axes.plot([row["step"] for row in rows], [row[column] for row in rows], marker=".")
        axes.set_title(heading, fontsize=9)
        axes.set_xlabel("step", fontsize=8)
        axes.tick_params(labelsize=8)
        axes.grid(alpha=0.3)
    with atomic_path(path) as partial:
        figure.savefig(partial, format="png", dpi=100)
