"""`rhapsode export`: trained picture networks as the ONNX models that `animate` runs."""

from pathlib import Path
from typing import Annotated

import typer

from rhapsode.cli.options import Debug
from rhapsode.require import require_torch


def export(
    weights: Annotated[Path, typer.Argument(metavar="WEIGHTS", help="Style-Aware Generator, a .safetensors file.")],
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where to write.  [default: beside the weights, named as they are]"),
    ] = None,
    debug: Debug = False,
) -> None:
    """Write a trained Style-Aware Generator as ONNX: portrait_encoder.onnx and mouth_generator.onnx.

    They are what `animate` runs.
    """
    require_torch("rhapsode export")
    from rhapsode.models.export import export as write

    for path in write(weights, out or weights.with_suffix("")):
        typer.echo(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
