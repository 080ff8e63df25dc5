"""The mouth's window, on the photograph that scikit-image ships."""

import cv2
import numpy as np
import pytest
import skimage.data

from rhapsode.face.geometry import Pose
from rhapsode.face.tracker import Face, FaceTracker
from rhapsode.paint.layers import mouth_layers
from rhapsode.render.mouth_window import (
    DRAWN_CHANNELS,
    EYES,
    INSIDE,
    MOUTH,
    SKIN,
    MouthWindow,
    WindowSize,
    edge_fade,
)
from rhapsode.render.portrait import MeasuredPortrait
from rhapsode.render.renderer import Renderer


@pytest.fixture(scope="module")
def portrait() -> MeasuredPortrait:
    with FaceTracker() as tracker:
        return MeasuredPortrait.from_image(skimage.data.astronaut(), tracker)


@pytest.fixture(scope="module")
def window(portrait: MeasuredPortrait) -> MouthWindow:
    return MouthWindow(portrait)


def opened(amount: float) -> np.ndarray:
    offsets = np.zeros((68, 3))
    offsets[4:13, 1] = 0.7 * amount
    offsets[55:60, 1] = offsets[65:68, 1] = amount
    return offsets


def enlarged(portrait: MeasuredPortrait, factor: float) -> MeasuredPortrait:
    """The same portrait in a larger picture."""
    size = [round(factor * side) for side in portrait.person.shape[::-1]]
    image, person = (cv2.resize(one, size, interpolation=cv2.INTER_CUBIC) for one in (portrait.image, portrait.person))
    # Pixel centres lie at whole numbers, so the picture's corner is at -0.5.
    shift = np.array([0.5, 0.5, 0.0]) * (factor - 1)
    pose = Pose(portrait.pose.rotation, portrait.pose.translation * factor + shift, portrait.pose.scale * factor)
    face = Face((portrait.face.mesh * factor + shift).astype(np.float32))
    return MeasuredPortrait(image, face, pose, portrait.rest, person)


def test_the_mouth_lies_in_the_middle_upright(window: MouthWindow, portrait: MeasuredPortrait) -> None:
    mouth = window.places(portrait.face.landmarks[48:68, :2])
    assert mouth.min() > 2 and mouth.max() < window.size.side - 2
    left, right = window.places(portrait.face.landmarks[[36, 45], :2])
    assert abs(right[1] - left[1]) < 0.1 * (right[0] - left[0])


def test_a_face_at_rest_is_drawn_as_the_picture_shows_it(window: MouthWindow, portrait: MeasuredPortrait) -> None:
    drawn = window.draw(portrait.rig.pose(np.zeros((68, 3))))
    edge = 2  # where teeth meet lips the interior is cut out and laid back
    difference = np.abs(drawn.painted.astype(float) - window.rest)[edge:-edge, edge:-edge]
    assert difference.mean() < 2
    grid = np.stack(np.meshgrid(np.arange(64), np.arange(64)), -1)
    assert np.abs(drawn.source - grid).max() < 0.05
    assert drawn.stacked().shape == (64, 64, DRAWN_CHANNELS)


def test_what_lies_between_the_lips_grows_as_they_part(window: MouthWindow, portrait: MeasuredPortrait) -> None:
    drawn = [window.draw(portrait.rig.pose(opened(one))) for one in (0.0, 0.1, 0.2)]
    areas = [int((one.stacked()[..., INSIDE] > 127).sum()) for one in drawn]
    assert areas[0] < areas[1] < areas[2]
    row, column = np.argwhere(drawn[2].inside > 200).mean(0).astype(int)
    below, above, gap = drawn[2].between[row, column, 1:].astype(int)
    assert below + above == pytest.approx(gap, abs=3)


def test_the_regions_are_mouth_skin_and_the_rest(window: MouthWindow, portrait: MeasuredPortrait) -> None:
    regions = window.regions(np.zeros((68, 3)))
    lips = window.places(portrait.face.landmarks[48:60, :2]).mean(0).astype(int)
    nose = window.places(portrait.face.landmarks[33, :2]).astype(int)
    assert regions[lips[1], lips[0]] == MOUTH and regions[nose[1], nose[0]] == SKIN
    assert (window.regions(opened(0.2)) == MOUTH).sum() > (regions == MOUTH).sum()


def test_a_larger_portrait_has_the_same_window(portrait: MeasuredPortrait, window: MouthWindow) -> None:
    large = enlarged(portrait, 2.3)
    again = MouthWindow(large)
    assert np.abs(again.rest.astype(float) - window.rest).mean() < 3
    assert np.allclose(
        again.places(large.face.landmarks[48:68, :2]), window.places(portrait.face.landmarks[48:68, :2]), atol=0.05
    )
    assert np.abs(again.look(large.image).astype(float) - window.rest).mean() < 3


def test_a_window_may_hold_the_whole_head(portrait: MeasuredPortrait) -> None:
    whole = MouthWindow(portrait, WindowSize(side=128, width=2.6, below_nose=-0.1))
    assert (whole.places(portrait.face.landmarks[:, :2]) > 0).all()
    assert whole.draw(portrait.rig.pose(opened(0.1))).painted.shape == (128, 128, 3)


def test_eyes_are_a_region_where_the_window_shows_them(portrait: MeasuredPortrait, window: MouthWindow) -> None:
    still, closed = np.zeros((68, 3)), np.zeros((68, 3))
    closed[[37, 38, 43, 44]] = portrait.rest[[41, 40, 47, 46]] - portrait.rest[[37, 38, 43, 44]]
    whole = MouthWindow(portrait, WindowSize(side=128, width=2.6, below_nose=-0.1))
    for eye in (slice(36, 42), slice(42, 48)):
        x, y = whole.places(portrait.face.landmarks[eye, :2]).mean(0).astype(int)
        assert whole.regions(still)[y, x] == EYES
    assert (whole.regions(closed) == EYES).sum() < (whole.regions(still) == EYES).sum()
    assert not (window.regions(still) == EYES).any()


def test_a_window_shows_the_mouth_of_the_frame(portrait: MeasuredPortrait, window: MouthWindow) -> None:
    face = portrait.rig.pose(opened(0.15))
    frame = Renderer(portrait, mouth_layers(portrait)).render(opened(0.15), np.zeros((2, 2)), np.zeros(3), np.zeros(3))
    drawn = window.draw(face)
    assert np.abs(window.look(frame).astype(float) - drawn.painted).mean() < 3
    everywhere = np.stack(np.meshgrid(np.arange(512), np.arange(512)), -1).astype(np.float32)
    area = face.lips.cover(everywhere)[..., 0].sum() * (window.size.per_unit / portrait.unit) ** 2
    assert drawn.inside.sum() == pytest.approx(area, rel=0.02)


def test_the_window_fades_to_nothing_at_its_edge() -> None:
    fade = edge_fade(64)[..., 0]
    assert fade[[0, -1]].max() == 0 and fade[:, [0, -1]].max() == 0 and fade[32, 32] == 1
