"""What a frame's mouth costs on one thread: the Style-Aware Generator, and all that goes with it.

    python benchmarks/picture_cost.py

Times the network in PyTorch and, where openvino is installed (pip install openvino), in OpenVINO, which has to give the
same picture; then the whole of a 512 x 512 frame with and without it. Medians of 100.
"""

import importlib.util
import time
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import skimage.data
import torch

from rhapsode.animator import Animator
from rhapsode.image.generator import Known, StyleAwareGenerator
from rhapsode.image.renderer import Renderer
from rhapsode.motion.retarget import retarget
from rhapsode.style.references import key_motions


class _OneFrame(torch.nn.Module):
    """The generator as a function of tensors alone."""

    def __init__(self, generator: StyleAwareGenerator) -> None:
        super().__init__()
        self.generator = generator

    def forward(self, drawn: Any, shapes: Any, rest: Any, patterns: Any, tone: Any, own: Any, *features: Any) -> Any:
        return self.generator(Known(rest, patterns, tone, own, list(features)), drawn, shapes)


def median(work: Callable[[], object], runs: int = 100) -> float:
    """Median milliseconds of a call, the first few left out."""
    took = []
    for _ in range(runs + 5):
        began = time.perf_counter()
        work()
        took.append(1000 * (time.perf_counter() - began))
    return float(np.median(took[5:]))


def in_openvino(frame: _OneFrame, inputs: tuple[torch.Tensor, ...]) -> Callable[[], np.ndarray]:
    """The same network in OpenVINO, on one thread."""
    import openvino

    model = openvino.convert_model(frame, example_input=inputs)
    for number, value in enumerate(inputs):
        model.inputs[number].get_node().set_partial_shape(openvino.PartialShape(list(value.shape)))
    model.validate_nodes_and_infer_types()
    exact = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"}
    compiled = openvino.Core().compile_model(model, "CPU", exact)
    fed = [value.numpy() for value in inputs]
    return lambda: compiled(fed)[0]


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    animator = Animator.from_pretrained()
    portrait = animator.prepare(np.asarray(skimage.data.astronaut()))
    painter = animator.painter(portrait)
    known, generator = painter._known, animator.picture
    side = generator.dims.window.side
    drawn, shapes = torch.rand(1, 1, 9, side, side), torch.rand(1, 1, 4)
    inputs = (drawn, shapes, known.rest, known.patterns, known.tone, known.shapes, *known.features)
    inputs = tuple(value.clone() for value in inputs)
    with torch.inference_mode():
        frame = _OneFrame(generator).eval()
        print(f"generator, PyTorch: {median(lambda: frame(*inputs)):.1f} ms")
    if importlib.util.find_spec("openvino"):
        run = in_openvino(frame, inputs)
        with torch.no_grad():
            difference = float(np.abs(run() - frame(*inputs).numpy()).max())
        print(f"generator, OpenVINO: {median(run):.1f} ms, {difference:.1g} from PyTorch")
    expression = retarget(key_motions()[2:3], np.ones(1), portrait.rest)[0]
    still = np.zeros(2), np.array([0.02, 0.05, 0.02]), np.zeros(3)
    print(f"drawing, generator and all around it: {median(lambda: painter.difference(expression)):.1f} ms")
    for name, one in (("without", None), ("with", painter)):
        renderer = Renderer(portrait, one)
        print(f"frame of 512 x 512 {name} it: {median(lambda r=renderer: r.render(expression, *still)):.1f} ms")


if __name__ == "__main__":
    main()
