"""Export the picture networks to ONNX, which runs them faster than torch does, and without it."""

import json
import warnings
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn
from torch.nn import functional

from rhapsode.bundle import sha256_of
from rhapsode.files import atomic_path
from rhapsode.models.style_aware_generator import StyleAwareGenerator
from rhapsode.paint.networks import PortraitFeatures
from rhapsode.paint.onnx_networks import (
    MOUTH_GENERATOR,
    MOUTH_GENERATOR_INPUTS,
    PORTRAIT_ENCODER,
    PORTRAIT_ENCODER_INPUTS,
)
from rhapsode.render.mouth_window import DRAWN_CHANNELS

_OPSET = 17
#: Arrays of fewer values keep single precision: they are too small to matter, and some have to be exact.
_SMALL = 256


class _PortraitEncoder(nn.Module):
    """`StyleAwareGenerator.encode`, and the first convolution of what all frames share, tensors in and out."""

    def __init__(self, generator: StyleAwareGenerator) -> None:
        super().__init__()
        self.generator = generator
        self.first = _part(generator.generator.first, generator.seen[0])
        self.first.bias = generator.generator.first.bias

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Map `PORTRAIT_ENCODER_INPUTS` to rest, patterns, photo_mask, tone and the features."""
        known = self.generator.encode(*inputs)
        begun = self.first(functional.pixel_unshuffle(torch.cat(self.generator.still(known), 1), 2))
        return known.rest, known.patterns, known.photo_mask, known.tone, *known.features, begun


class _MouthGenerator(nn.Module):
    """`StyleAwareGenerator.forward` of one frame, from where the portrait encoder has begun; tensors in and out."""

    def __init__(self, generator: StyleAwareGenerator) -> None:
        super().__init__()
        self.generator = generator
        self.first = _part(generator.generator.first, generator.seen[1])

    def forward(self, drawn: Tensor, shape: Tensor, *known: Tensor) -> Tensor:
        """Map `MOUTH_GENERATOR_INPUTS` and the features to a painted mouth."""
        rest, patterns, photo_mask, tone, shapes, *features, begun = known
        portrait = PortraitFeatures(rest, patterns, photo_mask, tone, shapes, features)
        moving = self.generator.moving(portrait, drawn, shape)
        first = begun + self.first(functional.pixel_unshuffle(torch.cat(moving, 2)[:, 0], 2))
        added = self.generator.generator.after_first(first, features)[:, None]
        return self.generator.finished(portrait, drawn, moving[0], added)


def _part(convolution: nn.Conv2d, channels: Sequence[int]) -> nn.Conv2d:
    """A convolution of unshuffled pixels for some channels of the pixels, without its bias."""
    part = nn.Conv2d(4 * len(channels), convolution.out_channels, 3, padding=1, bias=False)
    weight = convolution.weight.reshape(convolution.out_channels, -1, 4, 3, 3)[:, list(channels)]
    part.weight = nn.Parameter(weight.flatten(1, 2))
    return part


def export(weights: Path, out: Path) -> list[Path]:
    """Write the ONNX models of a Style-Aware Generator, in half precision as its weights are.

    Args:
        weights: as `StyleAwareGenerator.save` wrote them.
        out: folder for `portrait_encoder.onnx` (run once a portrait and style) and `mouth_generator.onnx` (each frame).

    Returns:
        The two files.

    Raises:
        WeightsError: the weights cannot be read.
    """
    generator = StyleAwareGenerator.load(weights)
    facts = {"window": json.dumps(asdict(generator.dims.window)), "weights": sha256_of(weights)}
    side = generator.dims.window.side
    portrait = (
        torch.rand(1, 3, side, side),
        torch.rand(1, 4, DRAWN_CHANNELS, side, side),
        torch.rand(1, 4, side, side, 2) * side,
        torch.rand(1, 4, 4),
        torch.rand(1, 4, 4, side, side),
        torch.ones(1, 4),
    )
    with torch.inference_mode():
        known = generator.encode(*portrait)
    begun = _PortraitEncoder(generator)(*portrait)[-1]
    features = [f"feature_{scale}" for scale in range(len(known.features) + 1)]
    frame = torch.rand(1, 1, DRAWN_CHANNELS, side, side), torch.rand(1, 1, 4)
    arrays = known.rest, known.patterns, known.photo_mask, known.tone, known.shapes, *known.features, begun
    encoder, painter = out / PORTRAIT_ENCODER, out / MOUTH_GENERATOR
    made = ["rest", "patterns", "photo_mask", "tone", *features]
    _write(_PortraitEncoder(generator), portrait, PORTRAIT_ENCODER_INPUTS, made, encoder, facts)
    asked = [*MOUTH_GENERATOR_INPUTS, *features]
    _write(_MouthGenerator(generator), (*frame, *arrays), asked, ["painted"], painter, facts)
    return [encoder, painter]


def _write(
    module: nn.Module,
    arguments: tuple[Tensor, ...],
    inputs: Sequence[str],
    outputs: Sequence[str],
    path: Path,
    facts: dict[str, str],
) -> None:
    # Without gradients, and with plain memory order: tracing cannot follow either.
    arguments = tuple(one.detach().clone(memory_format=torch.contiguous_format) for one in arguments)
    with atomic_path(path) as partial, warnings.catch_warnings():
        # The exporter that traces is deprecated, and the newer one needs packages that nothing else does.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            arguments,
            str(partial),
            input_names=list(inputs),
            output_names=list(outputs),
            opset_version=_OPSET,
            dynamo=False,
        )
        model = onnx.load(str(partial))
        _fold_unshuffling(model)
        _halve(model)
        onnx.helper.set_model_props(model, facts)
        onnx.checker.check_model(model)
        onnx.save(model, str(partial))


def _fold_unshuffling(model: Any) -> None:
    """Make each convolution of unshuffled pixels one of the pixels themselves, with twice the kernel and stride.

    Moving pixels to channels takes longer than the convolution gains by it.
    """
    nodes, made = model.graph.node, {name: node for node in model.graph.node for name in node.output}
    kernels = {tensor.name: tensor for tensor in model.graph.initializer}
    for node in [one for one in nodes if one.op_type == "Conv"]:
        before: list[Any] = []
        for kind in ("Reshape", "Transpose", "Reshape"):
            found = made.get((before[-1] if before else node).input[0])
            if found is None or found.op_type != kind:
                break
            before.append(found)
        else:
            kernel = onnx.numpy_helper.to_array(kernels[node.input[1]])
            out, channels, height, width = kernel.shape
            taken = kernel.reshape(out, channels // 4, 2, 2, height, width).transpose(0, 1, 4, 2, 5, 3)
            folded = taken.reshape(out, channels // 4, 2 * height, 2 * width)
            kernels[node.input[1]].CopyFrom(onnx.numpy_helper.from_array(folded, node.input[1]))
            node.input[0] = before[-1].input[0]
            del node.attribute[:]
            shape = {"kernel_shape": [2 * height, 2 * width], "strides": [2, 2], "pads": [height - 1, width - 1] * 2}
            node.attribute.extend(onnx.helper.make_attribute(name, value) for name, value in shape.items())
            for one in before:
                nodes.remove(one)


def _halve(model: Any) -> None:
    """Store large arrays in half precision; ONNX Runtime casts them once, when the model is loaded."""
    casts = []
    for tensor in model.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.size >= _SMALL:
            name = tensor.name
            tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
            casts.append(onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    for place, node in enumerate(casts):
        model.graph.node.insert(place, node)
