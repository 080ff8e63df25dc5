"""Picture networks on ONNX Runtime: `portrait_encoder.onnx` runs once a portrait, `mouth_generator.onnx` a frame."""

import json
from typing import Any

import numpy as np

from rhapsode.bundle import Bundle
from rhapsode.errors import InstallationError
from rhapsode.files import reading
from rhapsode.onnx_runtime import onnxruntime
from rhapsode.paint.networks import PortraitFeatures
from rhapsode.render.mouth_window import WindowSize

#: Folder of a model that holds the two networks.
FOLDER = "style_aware_generator"
PORTRAIT_ENCODER, MOUTH_GENERATOR = "portrait_encoder.onnx", "mouth_generator.onnx"
#: Names of the inputs, in order; `MOUTH_GENERATOR` also takes the features that `PORTRAIT_ENCODER` gives.
PORTRAIT_ENCODER_INPUTS = ("rest_picture", "references", "sources", "shapes", "own", "has_photo")
MOUTH_GENERATOR_INPUTS = ("drawn", "shape", "rest", "patterns", "photo_mask", "tone", "shapes")

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider", "coreml": "CoreMLExecutionProvider"}
"""ONNX Runtime's execution provider for each device."""


class PictureModel:
    """Style Mapping and Style-Aware Generator, exported by `models.export`.

    Attributes:
        window: the square of the portrait that is painted.
        weights: SHA-256 of the weights that they were exported from.
    """

    def __init__(self, encoder: Any, generator: Any) -> None:
        self._encoder = encoder
        self._generator = generator
        facts = generator.get_modelmeta().custom_metadata_map
        self.window = WindowSize(**json.loads(facts["window"]))
        self.weights: str = facts["weights"]
        self._encoder_inputs = {one.name for one in encoder.get_inputs()}
        self._generator_inputs = {one.name for one in generator.get_inputs()}

    @classmethod
    def load(cls, bundle: Bundle, device: str = "cpu", threads: int = 1) -> "PictureModel":
        """Read the picture networks of a model, ready to paint.

        Args:
            bundle: has `style_aware_generator/portrait_encoder.onnx` and `mouth_generator.onnx` beside it.
            device: one of `PROVIDERS`.
            threads: number of threads for one picture; the networks are small, one is fastest.

        Raises:
            InstallationError: ONNX Runtime was installed without that device.
            WeightsError: if a file is missing, damaged, or of another model.
        """
        check_device(device)
        sessions = []
        for name in (PORTRAIT_ENCODER, MOUTH_GENERATOR):
            path = bundle.path(f"{FOLDER}/{name}")
            with reading(path, "Style-Aware Generator"):
                sessions.append(_session(path.read_bytes(), device, threads))
        with reading(path, "Style-Aware Generator"):
            return cls(*sessions)

    def encode_portrait(
        self,
        rest: np.ndarray,
        references: np.ndarray,
        sources: np.ndarray,
        shapes: np.ndarray,
        photos: np.ndarray,
        has_photo: np.ndarray,
    ) -> PortraitFeatures[np.ndarray]:
        """Encode a portrait in a style, once; arguments as in `PictureNetworks.encode_portrait`."""
        inputs = dict(zip(PORTRAIT_ENCODER_INPUTS, (rest, references, sources, shapes, photos, has_photo), strict=True))
        made = self._encoder.run(
            None, {name: value[None] for name, value in inputs.items() if name in self._encoder_inputs}
        )
        rest, patterns, photo_mask, tone, *features = (one[0] for one in made)
        return PortraitFeatures(rest, patterns, photo_mask, tone, shapes, tuple(features))

    def paint(self, portrait: PortraitFeatures[np.ndarray], drawn: np.ndarray, shape: np.ndarray) -> np.ndarray:
        """Paint a mouth; arguments as in `PictureNetworks.paint`."""
        inputs = {
            "drawn": drawn[None],
            "shape": shape[None],
            "rest": portrait.rest,
            "patterns": portrait.patterns,
            "photo_mask": portrait.photo_mask,
            "tone": portrait.tone,
            "shapes": portrait.shapes,
            **{f"feature_{scale}": feature for scale, feature in enumerate(portrait.features)},
        }
        (painted,) = self._generator.run(
            None, {name: value[None] for name, value in inputs.items() if name in self._generator_inputs}
        )
        result: np.ndarray = painted[0, 0]
        return result


def check_device(device: str) -> None:
    """Check that the picture networks can run on a device here.

    Raises:
        InstallationError: the device is unknown, or ONNX Runtime was installed without it.
    """
    there = [name for name, provider in PROVIDERS.items() if provider in onnxruntime.get_available_providers()]
    if device not in there:
        raise InstallationError(
            f"device {device}: ONNX Runtime {onnxruntime.__version__} as installed here has {', '.join(there)} only",
            "for cuda, install onnxruntime-gpu instead of onnxruntime",
            "no-device",
        )


def _session(model: bytes, device: str, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
    # No memory is kept between calls and waiting threads sleep: painting shares the processor with drawing.
    options.enable_cpu_mem_arena = False
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(model, options, providers=[PROVIDERS[device]])
    except Exception as error:  # ONNX Runtime's errors have no common class of their own
        raise ValueError(str(error)) from error
