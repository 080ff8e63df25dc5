"""Other pictures of a portrait's person: the astronaut, whose mouth the renderer opens."""

from pathlib import Path

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from rhapsode.animator import Animator
from rhapsode.errors import PortraitError
from rhapsode.face.tracker import Face, FaceTracker
from rhapsode.paint.extra_photos import ExtraPhoto, fit_extra_photo, match_colours, place_photos
from rhapsode.paint.layers import mouth_layers
from rhapsode.paint.painter import MouthPainter
from rhapsode.render.mouth_window import MouthWindow
from rhapsode.render.portrait import MeasuredPortrait
from rhapsode.render.renderer import Renderer
from rhapsode.style.references import key_motions

STILL = np.zeros((2, 2)), np.zeros(3), np.zeros(3)


@pytest.fixture(scope="module")
def portrait(animator: Animator, astronaut: np.ndarray) -> MeasuredPortrait:
    return animator.load_portrait(astronaut).measured


@pytest.fixture(scope="module")
def wide(portrait: MeasuredPortrait, animator: Animator) -> tuple[np.ndarray, Face]:
    """The astronaut with her mouth open, darker, and the face in it."""
    painter = MouthPainter(portrait, animator.picture, key_motions())
    picture = Renderer(portrait, mouth_layers(portrait, painter)).render(1.5 * key_motions()[2], *STILL)
    with FaceTracker() as tracker:
        return (picture // 2).astype(np.uint8), tracker.detect(picture)[0]


def test_the_portrait_itself_is_aligned_to_its_window_unchanged(
    portrait: MeasuredPortrait, astronaut: np.ndarray
) -> None:
    window = MouthWindow(portrait)
    own = fit_extra_photo(window, portrait, astronaut, portrait.face)
    assert own is not None and np.abs(own.picture[..., :3].astype(float) - window.rest).mean() < 3


def test_an_extra_photo_gets_the_colours_of_the_portrait(
    portrait: MeasuredPortrait, wide: tuple[np.ndarray, Face]
) -> None:
    window = MouthWindow(portrait)
    own = fit_extra_photo(window, portrait, *wide)
    assert own is not None
    # Under her nose nothing has changed but the light.
    skin = slice(0, 14), slice(20, 44)
    assert np.abs(own.picture[skin][..., :3].astype(float) - window.rest[skin]).mean() < 7
    assert own.picture[..., 3].max() == 255 and own.picture[:14, :, 3].max() == 0
    assert own.shape[0] > fit_extra_photo(window, portrait, portrait.image, portrait.face).shape[0] + 0.05  # type: ignore[union-attr]


def test_a_much_darker_photo_is_brightened_only_so_far() -> None:
    rest, dark = np.full((64, 64, 3), 200, np.uint8), np.full((64, 64, 3), 10, np.uint8)
    assert match_colours(dark, rest).max() == 30


def test_each_photo_replaces_the_pattern_with_the_nearest_mouth_and_the_nearest_photo_wins() -> None:
    shapes = np.array([[0, 0.5, 0.4, 0], [0, 0.4, 0.4, 0], [0.2, 0.5, 0.4, 0], [0.2, 0.3, 0.3, 0]])
    near, nearer, smile = (
        ExtraPhoto(np.zeros((4, 4, 4), np.uint8), np.array(shape))
        for shape in ((0.15, 0.5, 0.4, 0), (0.19, 0.5, 0.4, 0), (0.02, 0.5, 0.4, 0))
    )
    assert place_photos([near, smile, nearer], shapes) == {2: nearer, 0: smile}
    assert place_photos([], shapes) == {}


def test_an_extra_photo_takes_the_place_of_an_isp_image(
    portrait: MeasuredPortrait, wide: tuple[np.ndarray, Face], animator: Animator
) -> None:
    plain, shown = (
        animator.load_portrait(portrait.image, extra_photos=photos).painter() for photos in ([], [2 * wide[0]])
    )
    assert shown.photo_patterns == (2,) and plain.photo_patterns == () and shown.unusable_photos == ()
    changed = np.abs(shown.patterns.astype(float) - plain.patterns).mean((1, 2, 3))
    assert changed[2] > 0.5 and changed[[0, 1, 3]].max() == 0


def test_a_head_turned_too_differently_is_left_out(
    portrait: MeasuredPortrait, wide: tuple[np.ndarray, Face], animator: Animator
) -> None:
    picture, face = wide
    turn = Rotation.from_euler("y", 50, degrees=True).as_matrix()
    middle = face.mesh.mean(0)
    turned = Face(((face.mesh - middle) @ turn.T + middle).astype(np.float32))
    assert fit_extra_photo(MouthWindow(portrait), portrait, picture, turned) is None
    photos = [(picture, turned), (2 * picture, face)]
    painter = MouthPainter(portrait, animator.picture, key_motions(), extra_photos=photos)
    assert painter.unusable_photos == (0,) and painter.photo_patterns == (2,)


def test_an_extra_photo_without_a_face_is_refused_by_its_name(
    portrait: MeasuredPortrait, animator: Animator, tmp_path: Path
) -> None:
    with pytest.raises(PortraitError, match="no face found"):
        animator.load_portrait(portrait.image, extra_photos=[np.zeros((200, 200, 3), np.uint8)])
    with pytest.raises(PortraitError, match=r"missing\.jpg"):
        animator.load_portrait(portrait.image, extra_photos=[tmp_path / "missing.jpg"])
