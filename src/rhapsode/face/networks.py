"""The networks that find faces and people, as ONNX Runtime runs them on the CPU (`weights/README.md`)."""

from typing import Literal

from rhapsode.bundle import Bundle
from rhapsode.onnx_runtime import onnxruntime

NetworkName = Literal["detector_short", "detector_full", "mesh", "person"]


def open_network(name: NetworkName, threads: int = 1) -> onnxruntime.InferenceSession:
    """Load a network of the package. It takes "image", (N, height, width, 3) uint8 RGB, for any N.

    Args:
        name: which network.
        threads: how many one run may use; with 1 it runs in the thread that asks.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = 3  # errors only
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    model = Bundle.load().path(f"face/{name}.onnx")
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
