"""The painter on a real portrait, with a small untrained generator that adds a colour."""

import numpy as np
import pytest
import skimage.data
import torch

from rhapsode.animator import Animator
from rhapsode.face.tracker import FaceTracker
from rhapsode.models.style_aware_generator import PictureDims, StyleAwareGenerator
from rhapsode.paint.layers import mouth_layers
from rhapsode.paint.painter import MouthPainter
from rhapsode.render.portrait import MeasuredPortrait
from rhapsode.render.renderer import Renderer
from rhapsode.style.references import key_motions

STILL = np.zeros((2, 2)), np.zeros(3), np.zeros(3)


@pytest.fixture(scope="module")
def portrait() -> MeasuredPortrait:
    with FaceTracker() as tracker:
        return MeasuredPortrait.from_image(skimage.data.astronaut(), tracker)


@pytest.fixture(scope="module")
def painter(portrait: MeasuredPortrait) -> MouthPainter:
    torch.manual_seed(0)
    generator = StyleAwareGenerator(PictureDims(widths=(8, 8), mapping_widths=(8, 8), warped=4, known=4))
    assert generator.generator.last.bias is not None
    # Every pixel a tenth redder (the twelve channels are three colours of four pixels).
    generator.generator.last.bias.data[:4] = 0.1
    return MouthPainter(portrait, generator.eval(), key_motions())


def opened(amount: float) -> np.ndarray:
    offsets = np.zeros((68, 3))
    offsets[55:60, 1] = offsets[65:68, 1] = amount
    return offsets


def test_a_portrait_has_four_isp_images_of_its_own_mouth(painter: MouthPainter) -> None:
    assert painter.patterns.shape == (4, 64, 64, 3) and painter.patterns.dtype == np.uint8
    assert np.abs(painter.patterns[2].astype(float) - painter.patterns[1]).mean() > 2
    assert np.abs(painter.patterns[1].astype(float) - painter.window.rest).mean() < 15


def test_a_face_at_rest_gets_nothing_added(portrait: MeasuredPortrait, painter: MouthPainter) -> None:
    assert np.abs(painter.difference(portrait.rig.pose(np.zeros((68, 3))))).max() == 0


def test_what_is_added_ends_at_the_edge_of_the_window(portrait: MeasuredPortrait, painter: MouthPainter) -> None:
    added = painter.difference(portrait.rig.pose(opened(0.1)))
    assert np.abs(added[[0, -1]]).max() == 0 and np.abs(added[:, [0, -1]]).max() == 0
    # A tenth of the portrait's own red.
    tone = painter.window.rest[16:48, 16:48, 0].mean()
    assert added[20:44, 20:44, 0].max() == pytest.approx(0.1 * tone, rel=0.02)


def test_the_frame_changes_in_the_window_alone_and_by_what_was_added(
    portrait: MeasuredPortrait, painter: MouthPainter
) -> None:
    plain, painted = (
        Renderer(portrait, mouth_layers(portrait, one)).render(opened(0.1), *STILL).astype(float)
        for one in (None, painter)
    )
    change = painted - plain
    corners = painter.window.outline()
    # The box in which the two lip fields are told apart pixel by pixel is wider with a painter: a few levels.
    rows, columns = np.argwhere(np.abs(change).max(-1) > 6).T
    assert columns.min() >= corners[:, 0].min() - 2 and columns.max() <= corners[:, 0].max() + 2
    assert rows.min() >= corners[:, 1].min() - 2 and rows.max() <= corners[:, 1].max() + 2
    # Less where her own teeth are spared.
    assert change[..., 0].max() == pytest.approx(
        painter.difference(portrait.rig.pose(opened(0.1)))[..., 0].max(), abs=3
    )
    assert np.abs(change[..., [1, 2]]).max() <= 6


def test_what_is_added_moves_with_the_head(portrait: MeasuredPortrait, painter: MouthPainter) -> None:
    turned = np.zeros((2, 2)), np.array([0.0, 0.0, 0.1]), np.array([0.1, 0.0, 0.0])
    plain, painted = (
        Renderer(portrait, mouth_layers(portrait, one)).render(opened(0.1), *turned).astype(float)
        for one in (None, painter)
    )
    places = np.argwhere((painted - plain)[..., 0] > 9).mean(0)[::-1]
    assert places[0] - painter.window.outline().mean(0)[0] > 3


def test_a_grey_or_brown_picture_stays_one(animator: Animator) -> None:
    grey = skimage.data.astronaut().mean(-1, keepdims=True)
    for colour in (np.ones(3), np.array([1.0, 0.85, 0.6])):
        picture = np.rint(grey * colour).astype(np.uint8)
        portrait = animator.load_portrait(picture)
        added = portrait.painter().difference(portrait.measured.rig.pose(opened(0.2)))
        light = added.mean(-1, keepdims=True) / colour.mean()
        assert np.abs(added).max() > 10 and np.abs(added - light * colour).max() < 2


def test_teeth_are_not_greener_than_white(portrait: MeasuredPortrait, animator: Animator) -> None:
    generator = StyleAwareGenerator(PictureDims(widths=(8, 8), mapping_widths=(8, 8), warped=4, known=4))
    assert generator.generator.last.bias is not None
    generator.generator.last.bias.data[4:8] = 0.5
    one = MouthPainter(portrait, generator.eval(), key_motions())
    frame = Renderer(portrait, mouth_layers(portrait, one)).render(opened(0.1), *STILL).astype(float)
    lips = portrait.face.landmarks[48:60, :2].mean(0).astype(int)
    mouth = frame[lips[1] - 3 : lips[1] + 4, lips[0] - 3 : lips[0] + 4]
    assert (mouth[..., 1] - mouth[..., 0]).max() < 6
