"""The renderer, on the one portrait photograph that scikit-image ships: a smile with teeth."""

from collections.abc import Iterator
from dataclasses import replace

import cv2
import numpy as np
import pytest
from skimage import data

from rhapsode.errors import PortraitError
from rhapsode.face.geometry import SKULL_BASE, to_image
from rhapsode.face.tracker import FaceTracker
from rhapsode.paint.layers import mouth_layers
from rhapsode.render.cut_out import lay
from rhapsode.render.grid import Box
from rhapsode.render.portrait import MeasuredPortrait
from rhapsode.render.renderer import Renderer

STILL = np.zeros((68, 3))
NO_LIDS = np.zeros((2, 2))
SHUT = np.full((2, 2), [0.85, 0.15])
ZERO = np.zeros(3)


@pytest.fixture(scope="module")
def tracker() -> Iterator[FaceTracker]:
    with FaceTracker() as one:
        yield one


@pytest.fixture(scope="module")
def portrait(tracker: FaceTracker) -> MeasuredPortrait:
    return MeasuredPortrait.from_image(data.astronaut(), tracker)


@pytest.fixture(scope="module")
def renderer(portrait: MeasuredPortrait) -> Renderer:
    return Renderer(portrait, mouth_layers(portrait))


def opened(amount: float) -> np.ndarray:
    """Lower lip and jaw go down by some canonical units."""
    offsets = np.zeros((68, 3))
    offsets[3:14, 1] = amount * np.array([0.2, 0.4, 0.6, 0.7, 0.85, 0.85, 0.85, 0.7, 0.6, 0.4, 0.2])
    offsets[55:60, 1] = amount * np.array([0.6, 0.95, 1, 0.95, 0.6])
    offsets[65:68, 1] = amount
    return offsets


def pressed(portrait: MeasuredPortrait) -> np.ndarray:
    """Both lips meet halfway."""
    offsets = np.zeros((68, 3))
    for upper, lower in ((61, 67), (62, 66), (63, 65)):
        gap = portrait.rest[lower] - portrait.rest[upper]
        offsets[upper], offsets[lower] = gap / 2, -gap / 2
    offsets[[50, 51, 52]] = offsets[[61, 62, 63]]
    offsets[[58, 57, 56]] = offsets[[67, 66, 65]]
    return offsets


def between_lips(portrait: MeasuredPortrait, expression: np.ndarray, share: float) -> np.ndarray:
    """Pixels (5, 2) at a share of the opening's depth, across the middle of the mouth."""
    points = to_image((portrait.rest + expression)[None], portrait.pose)[0, :, :2]
    upper, lower = points[62], points[66]
    middle = upper + share * (lower - upper)
    return np.rint(middle + np.arange(-2, 3)[:, None] * np.array([1.0, 0.0])).astype(int)


def at(frame: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    return frame[pixels[:, 1], pixels[:, 0]].astype(float)


def test_no_motion_is_the_picture_itself(renderer: Renderer, portrait: MeasuredPortrait) -> None:
    frame = renderer.render(STILL, NO_LIDS, ZERO, ZERO)
    assert np.array_equal(frame, portrait.image)
    assert frame is not portrait.image


def test_tiny_motion_is_almost_the_picture(renderer: Renderer, portrait: MeasuredPortrait) -> None:
    frame = renderer.render(opened(1e-3), 0.002 * SHUT, np.full(3, 1e-4), np.full(3, 1e-4))
    difference = np.abs(frame.astype(int) - portrait.image)
    assert np.percentile(difference, 99.5) <= 2


def test_the_portrait_is_not_written_to(renderer: Renderer, portrait: MeasuredPortrait) -> None:
    before = portrait.image.copy()
    renderer.render(opened(0.2), SHUT, np.full(3, 0.1), np.full(3, 0.1))
    assert np.array_equal(before, portrait.image)


def test_the_same_motion_gives_the_same_frame(renderer: Renderer) -> None:
    motion = (
        opened(0.15),
        np.array([[0.4, 0.1], [-0.3, 0.5]]),
        np.array([0.05, -0.1, 0.04]),
        np.array([0.05, 0.02, 0]),
    )
    first = renderer.render(*motion)
    renderer.render(opened(0.05), NO_LIDS, ZERO, ZERO)
    assert np.array_equal(first, renderer.render(*motion))


def test_the_background_stays_still_as_the_head_moves(renderer: Renderer, portrait: MeasuredPortrait) -> None:
    frame = renderer.render(STILL, NO_LIDS, np.deg2rad([6.0, 8.0, 6.0]), np.array([0.1, 0.05, 0]))
    x, y = np.meshgrid(np.arange(512), np.arange(512))
    centre = portrait.face.landmarks[30, :2]
    far = np.hypot(x - centre[0], y - centre[1]) > 3.5 * portrait.unit
    background = far & (portrait.person < 0.1) & (y < 180)
    assert background.sum() > 10_000
    assert np.array_equal(frame[background], portrait.image[background])
    assert not np.array_equal(frame, portrait.image)


@pytest.fixture(scope="module")
def before_stripes(portrait: MeasuredPortrait) -> np.ndarray:
    """The portrait's person before a wall of stripes."""
    stripes = (np.arange(512) // 12 % 2 * 140 + 70).astype(np.uint8)
    picture = np.empty_like(portrait.image)
    lay(portrait.cut_out.free, np.ascontiguousarray(np.broadcast_to(stripes[None, :, None], picture.shape)), picture)
    return picture


def changed_stripes(portrait: MeasuredPortrait, alpha: np.ndarray) -> np.ndarray:
    """How much pixels near the head change that show no person before nor after it has moved."""
    rotation, translation = np.deg2rad([3.0, 7.0, 4.0]), np.array([0.06, 0.03, 0])
    frame = Renderer(portrait).render(STILL, NO_LIDS, rotation, translation)
    source = portrait.head.source(portrait.head.displacement(rotation, translation), rotation)
    places = portrait.head.grid.enlarge(source, Box(0, 0, 512, 512))
    outside = (alpha == 0) & (cv2.remap(alpha, places, None, cv2.INTER_LINEAR) == 0)
    x, y = np.meshgrid(np.arange(512), np.arange(512))
    eyes = portrait.face.landmarks[27, :2]
    near = outside & (np.hypot(x - eyes[0], y - eyes[1]) < 2.5 * portrait.unit)
    return np.abs(frame.astype(int) - portrait.image).mean(-1)[near]


def test_stripes_behind_the_head_stay_straight(
    portrait: MeasuredPortrait, before_stripes: np.ndarray, tracker: FaceTracker
) -> None:
    striped = MeasuredPortrait.from_image(before_stripes, tracker, portrait.face)
    assert striped.is_cut_out
    change = changed_stripes(striped, portrait.cut_out.person[..., 3])
    assert change.mean() < 1.5
    assert np.percentile(change, 95) < 4


def test_a_person_that_cannot_be_told_from_the_background_moves_with_it(
    portrait: MeasuredPortrait, before_stripes: np.ndarray
) -> None:
    unsure = replace(portrait, image=before_stripes, person=np.zeros((512, 512), np.float32))
    assert not unsure.is_cut_out
    assert changed_stripes(unsure, portrait.cut_out.person[..., 3]).mean() > 5


MOVED = opened(0.15), NO_LIDS, np.array([0.05, -0.1, 0.04]), np.array([0.05, 0.02, 0])


def test_another_background_is_seen_around_the_person_and_nowhere_else(portrait: MeasuredPortrait) -> None:
    wall = np.full_like(portrait.image, (0, 90, 180))
    renderer = Renderer(portrait, mouth_layers(portrait), portrait.before(wall))
    for frame in (renderer.render(STILL, NO_LIDS, ZERO, ZERO), renderer.render(*MOVED)):
        assert (frame[:150, :60] == wall[:150, :60]).all()
        face = np.s_[80:200, 180:260]
        assert np.abs(frame[face].astype(int) - portrait.image[face]).mean() < 60


def test_a_transparent_frame_over_a_wall_is_the_frame_before_that_wall(portrait: MeasuredPortrait) -> None:
    wall = np.full_like(portrait.image, (0, 90, 180))
    clear = Renderer(portrait, mouth_layers(portrait), portrait.before(None)).render(*MOVED)
    before = Renderer(portrait, mouth_layers(portrait), portrait.before(wall)).render(*MOVED)
    assert clear.shape == (512, 512, 4)
    share = clear[..., 3:] / 255
    difference = np.abs(share * clear[..., :3] + (1 - share) * wall - before)
    assert difference.mean() < 0.1
    assert np.percentile(difference, 99.9) < 8


def test_a_person_that_cannot_be_told_is_not_set_before_another_background(portrait: MeasuredPortrait) -> None:
    unsure = replace(portrait, person=np.zeros((512, 512), np.float32))
    with pytest.raises(PortraitError, match="cannot be told"):
        unsure.before(None)


def test_an_opened_mouth_is_dark_behind_its_teeth_and_has_a_tongue(
    renderer: Renderer, portrait: MeasuredPortrait
) -> None:
    expression = opened(0.25)
    frame = renderer.render(expression, NO_LIDS, ZERO, ZERO)
    back, tongue = (at(frame, between_lips(portrait, expression, share)) for share in (0.42, 0.75))
    assert back.mean() < 70
    assert 1.5 * back.mean() < tongue.mean() < 160
    assert (tongue[:, 0] > 1.15 * tongue[:, 2]).all()
    # The upper teeth stay where the skull is.
    teeth = between_lips(portrait, STILL, 0.4)
    assert np.abs(at(frame, teeth) - at(portrait.image, teeth)).max() < 30


def test_closing_a_smile_brings_the_lips_together(renderer: Renderer, portrait: MeasuredPortrait) -> None:
    expression = pressed(portrait)
    frame = renderer.render(expression, NO_LIDS, ZERO, ZERO)
    points = to_image((portrait.rest + expression)[None], portrait.pose)[0, :, :2]
    upper, lower = points[[61, 62, 63]], points[[67, 66, 65]]
    x = np.arange(int(upper[0, 0]), int(upper[-1, 0]) + 1)
    y = np.rint(np.interp(x, upper[:, 0], (upper[:, 1] + lower[:, 1]) / 2)).astype(int)
    # Teeth are grey (red is hardly above blue), lips are not: no speck of them is left along the whole line.
    seam = np.stack([frame[y + row, x].astype(float) for row in range(-3, 4)])
    teeth = at(portrait.image, between_lips(portrait, STILL, 0.5))
    assert (teeth[:, 0] - teeth[:, 2]).mean() < 45
    assert np.percentile(seam[..., 0] - seam[..., 2], 5) > 29


@pytest.mark.parametrize("angle", [-8.0, 8.0])
def test_turning_moves_the_nose_as_far_as_geometry_says(
    renderer: Renderer, portrait: MeasuredPortrait, tracker: FaceTracker, angle: float
) -> None:
    turn = np.deg2rad(angle)
    frame = renderer.render(STILL, NO_LIDS, np.array([0, turn, 0]), ZERO)
    seen = tracker.detect(frame)[0].landmarks
    still = tracker.detect(portrait.image)[0].landmarks
    pivot = to_image(SKULL_BASE[None, None], portrait.pose)[0, 0]
    arm = portrait.face.landmarks[30] - pivot
    expected = arm[0] * (np.cos(turn) - 1) + arm[2] * np.sin(turn)
    assert abs(expected) > 8
    assert seen[30, 0] - still[30, 0] == pytest.approx(expected, abs=2.5)


def test_translation_moves_the_face_by_canonical_units(
    renderer: Renderer, portrait: MeasuredPortrait, tracker: FaceTracker
) -> None:
    frame = renderer.render(STILL, NO_LIDS, ZERO, np.array([0.12, -0.08, 0]))
    moved = (tracker.detect(frame)[0].landmarks - tracker.detect(portrait.image)[0].landmarks)[27:36, :2].mean(0)
    assert moved == pytest.approx(portrait.unit * np.array([0.12, -0.08]), abs=1.5)


def test_an_opened_mouth_is_tracked_as_open(
    renderer: Renderer, portrait: MeasuredPortrait, tracker: FaceTracker
) -> None:
    seen = tracker.detect(renderer.render(opened(0.25), NO_LIDS, ZERO, ZERO))[0].landmarks
    gap = (seen[66, 1] - seen[62, 1]) / portrait.unit
    assert gap > portrait.rest[66, 1] - portrait.rest[62, 1] + 0.1


@pytest.mark.parametrize("size", [(301, 267), (160, 211)])
def test_odd_sizes_and_cut_off_people(tracker: FaceTracker, size: tuple[int, int]) -> None:
    image = np.ascontiguousarray(data.astronaut()[: size[0], 90 : 90 + size[1]])
    portrait = MeasuredPortrait.from_image(image, tracker)
    one = Renderer(portrait, mouth_layers(portrait))
    frame = one.render(opened(0.2), SHUT, np.deg2rad([10.0, -10.0, 10.0]), np.array([0.15, -0.15, 0]))
    assert frame.shape == image.shape
    assert frame.dtype == np.uint8
    # Nothing black is pulled in from beyond the picture.
    assert frame[0].mean() > image[0].mean() - 15


def test_a_grey_picture_stays_grey(tracker: FaceTracker) -> None:
    grey = np.repeat(data.astronaut().mean(-1, keepdims=True).astype(np.uint8), 3, axis=-1)
    portrait = MeasuredPortrait.from_image(grey, tracker)
    frame = Renderer(portrait, mouth_layers(portrait)).render(opened(0.2), SHUT, ZERO, ZERO)
    assert np.ptp(frame, axis=-1).max() <= 1


def test_a_picture_without_a_face_is_refused(tracker: FaceTracker) -> None:
    with pytest.raises(PortraitError, match="no face found"):
        MeasuredPortrait.from_image(np.full((128, 128, 3), 90, np.uint8), tracker)


def test_a_tiny_face_is_refused(tracker: FaceTracker, portrait: MeasuredPortrait) -> None:
    small = np.ascontiguousarray(data.astronaut()[::4, ::4])
    with pytest.raises(PortraitError, match="too small"):
        MeasuredPortrait.from_image(small, tracker, type(portrait.face)(portrait.face.mesh / 4))


def test_a_picture_that_is_not_rgb_is_refused(tracker: FaceTracker) -> None:
    with pytest.raises(PortraitError, match="RGB"):
        MeasuredPortrait.from_image(np.zeros((64, 64), np.uint8), tracker)
