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
from rhapsode.models.style_aware_generator import StyleAwareGenerator
from rhapsode.paint.networks import PortraitFeatures
from rhapsode.paint.onnx_networks import (
    MOUTH_GENERATOR,
    MOUTH_GENERATOR_INPUTS,
    PORTRAIT_ENCODER,
    PORTRAIT_ENCODER_INPUTS,
    fingerprint_of,
)
from rhapsode.render.mouth_window import DRAWN_CHANNELS

_OPSET = 17
#: Arrays of fewer values keep single precision: they are too small to matter, and some have to be exact.
_SMALL = 256


class _Look(nn.Module):
    """`StyleAwareGenerator.encode_portrait`, tensors in and out."""

    def __init__(self, generator: StyleAwareGenerator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, *has_photo: Tensor) -> tuple[Tensor, ...]:
        """As `PORTRAIT_ENCODER_INPUTS` names them; out come rest, patterns, lent, tone and the features."""
        known = self.generator.encode(*has_photo)
        return known.rest, known.patterns, known.photo_mask, known.tone, *known.features


class _Paint(nn.Module):
    """`StyleAwareGenerator.forward`, tensors in and out."""

    def __init__(self, generator: StyleAwareGenerator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, drawn: Tensor, shapes: Tensor, *known: Tensor) -> Tensor:
        """As `MOUTH_GENERATOR_INPUTS` names them, and the features."""
        rest, patterns, photo_mask, tone, references, *features = known
        painted: Tensor = self.generator(
            PortraitFeatures(rest, patterns, photo_mask, tone, references, features), drawn, shapes
        )
        return painted


def export(weights: Path, out: Path) -> list[Path]:
    """Write the ONNX models of a Style-Aware Generator, in half precision as its weights are.

    Args:
        weights: as `rhapsode train style-aware-generator` wrote them.
        out: folder for `portrait_encoder.onnx` (run once a portrait and style) and `mouth_generator.onnx` (each frame).

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
    encode_portrait = (
        torch.rand(1, 3, side, side),
        torch.rand(1, 4, DRAWN_CHANNELS, side, side),
        torch.rand(1, 4, side, side, 2) * side,
        torch.rand(1, 4, 4),
        torch.rand(1, 4, 4, side, side),
        torch.ones(1, 4),
    )
    with torch.inference_mode():
        known = generator.encode(*encode_portrait)
    features = [f"feature_{scale}" for scale in range(len(known.features))]
    drawn = torch.rand(1, 1, DRAWN_CHANNELS, side, side), torch.rand(1, 1, 4)
    arrays = known.rest, known.patterns, known.photo_mask, known.tone, known.shapes, *known.features
    made = ["rest", "patterns", "photo_mask", "tone", *features]
    return [
        _write(_Look(generator), encode_portrait, PORTRAIT_ENCODER_INPUTS, made, out / PORTRAIT_ENCODER, facts),
        _write(
            _Paint(generator),
            (*drawn, *arrays),
            [*MOUTH_GENERATOR_INPUTS, *features],
            ["painted"],
            out / MOUTH_GENERATOR,
            facts,
        ),
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
