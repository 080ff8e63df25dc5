"""Read the windowed encoder back from the ONNX file that ships, to train it further; weights stay rounded."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch

from rhapsode.files import reading
from rhapsode.models.windowed_encoder import WindowedEncoder
from rhapsode.motion.dims import WindowedDims


def restore(path: Path) -> WindowedEncoder:
    """Read what `windowed_export.export` wrote in four bits, in evaluation mode.

    Raises:
        WeightsError: the file is missing, damaged, or of another model.
    """
    with reading(path, "windowed encoder", "train one"):
        try:
            model = onnx.load(str(path))
        except Exception as error:  # protobuf's errors have no common class of their own
            raise ValueError(str(error)) from error
        facts = {each.key: each.value for each in model.metadata_props}
        sizes = json.loads(facts["dims"])
        sizes |= {name: tuple(sizes[name]) for name in ("ahead", "ahead_wide")}
        encoder = WindowedEncoder(WindowedDims(**sizes))
        weights = {name: torch.from_numpy(value) for name, value in _weights(model).items()}
        encoder.load_state_dict(weights)
    return encoder.eval()


def _weights(model: Any) -> dict[str, np.ndarray]:
    arrays = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    found = {
        name.removeprefix("encoder.").removesuffix(".half"): value.astype(np.float32)
        for name, value in arrays.items()
        if name.startswith("encoder.")
    }
    added = {name: node for node in model.graph.node if node.op_type == "Add" for name in node.input}
    products = [node for node in model.graph.node if node.op_type == "MatMulNBits"]
    # A layer's products, in the order of `windowed_encoder.Layer.step`; queries come apart from keys and values there.
    for layer, first in enumerate(range(0, len(products), 5)):
        pair, query, *others = products[first : first + 5]
        found[f"layers.{layer}.qkv.weight"] = np.concatenate([_matrix(each, arrays) for each in (query, pair)])
        biases = [arrays[name] for node in (query, pair) for name in added[node.output[0]].input if name in arrays]
        found[f"layers.{layer}.qkv.bias"] = np.concatenate(biases)
        for name, node in zip(("attention_out", "feed_forward_in", "feed_forward_out"), others, strict=True):
            found[f"layers.{layer}.{name}.weight"] = _matrix(node, arrays)
    return found


def _matrix(product: Any, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Give the weights (N, K) of a product."""
    sizes = {each.name: each.i for each in product.attribute}
    rounded, scales = (arrays[name] for name in product.input[1:3])
    codes = np.stack([rounded & 15, rounded >> 4], -1).reshape(*rounded.shape[:2], -1)
    blocks = (codes.astype(np.float32) - 8) * scales.reshape(*codes.shape[:2], 1)
    result: np.ndarray = blocks.reshape(sizes["N"], sizes["K"])
    return result
