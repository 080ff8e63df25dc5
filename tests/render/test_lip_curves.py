"""The lips of the astronaut as curves, and the outline around them."""

import cv2
import numpy as np
import pytest
import skimage.data

from rhapsode.face import regions
from rhapsode.face.mouth import lip_openings
from rhapsode.face.tracker import FaceTracker
from rhapsode.motion.retarget import lips_together
from rhapsode.render.lip_curves import LipCurves
from rhapsode.render.lips import RestingLips, measure_lips
from rhapsode.render.portrait import MeasuredPortrait


@pytest.fixture(scope="module")
def portrait() -> MeasuredPortrait:
    with FaceTracker() as tracker:
        return MeasuredPortrait.from_image(skimage.data.astronaut(), tracker)


KNOTS = [*zip(*regions.UPPER_OUTER_KNOTS, strict=True)] + [
    (landmark, 11 + place) for landmark, place in zip(*regions.LOWER_OUTER_KNOTS, strict=True)
]


@pytest.mark.parametrize(("landmark", "place"), KNOTS)
def test_each_point_of_the_outline_moves_with_the_landmark_on_it(
    portrait: MeasuredPortrait, landmark: int, place: int
) -> None:
    # A corner stands on both contours, as one landmark.
    offsets = np.zeros((68, 2))
    offsets[landmark] = 3.0, -5.0
    still, moved = np.split(portrait.rig.curves.outline(offsets), 2)
    np.testing.assert_allclose((moved - still)[place], [3.0, -5.0], atol=1e-9)
    others = [other for number, other in KNOTS if number != landmark]
    np.testing.assert_allclose((moved - still)[others], 0, atol=1e-9)


def test_the_outline_holds_the_lips_that_move(portrait: MeasuredPortrait) -> None:
    offsets = np.zeros((68, 2))
    offsets[[57, 66]] = 0.0, 20.0
    outline = portrait.rig.curves.outline(offsets)
    assert outline[:, 1].max() == pytest.approx(portrait.face.landmarks[57, 1] + 20, abs=1)
    # What does not move stays where it is: the upper lip has no landmark that moved.
    assert outline[:, 1].min() == pytest.approx(portrait.face.landmarks[48:60, 1].min(), abs=2)


def test_edges_in_a_picture_of_another_size_cover_the_same_mouth(portrait: MeasuredPortrait) -> None:
    offsets = np.zeros((68, 2))
    offsets[[65, 66, 67], 1] = 9.0
    edges = portrait.rig.curves.edges(offsets)
    areas = [
        edges.scaled(factor)
        .cover(np.stack(np.meshgrid(*2 * [np.arange(512 * factor, dtype=np.float32)]), -1))[..., 0]
        .sum(dtype=float)
        / factor**2
        for factor in (1, 2)
    ]
    assert areas[1] == pytest.approx(areas[0], rel=0.02)


def test_pressed_lips_meet_halfway_and_never_cross(portrait: MeasuredPortrait) -> None:
    offsets = np.zeros((68, 2))
    offsets[[65, 66, 67], 1] = -40.0
    edges = portrait.rig.curves.edges(offsets)
    assert (edges.lower >= edges.upper).all() and edges.pressed.max() > 5
    assert not edges.holes


def test_half_closed_lips_are_half_of_what_the_picture_shows(portrait: MeasuredPortrait) -> None:
    assert portrait.rig.lips.is_open
    closing = lips_together(np.zeros((68, 3)) + portrait.rest) - portrait.rest

    def gap(share: float) -> float:
        return float(portrait.rig.pose(share * closing).lips.gap.max())

    assert gap(0.5) / gap(0.0) == pytest.approx(0.5, abs=0.1)
    assert gap(1.0) / gap(0.0) < 0.05


def test_lips_are_drawn_as_far_apart_as_the_motion_asks(portrait: MeasuredPortrait) -> None:
    for opening in (0.03, 0.06, 0.12, 0.18):
        expression = np.zeros((68, 3))
        expression[[67, 66, 65], 1] = opening - lip_openings(portrait.rest)
        gap = portrait.rig.pose(expression).lips.gap[16:33].mean()
        assert gap / portrait.unit == pytest.approx(opening, abs=0.015)


def test_a_mouth_that_the_picture_catches_wide_open_shows_small_openings_too(portrait: MeasuredPortrait) -> None:
    lips, unit = portrait.rig.lips, portrait.unit
    mesh = lips.mesh.copy()
    mesh[regions.LOWER_INNER_LIP] = mesh[regions.UPPER_INNER_LIP]
    mesh[regions.LOWER_INNER_LIP[1:-1], 1] += 0.3 * unit
    wide = LipCurves(RestingLips(mesh, True, lips.colour), unit)
    offsets = np.zeros((68, 2))
    offsets[[67, 66, 65], 1] = -0.26 * unit
    assert wide.edges(wide.settle(offsets)).gap.max() > 0.03 * unit
    offsets[[67, 66, 65], 1] = -0.3 * unit
    assert not wide.edges(wide.settle(offsets)).holes


def test_lips_that_the_picture_shows_shut_are_shut_for_the_motion_too(portrait: MeasuredPortrait) -> None:
    mesh = portrait.rig.lips.mesh.copy()
    mesh[regions.LOWER_INNER_LIP] = mesh[regions.UPPER_INNER_LIP]
    shut = RestingLips(mesh, False, portrait.rig.lips.colour)
    assert (lip_openings(portrait.face.landmarks) > 5).all()
    np.testing.assert_allclose(lip_openings(shut.seen_in(portrait.face.landmarks)), 0, atol=1e-9)


@pytest.mark.parametrize(("apart", "is_open"), [(0.035, False), (0.068, True)])
def test_a_narrow_dark_line_is_an_opening_where_the_tracker_has_lips_well_apart(
    portrait: MeasuredPortrait, apart: float, is_open: bool
) -> None:
    mesh, unit = 6 * portrait.face.mesh, 6 * portrait.unit
    upper, lower = regions.UPPER_INNER_LIP, regions.LOWER_INNER_LIP
    mesh[lower] = mesh[upper]
    mesh[lower[1:-1], 1] += apart * unit
    image = np.full((1200, 1800, 3), (200, 110, 110), np.uint8)
    # A seventh of what the tracker finds between the lips.
    line = [mesh[upper, :2] + share * (mesh[lower, :2] - mesh[upper, :2]) for share in (0.4, 0.54)]
    cv2.fillPoly(image, [np.rint(np.concatenate([line[0], line[1][::-1]])).astype(np.int32)], (40, 10, 10))
    assert measure_lips(image, mesh, unit).is_open == is_open
