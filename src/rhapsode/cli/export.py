"""`rhapsode export`: trained picture networks as the ONNX models that `animate` runs."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

from rhapsode.cli.fields import Plain, Positional, option
from rhapsode.require import require_torch


@dataclass(frozen=True, kw_only=True)
class Export:
    """They are portrait_encoder.onnx and mouth_generator.onnx, which `animate` runs."""

    weights: Annotated[Positional[Path], option("WEIGHTS")]
    """Style-Aware Generator, a .safetensors file."""
    out: Annotated[Path | None, option("FOLDER", "beside the weights, named as they are")] = None
    """Folder to write to."""
    output: Annotated[Plain, option(name="")] = field(default_factory=Plain)

    def run(self) -> None:
        """Export the networks, and print where they are."""
        require_torch("rhapsode export")
        from rhapsode.models.export import export

        for path in export(self.weights, self.out or self.weights.with_suffix("")):
            print(f"{path}: {path.stat().st_size / 1e6:.1f} MB")
