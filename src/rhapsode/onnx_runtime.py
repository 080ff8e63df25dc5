"""ONNX Runtime, without its telemetry; the rest of the package takes it from here.

Wheels of today (1.32 for Linux) report to their maker from when they are imported: they keep an identifier of the
device in the user's cache, and send events in the background. An environment variable that stands before the import
stops all of it; for Windows, and where another package has imported it already, there is a call.
"""

import os

os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import onnxruntime

onnxruntime.disable_telemetry_events()

__all__ = ["onnxruntime"]
