"""Eyelids on a photograph of a smile, and an eyeball made whole, on one that is drawn here."""

import cv2
import numpy as np
import pytest

from rhapsode.face import regions
from rhapsode.face.eyes import eye_opening
from rhapsode.face.tracker import FaceTracker
from rhapsode.face.units import AT_REST, UNITS
from rhapsode.motion.lasting import landmarks_of
from rhapsode.render.eyeball import Iris, lid_shadow, shadow_of_lid, whole_eyeball
from rhapsode.render.portrait import MeasuredPortrait
from rhapsode.render.renderer import Renderer

SHUT, WIDE, SQUINT = (0.85, 0.15), (-0.4, 0.0), (0.0, 0.4)
ZERO = np.zeros(3)


@pytest.fixture(scope="module")
def portrait(astronaut: np.ndarray) -> MeasuredPortrait:
    with FaceTracker() as tracker:
        return MeasuredPortrait.from_image(astronaut, tracker)


@pytest.fixture(scope="module")
def renderer(portrait: MeasuredPortrait) -> Renderer:
    return Renderer(portrait)


def moved(renderer: Renderer, right: tuple[float, float], left: tuple[float, float]) -> np.ndarray:
    return renderer.render(np.zeros((68, 3)), np.array([right, left]), ZERO, ZERO)


def beside(portrait: MeasuredPortrait, iris: int, lid: int, share: float) -> tuple[slice, slice]:
    """Three pixels at a share of the way from the middle of an iris to a lid."""
    middle, edge = portrait.face.mesh[iris, :2], portrait.face.mesh[lid, :2]
    x, y = np.rint(middle + share * (edge - middle)).astype(int)
    return slice(y, y + 1), slice(x - 1, x + 2)


@pytest.mark.parametrize(("iris", "lid"), [(468, 145), (473, 374)])
def test_a_closed_lid_hides_the_iris(renderer: Renderer, portrait: MeasuredPortrait, iris: int, lid: int) -> None:
    place = beside(portrait, iris, lid, 0.1)
    assert moved(renderer, SHUT, SHUT)[place].mean() > portrait.image[place].mean() + 20


@pytest.mark.parametrize("lids", [(0.425, 0.075), WIDE])
def test_a_lid_that_moves_leaves_the_eyeball_where_it_was(
    renderer: Renderer, portrait: MeasuredPortrait, lids: tuple[float, float]
) -> None:
    frame = moved(renderer, lids, lids)
    for iris, lower in ((468, 145), (473, 374)):
        place = beside(portrait, iris, lower, 0.35)
        assert np.abs(frame[place].astype(int) - portrait.image[place]).max() <= 25
    assert not np.array_equal(frame, portrait.image)


def test_a_lower_lid_that_rises_hides_the_lower_iris_alone(renderer: Renderer, portrait: MeasuredPortrait) -> None:
    frame = moved(renderer, SQUINT, SQUINT)
    for iris, lower in ((468, 145), (473, 374)):
        low, middle = beside(portrait, iris, lower, 0.75), beside(portrait, iris, lower, 0.0)
        assert frame[low].mean() > portrait.image[low].mean() + 10
        assert np.array_equal(frame[middle], portrait.image[middle])


def test_a_wide_eye_looks_the_same_under_a_raised_brow(renderer: Renderer, portrait: MeasuredPortrait) -> None:
    units = np.zeros(51, np.float32)
    units[[UNITS.index(f"browOuterUp{side}") for side in ("Left", "Right")]] = 0.9
    lids = np.array([WIDE, WIDE])
    plain, raised = (
        renderer.render(landmarks_of(one), lids, ZERO, ZERO, units=one).astype(int) for one in (AT_REST, units)
    )
    for upper, lower in (
        (regions.RIGHT_UPPER_LID, regions.RIGHT_LOWER_LID),
        (regions.LEFT_UPPER_LID, regions.LEFT_LOWER_LID),
    ):
        opening = portrait.face.mesh[np.concatenate([upper, lower[::-1]]), :2]
        eye = cv2.fillPoly(np.zeros(plain.shape[:2], np.uint8), [np.rint(opening).astype(np.int32)], 1) > 0
        assert np.abs(raised - plain)[eye].mean() < 1.5
    assert np.abs(raised - plain).max() > 60


def test_only_the_eye_that_moves_changes(renderer: Renderer, portrait: MeasuredPortrait) -> None:
    for lids in (SHUT, WIDE, SQUINT):
        changed = np.flatnonzero((moved(renderer, lids, (0, 0)) != portrait.image).any((0, 2)))
        assert changed.size
        assert changed.max() < portrait.face.landmarks[30, 0]


def test_a_tracker_sees_wide_eyes_and_squints(renderer: Renderer) -> None:
    with FaceTracker() as tracker:
        shown = [tracker.detect(moved(renderer, lids, lids))[0] for lids in (WIDE, (0.0, 0.0), SQUINT)]
    wide, resting, squint = (eye_opening(face.landmarks) for face in shown)
    assert wide > resting + 0.03
    assert squint < resting - 0.03


def test_lids_start_to_move_without_a_jump(renderer: Renderer, portrait: MeasuredPortrait) -> None:
    for lids in (WIDE, SQUINT):
        little = (lids[0] * 0.01, lids[1] * 0.01)
        assert np.abs(moved(renderer, little, little).astype(int) - portrait.image).max() <= 12


def test_an_iris_is_made_whole_by_its_own_colours() -> None:
    """An iris whose upper part a lid hides, left half brown, right half green, in a white eye."""
    size, radius = 120, 24
    y, x = np.mgrid[:size, :size].astype(np.float32)
    ball = np.full((size, size, 3), (225, 220, 215), np.uint8)
    iris = np.hypot(x - 60, y - 60) < radius
    ball[iris & (x < 60)], ball[iris & (x >= 60)] = (110, 70, 40), (60, 110, 70)
    ball = cv2.GaussianBlur(ball, (0, 0), 1)
    opening = 50.0  # pixels: the upper lid at 45, the lower one at 95
    depth, room = (y - 45) / opening, np.where(np.abs(x - 60) < 55, 1.0, 0.0).astype(np.float32)
    seen = (ball * lid_shadow(depth, 0.5)[..., None]).astype(np.uint8)
    seen[depth < 0] = (200, 150, 130)
    disc = Iris(np.array([60.0, 60.0]), radius)
    darkness = shadow_of_lid(seen, depth, room, disc)
    assert darkness == pytest.approx(0.5, abs=0.12)
    whole = whole_eyeball(seen, depth, room, disc, darkness)
    above = slice(41, 46)
    assert np.abs(whole[above, 47:54].mean((0, 1)) - (110, 70, 40)).max() < 30
    assert np.abs(whole[above, 67:74].mean((0, 1)) - (60, 110, 70)).max() < 30
    assert np.abs(whole[above, 20:32].mean((0, 1)) - (225, 220, 215)).max() < 40


def test_an_eye_without_white_is_made_whole_too() -> None:
    flat = np.full((30, 40, 3), 90, np.uint8)
    depth, nothing = np.full((30, 40), 0.5, np.float32), np.zeros((30, 40), np.float32)
    disc = Iris(np.array([20.0, 15.0]), 60.0)
    darkness = shadow_of_lid(flat, depth, nothing, disc)
    for room in (nothing, nothing + 1):
        assert np.isfinite(whole_eyeball(flat, depth, room, disc, darkness)).all()


@pytest.fixture(scope="module")
def rim(portrait: MeasuredPortrait) -> np.ndarray:
    """Two thin rims around the eyes, (H, W) uint8."""
    mesh, unit = portrait.face.mesh[:, :2], portrait.unit
    drawn = np.zeros(portrait.image.shape[:2], np.uint8)
    for outer, inner in ((33, 133), (263, 362)):
        x, y = (mesh[outer] + mesh[inner]) / 2
        axes = (round(0.23 * unit), round(0.15 * unit))
        cv2.ellipse(drawn, (round(float(x)), round(float(y))), axes, 0, 0, 360, 255, 2, cv2.LINE_AA)
    return drawn


@pytest.fixture(scope="module")
def wearer(portrait: MeasuredPortrait, rim: np.ndarray) -> MeasuredPortrait:
    share = rim[..., None] / 255
    worn = np.rint(portrait.image * (1 - share) + share * np.array([20, 18, 16])).astype(np.uint8)
    with FaceTracker() as tracker:
        return MeasuredPortrait.from_image(worn, tracker, portrait.face)


def test_rims_of_glasses_stay_where_they_are(
    portrait: MeasuredPortrait, wearer: MeasuredPortrait, rim: np.ndarray
) -> None:
    renderer, drawn, worn = Renderer(wearer), rim > 200, wearer.image
    assert drawn.sum() > 100
    for lids in (SHUT, WIDE, SQUINT):
        frame = moved(renderer, lids, lids)
        assert not np.array_equal(frame, worn)
        assert np.abs(frame[drawn].astype(int) - worn[drawn]).mean() < 4
    # Skin without a trace of the rim covers the eye.
    place = beside(portrait, 468, 145, 0.1)
    assert moved(renderer, SHUT, SHUT)[place].mean() > worn[place].mean() + 20


@pytest.mark.parametrize("unit", ["browDown", "browInnerUp", "cheekSquint"])
def test_no_expression_bends_rims(
    portrait: MeasuredPortrait, wearer: MeasuredPortrait, rim: np.ndarray, unit: str
) -> None:
    units = np.array([1.5 * one.startswith(unit) for one in UNITS], np.float32)
    bare, free = (one.rig.pose(landmarks_of(units), units).flow.upper for one in (wearer, portrait))
    warp = wearer.rig.warp
    there = cv2.remap(rim, warp.nodes, None, cv2.INTER_LINEAR) > 100
    assert there.any()
    assert np.abs(bare[there]).max() < 0.1 * np.abs(free[there]).max()
    forehead = warp.nodes[..., 1] < portrait.face.landmarks[19:25, 1].min() - 0.15 * portrait.unit
    np.testing.assert_allclose(bare[forehead], free[forehead], atol=0.05 * np.abs(free).max())
