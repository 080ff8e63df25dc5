"""The networks in torch, to be trained and exported; run time has them in NumPy and ONNX."""

from rhapsode.require import require_torch

require_torch("a trainable model")
