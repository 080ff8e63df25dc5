"""Layers of the mouth: drawn in their order, where they say, and only when the face moves."""

import numpy as np
import pytest
import skimage.data

from rhapsode.face.tracker import FaceTracker
from rhapsode.render.layers import Layer, MouthPatch
from rhapsode.render.portrait import MeasuredPortrait
from rhapsode.render.renderer import Renderer

STILL = np.zeros((2, 2)), np.zeros(3), np.zeros(3)


class Paint(Layer):
    """Covers the mouth with one grey."""

    def __init__(self, level: int, outline: np.ndarray | None = None) -> None:
        self.level = level
        self.patches: list[MouthPatch] = []
        if outline is not None:
            self.outline = outline

    def draw(self, patch: MouthPatch) -> None:
        self.patches.append(patch)
        patch.frame[patch.cover[..., 0] > 127] = self.level


@pytest.fixture(scope="module")
def portrait() -> MeasuredPortrait:
    with FaceTracker() as tracker:
        return MeasuredPortrait.from_image(skimage.data.astronaut(), tracker)


def opened(amount: float) -> np.ndarray:
    offsets = np.zeros((68, 3))
    offsets[[55, 56, 57, 58, 59, 65, 66, 67], 1] = amount
    return offsets


def test_a_layer_is_drawn_over_those_before_it(portrait: MeasuredPortrait) -> None:
    lower, upper = Paint(10), Paint(200)
    frame = Renderer(portrait, [lower, upper]).render(opened(0.2), *STILL)
    inside = upper.patches[0].cover[..., 0] > 127
    assert inside.sum() > 50 and (upper.patches[0].frame[inside] == 200).all()
    assert np.shares_memory(upper.patches[0].frame, frame) and lower.patches[0].frame is upper.patches[0].frame


def test_a_face_at_rest_has_no_layers_drawn(portrait: MeasuredPortrait) -> None:
    layer = Paint(10)
    assert np.array_equal(Renderer(portrait, [layer]).render(np.zeros((68, 3)), *STILL), portrait.image)
    assert not layer.patches


def test_a_layer_may_draw_as_far_as_its_outline(portrait: MeasuredPortrait) -> None:
    middle = portrait.face.landmarks[48:68, :2].mean(0)
    corners = middle + portrait.unit * np.array([[-1.0, -0.5], [1.0, 0.7]])
    near, far = Paint(10), Paint(10, corners)
    for layer in (near, far):
        Renderer(portrait, [layer]).render(opened(0.1), *STILL)
    width, height = np.ptp(corners, axis=0)
    assert far.patches[0].frame.shape[0] >= height and far.patches[0].frame.shape[1] >= width
    assert near.patches[0].frame.size < far.patches[0].frame.size


def test_the_open_part_of_a_closed_mouth_is_none(portrait: MeasuredPortrait) -> None:
    layer = Paint(10)
    closed = np.zeros((68, 3))
    for upper, lower in ((61, 67), (62, 66), (63, 65)):
        gap = portrait.rest[lower] - portrait.rest[upper]
        closed[upper], closed[lower] = 0.6 * gap, -0.6 * gap
    renderer = Renderer(portrait, [layer])
    for expression in (closed, opened(0.2)):
        renderer.render(expression, *STILL)
    assert layer.patches[0].open_part is None
    part = layer.patches[1].open_part
    assert part is not None and part.cover[..., 0].any(0).all() and np.shares_memory(part.frame, layer.patches[1].frame)
