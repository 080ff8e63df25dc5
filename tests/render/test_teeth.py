"""Teeth of a mouth that shows none: a rear admiral, in the public domain, whose lips are closed."""

from dataclasses import replace

import cv2
import matplotlib.cbook
import numpy as np
import pytest
from PIL import Image
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks

from rhapsode.animator import Animator
from rhapsode.face.geometry import Pose, to_image
from rhapsode.face.tracker import FaceTracker
from rhapsode.media.waveform import Waveform, resample
from rhapsode.options import AnimationOptions
from rhapsode.paint.layers import mouth_layers
from rhapsode.paint.painter import MouthPainter
from rhapsode.render.layers import MouthPatch
from rhapsode.render.mouth_light import MouthLight
from rhapsode.render.portrait import MeasuredPortrait
from rhapsode.render.renderer import Renderer
from rhapsode.render.teeth import Teeth
from rhapsode.style.references import key_motions

STILL = np.zeros((2, 2)), np.zeros(3), np.zeros(3)
NO_EXPRESSION = np.zeros((68, 3))


@pytest.fixture(scope="module")
def portrait(animator: Animator) -> MeasuredPortrait:
    path = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    return animator.load_portrait(np.asarray(Image.open(str(path)).convert("RGB"))).measured


def painted(portrait: MeasuredPortrait, animator: Animator, teeth: bool = True) -> Renderer:
    painter = MouthPainter(portrait, animator.picture, key_motions())
    return Renderer(portrait, mouth_layers(portrait, painter, teeth=teeth))


@pytest.fixture(scope="module")
def plain(portrait: MeasuredPortrait, animator: Animator) -> Renderer:
    return painted(portrait, animator, teeth=False)


@pytest.fixture(scope="module")
def renderer(portrait: MeasuredPortrait, animator: Animator) -> Renderer:
    return painted(portrait, animator)


def open_patch(portrait: MeasuredPortrait, frame: np.ndarray, points: np.ndarray) -> MouthPatch:
    """A part of a frame, all of it between the lips."""
    face = portrait.rig.pose(opened(0.15))
    return MouthPatch(frame, points, np.full((*frame.shape[:2], 2), 255, np.uint8), face.lips, face)


def opened(amount: float) -> np.ndarray:
    """The lower lip goes down by some canonical units, the upper one up by a third of that."""
    offsets = np.zeros((68, 3))
    offsets[[55, 56, 57, 58, 59, 65, 66, 67], 1] = amount
    offsets[[49, 50, 51, 52, 53, 61, 62, 63], 1] = -amount / 3
    return offsets


def across_teeth(portrait: MeasuredPortrait, frame: np.ndarray) -> np.ndarray:
    """How light a frame is along the row of teeth, (100,) from corner to corner of the mouth, just above its line."""
    posed = to_image(portrait.rest[None], portrait.pose)[0, :, :2]
    left, right, up = posed[60], posed[64], np.array([0, 0.01 * portrait.unit])
    points = (left + np.linspace(0, 1, 100)[:, None] * (right - left) - up).astype(np.float32)
    return cv2.remap(cv2.GaussianBlur(frame, (0, 0), 1.2), points[None], None, cv2.INTER_LINEAR).mean(-1)[0]


def shadows(light: np.ndarray) -> np.ndarray:
    """The narrow dark places of a curve, away from its ends, where lips are."""
    relief = -light / gaussian_filter1d(light, 5.0)
    places, _ = find_peaks(relief[15:-15], prominence=0.055)
    return places + 15


def test_a_closed_mouth_opens_on_single_teeth(portrait: MeasuredPortrait, plain: Renderer, renderer: Renderer) -> None:
    without, with_teeth = (across_teeth(portrait, one.render(opened(0.12), *STILL)) for one in (plain, renderer))
    assert len(shadows(without)) == 0
    places = shadows(with_teeth)
    assert 3 <= len(places) <= 9
    # The two in the middle meet there, and are equally broad.
    middle = int(np.abs(places - 50).argmin())
    assert abs(places[middle] - 50) < 5
    assert np.diff(places)[middle - 1] == pytest.approx(np.diff(places)[middle], abs=3)


def test_they_are_lighter_than_what_is_behind_them(portrait: MeasuredPortrait, renderer: Renderer) -> None:
    frame = renderer.render(opened(0.15), *STILL).mean(-1)
    middle = to_image((portrait.rest + opened(0.15))[None], portrait.pose)[0, [62, 66], :2]
    middle[:, 0] += 0.05 * portrait.unit  # through a tooth, not between two
    down = np.array([middle[0] + share * (middle[1] - middle[0]) for share in np.linspace(0.15, 0.85, 40)])
    light = cv2.remap(frame, down[None].astype(np.float32), None, cv2.INTER_LINEAR)[0]
    assert light[:16].max() > 1.25 * light[16:].min()


def test_they_stay_with_the_skull_when_the_mouth_opens(portrait: MeasuredPortrait, renderer: Renderer) -> None:
    some, more = (shadows(across_teeth(portrait, renderer.render(opened(one), *STILL))) for one in (0.1, 0.16))
    kept = [place for place in some if min(abs(place - other) for other in more) <= 1]
    assert len(kept) >= 3


def test_they_move_with_the_head(portrait: MeasuredPortrait, plain: Renderer, renderer: Renderer) -> None:
    def middle(turn: float) -> np.ndarray:
        pose = np.zeros((2, 2)), np.array([0, 0, turn]), np.array([turn, 0, 0])
        frames = [one.render(opened(0.15), *pose).astype(float) for one in (plain, renderer)]
        return np.argwhere(np.abs(frames[1] - frames[0]).max(-1) > 20).mean(0)[::-1]

    assert middle(0.1)[0] - middle(0.0)[0] > 4


def test_nothing_changes_but_between_the_lips(portrait: MeasuredPortrait, plain: Renderer, renderer: Renderer) -> None:
    posed = to_image((portrait.rest + opened(0.15))[None], portrait.pose)[0, :, :2]
    difference = np.abs(renderer.render(opened(0.15), *STILL).astype(int) - plain.render(opened(0.15), *STILL))
    mouth = np.zeros(difference.shape[:2], np.uint8)
    cv2.fillPoly(mouth, [np.rint(posed[60:68]).astype(np.int32)], 1)
    assert difference[cv2.dilate(mouth, np.ones((11, 11), np.uint8)) == 0].max() == 0
    assert difference[mouth == 1].mean() > 8
    assert np.array_equal(renderer.render(NO_EXPRESSION, *STILL), portrait.image)


def test_teeth_that_the_portrait_shows_are_its_own(animator: Animator, astronaut: np.ndarray) -> None:
    smiling = animator.load_portrait(astronaut).measured
    assert not MouthPainter(smiling, animator.picture, key_motions()).needs_synthetic_teeth
    with_teeth, without = (painted(smiling, animator, teeth) for teeth in (True, False))
    assert np.array_equal(with_teeth.render(opened(0.1), *STILL), without.render(opened(0.1), *STILL))


def test_a_sliver_of_teeth_is_kept_at_small_openings_and_completed_at_wide_ones(
    renderer: Renderer, animator: Animator
) -> None:
    parted = animator.load_portrait(renderer.render(opened(0.03), *STILL)).measured
    assert parted.rig.lips.is_open and MouthPainter(parted, animator.picture, key_motions()).needs_synthetic_teeth
    with_teeth, without = (painted(parted, animator, teeth) for teeth in (True, False))
    small, wide = (
        np.abs(with_teeth.render(opened(by), *STILL).astype(int) - without.render(opened(by), *STILL)).max()
        for by in (-0.01, 0.12)
    )
    assert small == 0
    assert wide > 20


def test_so_are_those_that_another_picture_shows(
    portrait: MeasuredPortrait, renderer: Renderer, animator: Animator
) -> None:
    assert MouthPainter(portrait, animator.picture, key_motions()).needs_synthetic_teeth
    assert animator.load_portrait(portrait.image, extra_photos=[portrait.image]).painter().needs_synthetic_teeth, (
        "closed lips show no teeth"
    )
    open_mouth = renderer.render(opened(0.15), *STILL)
    assert not animator.load_portrait(portrait.image, extra_photos=[open_mouth]).painter().needs_synthetic_teeth


def test_in_a_grey_picture_they_are_grey(portrait: MeasuredPortrait, animator: Animator) -> None:
    grey = cv2.cvtColor(cv2.cvtColor(portrait.image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    prepared = animator.load_portrait(grey).measured
    frame = painted(prepared, animator).render(opened(0.15), *STILL).astype(int)
    assert np.ptp(frame, axis=-1).max() <= 3


def test_old_varnish_lies_on_them_too(portrait: MeasuredPortrait, animator: Animator) -> None:
    brown = (portrait.image.mean(-1, keepdims=True) * [0.9, 0.7, 0.3]).astype(np.uint8)
    prepared = animator.load_portrait(brown).measured
    frames = [painted(prepared, animator, teeth).render(opened(0.15), *STILL) for teeth in (True, False)]
    teeth = frames[0][frames[0].mean(-1) > frames[1].mean(-1) + 12].mean(0)
    # Paler than the skin, and far from white: blue stays well under red.
    assert 0.35 < teeth[2] / teeth[0] < 0.75
    assert teeth[1] < teeth[0]


def test_a_small_face_has_them_without_a_flaw(animator: Animator, portrait: MeasuredPortrait) -> None:
    small = cv2.resize(portrait.image, None, fx=0.3, fy=0.3, interpolation=cv2.INTER_AREA)
    with FaceTracker() as tracker:
        prepared = MeasuredPortrait.from_image(small, tracker)
    frames = [painted(prepared, animator, teeth).render(opened(0.15), *STILL).astype(int) for teeth in (True, False)]
    assert 4 < np.abs(frames[0] - frames[1]).max() < 160


def test_a_picture_cut_off_at_the_mouth_is_drawn_all_the_same(animator: Animator, portrait: MeasuredPortrait) -> None:
    nose = round(portrait.face.landmarks[33, 1])
    for last in (nose + 10, nose + 25, nose + 40):
        cut = MeasuredPortrait(
            portrait.image[:last], portrait.face, portrait.pose, portrait.rest, portrait.person[:last]
        )
        frame = painted(cut, animator).render(opened(0.15), *STILL)
        assert frame.shape == cut.image.shape


def test_a_baby_has_none_if_asked(animator: Animator, portrait: MeasuredPortrait, sentence: Waveform) -> None:
    with_teeth, without = (
        animator.animate(portrait.image, sentence, AnimationOptions(teeth=teeth, head_motion=0, blink=0, gaze=0))
        for teeth in (True, False)
    )
    assert max(np.abs(a.astype(int) - b).max() for a, b in zip(with_teeth, without, strict=True)) > 20
    file = animator.animate(portrait.image, sentence, AnimationOptions(teeth=False, live=True))
    with animator.start_session(portrait.image, AnimationOptions(teeth=False)) as live:
        frames = list(live.feed(resample(sentence, 16_000).samples))
        assert len(frames) > 40
        assert all(np.array_equal(one.image, other) for one, other in zip(frames, file, strict=False))


def test_on_the_brightest_skin_they_are_white_at_most(portrait: MeasuredPortrait) -> None:
    bright = np.full_like(portrait.image, 255)
    white = MeasuredPortrait(bright, portrait.face, portrait.pose, portrait.rest, portrait.person)
    teeth = Teeth(white, MouthLight(white).teeth)
    posed = to_image(portrait.rest[None], portrait.pose)[0, :, :2]
    x, y = np.rint(posed[62]).astype(int)
    points = np.stack(np.meshgrid(np.arange(x - 20, x + 20), np.arange(y - 12, y + 4)), -1).astype(np.float32)
    drawn = np.full((16, 40, 3), 255, np.float32)
    teeth.lay(drawn, open_patch(portrait, drawn.astype(np.uint8), points))
    assert drawn.min() > 120 and drawn.max() <= 255


def in_the_light(portrait: MeasuredPortrait, image: np.ndarray) -> MouthLight:
    return MouthLight(replace(portrait, image=image.astype(np.uint8)))


def test_dark_skin_does_not_darken_them(portrait: MeasuredPortrait) -> None:
    # The whites of the eyes stay as light as they are.
    dark = np.where(portrait.image.mean(-1, keepdims=True) > 225, portrait.image, 0.4 * portrait.image)
    fair, dark_skinned = MouthLight(portrait), in_the_light(portrait, dark)
    assert dark_skinned.teeth.mean() > 0.7 * fair.teeth.mean(), "skin is 0.4 as light"
    assert dark_skinned.gain(NO_EXPRESSION) > 1.3 * fair.gain(NO_EXPRESSION)


def test_in_a_dim_picture_they_do_not_glow(portrait: MeasuredPortrait) -> None:
    even = np.full_like(portrait.image, 60)
    assert in_the_light(portrait, even).gain(NO_EXPRESSION) == 1


def test_they_are_lighter_in_a_smile(portrait: MeasuredPortrait) -> None:
    light, smile = MouthLight(portrait), NO_EXPRESSION.copy()
    gains = []
    for apart in (0.0, 0.03, 0.08, 0.3):
        smile[54, 0], smile[48, 0] = apart, -apart
        gains.append(light.gain(smile))
    assert gains == sorted(gains) and gains[-1] == pytest.approx(1.25 * gains[0])


@pytest.mark.parametrize("turn", [0.3, 0.6])
def test_a_head_turned_to_either_side_shows_as_many(portrait: MeasuredPortrait, turn: float) -> None:
    def columns(angle: float) -> np.ndarray:
        pose = Pose(np.array([[0.0, angle, 0.0]]), portrait.pose.translation, portrait.pose.scale)
        straight = portrait.rest * [0, 1, 1]  # its own middle, not quite on the axis, is the same for both
        turned = MeasuredPortrait(portrait.image, portrait.face, pose, straight, portrait.person)
        teeth = Teeth(turned, MouthLight(turned).teeth)
        points = np.stack(np.meshgrid(*(np.arange(size) for size in portrait.image.shape[1::-1])), -1)
        drawn = np.full(portrait.image.shape, 90, np.float32)
        teeth.lay(drawn, open_patch(portrait, portrait.image, points.astype(np.float32)))
        return np.flatnonzero(drawn.max((0, 2)) > 100)

    to_right, to_left = columns(turn), columns(-turn)
    middle = portrait.pose.translation[0, 0]
    assert len(to_right) == pytest.approx(len(to_left), abs=2)
    assert to_right.max() - middle == pytest.approx(middle - to_left.min(), abs=2)
    assert to_right.min() - middle == pytest.approx(middle - to_left.max(), abs=2)
