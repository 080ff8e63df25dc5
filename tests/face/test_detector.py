"""The detector: its anchors, how its numbers become boxes, and how boxes that lie on each other melt into one."""

import numpy as np
import pytest

from rhapsode.face.crop import Region
from rhapsode.face.detector import LEFT_EYE, MOUTH, NOSE_TIP, RIGHT_EYE, Detector, anchors, decode, suppress


@pytest.fixture(scope="module", params=["short", "full"])
def detector(request: pytest.FixtureRequest) -> Detector:
    return Detector(request.param)


def test_there_is_an_anchor_for_each_box_of_each_network() -> None:
    assert anchors(128, [(8, 2), (16, 6)]).shape == (896, 2)
    assert anchors(192, [(4, 1)]).shape == (2304, 2)


def test_anchors_lie_in_the_middle_of_their_cells_row_by_row() -> None:
    np.testing.assert_allclose(anchors(32, [(16, 1)]), [[0.25, 0.25], [0.75, 0.25], [0.25, 0.75], [0.75, 0.75]])


def test_a_box_is_read_from_its_middle_and_points_from_the_anchor() -> None:
    raw = np.zeros((1, 16), np.float32)
    raw[0, :4] = [10, -20, 40, 20]  # the middle from the anchor, width and height
    raw[0, 4:6] = [5, 5]
    (row,) = decode(raw, np.array([[0.5, 0.5]], np.float32), 100)
    np.testing.assert_allclose(row[:4], [0.4, 0.2, 0.8, 0.4], atol=1e-6)
    np.testing.assert_allclose(row[4:8], [0.55, 0.55, 0.5, 0.5], atol=1e-6)


def test_boxes_on_each_other_melt_into_their_weighted_mean_and_others_stay() -> None:
    rows = np.array([[0, 0, 10, 10], [100, 100, 110, 110], [0, 0, 10, 14]], np.float32)
    melted, scores = suppress(rows, np.array([0.9, 0.5, 0.3], np.float32))
    np.testing.assert_allclose(melted, [[0, 0, 10, 11], [100, 100, 110, 110]])
    np.testing.assert_allclose(scores, [0.9, 0.5])


def test_of_nothing_nothing_is_left() -> None:
    rows, scores = suppress(np.zeros((0, 16), np.float32), np.zeros(0, np.float32))
    assert rows.shape == (0, 16) and scores.shape == (0,)


def test_the_face_and_its_points_are_found(detector: Detector, astronaut: np.ndarray) -> None:
    (face,) = detector.find(astronaut, 0.5)
    # Read off the picture by eye.
    for point, place in ((RIGHT_EYE, (204, 101)), (LEFT_EYE, (241, 103)), (NOSE_TIP, (222, 125)), (MOUTH, (224, 145))):
        assert np.abs(face.points[point] - place).max() < 9
    assert np.abs(face.box - [176, 68, 272, 164]).max() < 16


def test_a_black_picture_has_no_face(detector: Detector) -> None:
    assert detector.find(np.zeros((300, 200, 3), np.uint8), 0.3) == []


def test_regions_are_looked_at_each_for_itself(detector: Detector, astronaut: np.ndarray) -> None:
    regions = [Region.whole(astronaut), Region(420, 420, 150), Region(224, 120, 300, np.pi / 6)]
    whole, empty, turned = detector.find_in(astronaut, regions, 0.6)
    assert len(whole) == 1 and empty == [] and len(turned) == 1
    assert np.abs(whole[0].points - turned[0].points).max() < 12
