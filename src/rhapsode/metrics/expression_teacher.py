"""MediaPipe's network for expressions, a file that does not ship: the teacher of ours, and a measure beside it.

Needs `ai-edge-litert` (extra `teacher`). It reads 146 points of the mesh, seen from the front or as they stand in the
picture, centred and scaled by itself, and tells 52 coefficients, the first of which (`_neutral`) is left out.
"""

from pathlib import Path

import numpy as np

from rhapsode.errors import InstallationError, WeightsError
from rhapsode.face.expression_network import POINTS
from rhapsode.face.units import UNITS


class ExpressionTeacher:
    """Reads expressions off meshes, one after the other."""

    def __init__(self, file: Path) -> None:
        """Load it.

        Args:
            file: `face_blendshapes.tflite` of MediaPipe's face landmarker.

        Raises:
            InstallationError: `ai-edge-litert` is not installed.
            WeightsError: the file is missing, or no such network.
        """
        try:
            from ai_edge_litert.interpreter import Interpreter
        except ImportError:
            raise InstallationError(
                "the teacher of expressions needs ai-edge-litert, which is not installed",
                "pip install 'rhapsode[teacher]'",
                "no-litert",
            ) from None
        if not file.is_file():
            raise WeightsError(f"{file}: no such file", "name MediaPipe's face_blendshapes.tflite")
        try:
            self._network = Interpreter(str(file), num_threads=1)
            self._network.allocate_tensors()
            self._input, self._output = (
                each[0]["index"] for each in (self._network.get_input_details(), self._network.get_output_details())
            )
            self._one(np.zeros((len(POINTS), 2), np.float32))
        except (ValueError, RuntimeError) as error:
            reason = str(error).splitlines()[0]
            raise WeightsError(
                f"{file}: not a network for expressions ({reason})", "name MediaPipe's face_blendshapes.tflite"
            ) from None

    def units(self, mesh: np.ndarray) -> np.ndarray:
        """Tell the expression of each mesh: (T, 478, 3) image pixels -> (T, 51) float32 in [0, 1], as in `UNITS`."""
        seen = np.ascontiguousarray(mesh[:, POINTS, :2], np.float32)
        return np.array([self._one(points) for points in seen], np.float32).reshape(-1, len(UNITS))

    def _one(self, points: np.ndarray) -> np.ndarray:
        self._network.set_tensor(self._input, points[None])
        self._network.invoke()
        return self._network.get_tensor(self._output)[1:]
