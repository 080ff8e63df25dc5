"""The picture networks as ONNX, which runs them faster than torch does, and without it."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from rhapsode.errors import WeightsError
from rhapsode.image.generator import Known, StyleAwareGenerator
from rhapsode.image.runtime import KNOW, LOOKS_AT, PAINT, PAINTS_FROM, fingerprint_of
from rhapsode.image.window import DRAWN_CHANNELS

_OPSET = 17
#: Arrays of fewer values keep single precision: they are too small to matter, and some have to be exact.
_SMALL = 256


class _Look(nn.Module):
    """`StyleAwareGenerator.know`, tensors in and out."""

    def __init__(self, generator: StyleAwareGenerator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, *given: Tensor) -> tuple[Tensor, ...]:
        """As `LOOKS_AT` names them; out come rest, patterns, lent, tone and the features."""
        known = self.generator.know(*given)
        return known.rest, known.patterns, known.lent, known.tone, *known.features


class _Paint(nn.Module):
    """`StyleAwareGenerator.forward`, tensors in and out."""

    def __init__(self, generator: StyleAwareGenerator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, drawn: Tensor, shapes: Tensor, *known: Tensor) -> Tensor:
        """As `PAINTS_FROM` names them, and the features."""
        rest, patterns, lent, tone, references, *features = known
        painted: Tensor = self.generator(Known(rest, patterns, lent, tone, references, features), drawn, shapes)
        return painted


def export(weights: Path, out: Path) -> list[Path]:
    """Write the ONNX models of a Style-Aware Generator, in half precision as its weights are.

    Args:
        weights: as `rhapsode train style-aware-generator` wrote them.
        out: folder to write `know.onnx` (once a portrait and style) and `paint.onnx` (each frame) into.

    Returns:
        The two files.

    Raises:
        WeightsError: the weights cannot be read, or learn keypoints, which ONNX does not know.
    """
    generator = StyleAwareGenerator.load(weights)
    if generator.dims.keypoints:
        raise WeightsError(f"{weights}: learns keypoints, which ONNX cannot hold; train one with the tracked mesh's")
    out.mkdir(parents=True, exist_ok=True)
    facts = {"window": json.dumps(asdict(generator.dims.window)), "weights": fingerprint_of(weights)}
    side = generator.dims.window.side
    look = (
        torch.rand(1, 3, side, side),
        torch.rand(1, 4, DRAWN_CHANNELS, side, side),
        torch.rand(1, 4, side, side, 2) * side,
        torch.rand(1, 4, 4),
        torch.rand(1, 4, 4, side, side),
        torch.ones(1, 4),
    )
    with torch.inference_mode():
        known = generator.know(*look)
    features = [f"feature_{scale}" for scale in range(len(known.features))]
    drawn = torch.rand(1, 1, DRAWN_CHANNELS, side, side), torch.rand(1, 1, 4)
    arrays = known.rest, known.patterns, known.lent, known.tone, known.shapes, *known.features
    made = ["rest", "patterns", "lent", "tone", *features]
    return [
        _write(_Look(generator), look, LOOKS_AT, made, out / KNOW, facts),
        _write(_Paint(generator), (*drawn, *arrays), [*PAINTS_FROM, *features], ["painted"], out / PAINT, facts),
    ]


def _write(
    module: nn.Module,
    arguments: tuple[Tensor, ...],
    entering: Sequence[str],
    leaving: Sequence[str],
    path: Path,
    facts: dict[str, str],
) -> Path:
    partial = path.with_suffix(".partial")
    # Without gradients, and with plain memory order: tracing cannot follow either.
    arguments = tuple(one.detach().clone(memory_format=torch.contiguous_format) for one in arguments)
    torch.onnx.export(
        module.eval(),
        arguments,
        str(partial),
        input_names=list(entering),
        output_names=list(leaving),
        opset_version=_OPSET,
        dynamo=False,
    )
    model = onnx.load(str(partial))
    _halve(model)
    onnx.helper.set_model_props(model, facts)
    onnx.checker.check_model(model)
    onnx.save(model, str(partial))
    partial.replace(path)
    return path


def _halve(model: Any) -> None:
    """Keep large arrays in half precision; they are widened once, when the model is loaded."""
    widened = []
    for tensor in model.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.size >= _SMALL:
            name = tensor.name
            tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
            widened.append(onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    for place, node in enumerate(widened):
        model.graph.node.insert(place, node)
