"""The mouth's window, on the photograph that scikit-image ships."""

import numpy as np
import pytest
import skimage.data

from rhapsode.face.geometry import to_image
from rhapsode.face.tracker import FaceTracker
from rhapsode.render.mouth_window import DRAWN_CHANNELS, INSIDE, MouthWindow, WindowSize, edge_fade
from rhapsode.render.portrait import Portrait


@pytest.fixture(scope="module")
def portrait() -> Portrait:
    with FaceTracker() as tracker:
        return Portrait.from_image(skimage.data.astronaut(), tracker)


@pytest.fixture(scope="module")
def window(portrait: Portrait) -> MouthWindow:
    return MouthWindow(portrait)


def opened(amount: float) -> np.ndarray:
    offsets = np.zeros((68, 3))
    offsets[4:13, 1] = 0.7 * amount
    offsets[55:60, 1] = offsets[65:68, 1] = amount
    return offsets


def test_the_mouth_lies_in_the_middle_upright(window: MouthWindow, portrait: Portrait) -> None:
    mouth = window.places(portrait.face.landmarks[48:68, :2])
    assert mouth.min() > 2 and mouth.max() < window.size.side - 2
    left, right = window.places(portrait.face.landmarks[[36, 45], :2])
    assert abs(right[1] - left[1]) < 0.1 * (right[0] - left[0])


def test_a_face_at_rest_is_drawn_as_the_picture_shows_it(window: MouthWindow) -> None:
    drawn = window.draw(np.zeros((68, 3)))
    edge = 2  # where teeth meet lips the interior is cut out and laid back
    difference = np.abs(drawn.painted.astype(float) - window.rest)[edge:-edge, edge:-edge]
    assert difference.mean() < 2
    grid = np.stack(np.meshgrid(np.arange(64), np.arange(64)), -1)
    assert np.abs(drawn.source - grid).max() < 0.05
    assert drawn.stacked().shape == (64, 64, DRAWN_CHANNELS)


def test_what_lies_between_the_lips_grows_as_they_part(window: MouthWindow) -> None:
    areas = [int((window.draw(opened(one)).stacked()[..., INSIDE] > 127).sum()) for one in (0.0, 0.1, 0.2)]
    assert areas[0] < areas[1] < areas[2]
    between = window.draw(opened(0.2)).between
    row, column = np.argwhere(window.draw(opened(0.2)).inside > 200).mean(0).astype(int)
    below, above, gap = between[row, column, 1:].astype(int)
    assert below + above == pytest.approx(gap, abs=3)


def test_the_regions_are_mouth_skin_and_the_rest(window: MouthWindow, portrait: Portrait) -> None:
    regions = window.regions(np.zeros((68, 3)))
    lips = window.places(portrait.face.landmarks[48:60, :2]).mean(0).astype(int)
    nose = window.places(portrait.face.landmarks[33, :2]).astype(int)
    assert regions[lips[1], lips[0]] == 2 and regions[nose[1], nose[0]] == 1
    assert (window.regions(opened(0.2)) == 2).sum() > (regions == 2).sum()


def test_a_larger_portrait_has_the_same_window(portrait: Portrait, window: MouthWindow) -> None:
    large = portrait.scaled(2.3)
    assert np.allclose(to_image(large.rest[None], large.pose)[0], large.face.landmarks, atol=1e-2)
    again = MouthWindow(large)
    assert np.abs(again.rest.astype(float) - window.rest).mean() < 3
    assert np.allclose(
        again.places(large.face.landmarks[48:68, :2]), window.places(portrait.face.landmarks[48:68, :2]), atol=0.05
    )
    assert np.abs(again.look(large.image).astype(float) - window.rest).mean() < 3


def test_a_window_may_hold_the_whole_head(portrait: Portrait) -> None:
    whole = MouthWindow(portrait, WindowSize(side=128, width=2.6, below_nose=-0.1))
    assert (whole.places(portrait.face.landmarks[:, :2]) > 0).all()
    assert whole.draw(opened(0.1)).painted.shape == (128, 128, 3)


def test_the_window_fades_to_nothing_at_its_edge() -> None:
    fade = edge_fade(64)[..., 0]
    assert fade[[0, -1]].max() == 0 and fade[:, [0, -1]].max() == 0 and fade[32, 32] == 1
