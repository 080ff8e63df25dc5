"""Export the windowed encoder to ONNX: one step of a stream, whose state goes in and out.

Products with weights become ONNX Runtime's `MatMulNBits`: weights in four bits, with a scale for each block of
`_BLOCK`. Inputs are rounded to eight bits, row by row, so that a moment does not depend on how many are computed
together. A step is bound by reading its weights; fewer bytes make it two to three times as fast.
"""

import json
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from rhapsode.files import atomic_path
from rhapsode.models.windowed_encoder import EncoderState, LayerState, WindowedEncoder
from rhapsode.motion.windowed_encoder import state_names

_OPSET = 17
#: Arrays of fewer values keep single precision: some have to be exact.
_SMALL = 2048
#: Weights that share a scale.
_BLOCK = 32
#: What of a block's greatest weight its scale reaches: the share with the least squared error is taken.
_REACHES = np.linspace(0.7, 1.0, 13)


class _Step(nn.Module):
    """`WindowedEncoder.step`, tensors in and out."""

    def __init__(self, encoder: WindowedEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, mel: Tensor, recent_mel: Tensor, position: Tensor, *layers: Tensor) -> tuple[Tensor, ...]:
        """Map new frames and the parts of the state to features and the parts of the next state."""
        before = tuple(LayerState(*layers[n : n + 3]) for n in range(0, len(layers), 3))
        features, state = self.encoder.step(mel, EncoderState(recent_mel, position, before))
        return features, *_parts(state)


def _parts(state: EncoderState) -> list[Tensor]:
    return [state.recent_mel, state.position, *(part for layer in state.layers for part in layer)]


def export(encoder: WindowedEncoder, path: Path, frames: int = 2, rounded: bool = True) -> Path:
    """Write the step as an ONNX model; the shape of the state chooses between the live and the wide setting.

    Args:
        encoder: trained.
        path: the file.
        frames: features (1/50 s) a step in the live setting; the model takes steps of any length.
        rounded: whether weights of products are rounded to four bits. Other weights are stored in half precision and
            cast when the model is loaded.

    Returns:
        `path`.
    """
    state = encoder.start(1, wide=True)
    names = state_names(len(encoder.layers))
    mel = torch.zeros(1, 2 * frames, state.recent_mel.shape[2])
    # How far a layer looks ahead shows in its rows; without any, the array has none.
    rows = {f"{prefix}{name}": {1: f"{prefix}{name}_rows"} for name in names[2:] for prefix in ("", "next_")}
    rows |= {name: {1: f"{name}_rows"} for name in ("mel", "features")}
    with atomic_path(path) as partial, warnings.catch_warnings(), torch.no_grad():
        # The exporter that traces is deprecated, and the newer one needs packages that nothing else does.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            _Step(encoder).eval(),
            (mel, *_parts(state)),
            str(partial),
            input_names=["mel", *names],
            output_names=["features", *(f"next_{name}" for name in names)],
            dynamic_axes=rows,
            opset_version=_OPSET,
            dynamo=False,
        )
        model = onnx.load(str(partial))
        if rounded:
            _quantise(model)
        _halve(model)
        onnx.helper.set_model_props(model, {"dims": json.dumps(asdict(encoder.dims)), "frames": str(frames)})
        onnx.checker.check_model(model)
        onnx.save(model, str(partial))
    return path


def _quantise(model: Any) -> None:
    """Turn every product with a matrix of weights into `MatMulNBits`, in four bits."""
    weights = {tensor.name: tensor for tensor in model.graph.initializer}
    for place, node in enumerate(model.graph.node):
        if node.op_type != "MatMul" or node.input[1] not in weights:
            continue
        name = node.input[1]
        matrix = onnx.numpy_helper.to_array(weights[name]).T  # (N, K)
        outputs, inputs = matrix.shape
        if inputs % _BLOCK:
            continue
        product = onnx.helper.make_node(
            "MatMulNBits",
            [node.input[0], f"{name}.rounded", f"{name}.scales"],
            list(node.output),
            domain="com.microsoft",
            K=inputs,
            N=outputs,
            bits=4,
            block_size=_BLOCK,
            accuracy_level=4,
        )
        model.graph.node.remove(node)
        model.graph.node.insert(place, product)
        if f"{name}.rounded" not in weights:
            codes, scales = round_blocks(matrix.reshape(outputs, -1, _BLOCK))
            packed = codes[..., ::2] | codes[..., 1::2] << 4
            for kind, values in (("rounded", packed), ("scales", scales.ravel())):
                weights[f"{name}.{kind}"] = onnx.numpy_helper.from_array(values, f"{name}.{kind}")
                model.graph.initializer.append(weights[f"{name}.{kind}"])
    used = {name for node in model.graph.node for name in node.input}
    for tensor in [tensor for tensor in model.graph.initializer if tensor.name not in used]:
        model.graph.initializer.remove(tensor)
    model.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))


def round_blocks(blocks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Round weights to four bits.

    Args:
        blocks: (N, B, `_BLOCK`), a scale for each block.

    Returns:
        Codes (N, B, `_BLOCK`) uint8, 0 to 15, and scales (N, B) float32: a weight is about (code - 8) * scale.
    """
    greatest = np.abs(blocks).max(-1, keepdims=True) + 1e-12
    least = np.full(blocks.shape[:2], np.inf)
    codes, scales = np.zeros(blocks.shape, np.uint8), np.zeros(blocks.shape[:2], np.float32)
    # There are eight steps below zero and seven above: a negative scale turns them around.
    for scale in (sign * greatest * reach / 8 for reach in _REACHES for sign in (1, -1)):
        tried = np.rint(blocks / scale).clip(-8, 7)
        error = np.square(tried * scale - blocks).sum(-1)
        better = error < least
        least[better], scales[better] = error[better], scale[..., 0][better]
        codes[better] = (tried[better] + 8).astype(np.uint8)
    return codes, scales


def _halve(model: Any) -> None:
    """Store large arrays in half precision; ONNX Runtime casts them once, when the model is loaded."""
    casts = []
    for tensor in model.graph.initializer:
        values = onnx.numpy_helper.to_array(tensor)
        if values.dtype == np.float32 and values.size >= _SMALL and not tensor.name.endswith(".scales"):
            name = tensor.name
            tensor.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), f"{name}.half"))
            casts.append(onnx.helper.make_node("Cast", [f"{name}.half"], [name], to=onnx.TensorProto.FLOAT))
    for place, node in enumerate(casts):
        model.graph.node.insert(place, node)
