"""The inside of a wide mouth."""

import matplotlib.cbook
import numpy as np
import pytest
from PIL import Image

from rhapsode.animator import Animator
from rhapsode.paint.layers import mouth_layers
from rhapsode.paint.painter import MouthPainter
from rhapsode.render.depths import depth_share
from rhapsode.render.portrait import MeasuredPortrait
from rhapsode.render.renderer import Renderer
from rhapsode.style.references import key_motions


def opened(amount: float) -> np.ndarray:
    offsets = np.zeros((68, 3))
    offsets[4:13, 1] = 0.7 * amount
    offsets[55:60, 1] = offsets[65:68, 1] = amount
    return offsets


@pytest.fixture(scope="module")
def closed(animator: Animator) -> MeasuredPortrait:
    path = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    return animator.load_portrait(np.asarray(Image.open(str(path)).convert("RGB"))).measured


@pytest.fixture(scope="module")
def renderer(closed: MeasuredPortrait, animator: Animator) -> Renderer:
    return Renderer(closed, mouth_layers(closed, MouthPainter(closed, animator.picture, key_motions())))


STILL = (np.zeros((2, 2)), np.zeros(3), np.zeros(3))


def inside(portrait: MeasuredPortrait, renderer: Renderer, amount: float) -> np.ndarray:
    """Give the middle column of what is seen between the lips, from the upper to the lower one, (N, 3)."""
    face = portrait.rig.pose(opened(amount))
    frame = renderer.render(opened(amount), *STILL).astype(float)
    y, x = np.mgrid[: frame.shape[0], : frame.shape[1]].astype(np.float32)
    cover = face.lips.cover(np.stack([x, y], -1))[..., 0]
    column = int(np.flatnonzero(cover.max(0) > 250).mean())
    return frame[cover[:, column] > 60, column]


def test_a_small_opening_shows_no_depth_and_a_wide_one_nothing_else(closed: MeasuredPortrait) -> None:
    shares = [depth_share(closed.rig.pose(opened(amount)).lips) for amount in (0.03, 0.1, 0.3)]
    assert shares[0] == 0
    assert 0 < shares[1] < shares[2] == 1


def test_a_wide_mouth_is_dark_at_the_back_between_teeth_and_tongue(
    closed: MeasuredPortrait, renderer: Renderer
) -> None:
    light = inside(closed, renderer, 0.15).mean(-1)
    third = len(light) // 3
    back = light[third : 2 * third].min()
    assert light[:third].max() > 1.5 * back
    assert light[2 * third :].max() > 1.2 * back


def test_the_tongue_has_the_hue_of_lips(closed: MeasuredPortrait, renderer: Renderer) -> None:
    low = inside(closed, renderer, 0.15)[-6:-3].mean(0)
    assert low[0] > 1.1 * low[1]
