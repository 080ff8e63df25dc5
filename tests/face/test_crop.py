"""A region of a picture: its geometry there and back, and what is cut out of it."""

import cv2
import numpy as np
import pytest

from rhapsode.face.crop import FIVE_POINTS, Region

CORNERS = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])


def test_the_corners_of_a_region_lie_around_its_centre() -> None:
    corners = Region(50, 30, 20).to_image(CORNERS)
    np.testing.assert_allclose(corners, [[40, 20], [60, 20], [60, 40], [40, 40]])


def test_a_region_turned_by_a_quarter_has_its_upper_edge_at_the_right() -> None:
    corners = Region(50, 30, 20, np.pi / 2).to_image(CORNERS)
    np.testing.assert_allclose(corners, [[60, 20], [60, 40], [40, 40], [40, 20]], atol=1e-9)


def test_depth_is_scaled_as_width_is() -> None:
    (point,) = Region(0, 0, 200).to_image(np.array([[0.5, 0.5, 0.1]]))
    np.testing.assert_allclose(point, [0, 0, 20], atol=1e-9)


@pytest.mark.parametrize("turn", [0.0, 0.7, np.pi / 2, 3.0, -2.0])
def test_what_is_cut_lies_where_the_region_says(turn: float) -> None:
    image = np.zeros((200, 240, 3), np.uint8)
    cv2.circle(image, (130, 90), 4, (255, 255, 255), -1)
    region = Region(120, 100, 80, turn)
    cut = region.cut(image, 160, cv2.BORDER_CONSTANT)
    y, x = np.argwhere(cut[..., 0] > 127).mean(0)
    found = region.to_image(np.array([x, y]) / 160)
    np.testing.assert_allclose(found, [130, 90], atol=0.3)


def test_outside_the_picture_a_cut_is_black_or_the_edge_goes_on() -> None:
    image = np.full((50, 50, 3), 200, np.uint8)
    region = Region(0, 0, 40)
    assert region.cut(image, 40, cv2.BORDER_CONSTANT)[:15].max() == 0
    assert region.cut(image, 40, cv2.BORDER_REPLICATE).min() == 200


def test_the_whole_picture_fits_its_region_at_every_quarter() -> None:
    image = np.full((60, 100, 3), 255, np.uint8)
    for quarter in range(4):
        region = Region.whole(image, quarter * np.pi / 2)
        seen = region.cut(image, 100, cv2.BORDER_CONSTANT) > 127
        assert abs(int(seen[..., 0].sum()) - 6000) < 250


@pytest.mark.parametrize("degrees", [0, 35, 90, 180, 250, 359])
def test_five_points_give_back_the_region_they_were_laid_out_in(degrees: int) -> None:
    region = Region(300, 220, 150, np.radians(degrees))
    again = Region.around_five_points(region.to_image(FIVE_POINTS + 0.5))
    np.testing.assert_allclose([again.x, again.y, again.size], [300, 220, 150], atol=1e-6)
    assert np.angle(np.exp(1j * (again.turn - region.turn))) == pytest.approx(0, abs=1e-9)


def test_the_region_around_a_mesh_turns_with_its_eyes() -> None:
    mesh = np.zeros((478, 3), np.float32)
    mesh[33, :2], mesh[263, :2] = [10, 10], [10, 50]  # the left eye below the right
    mesh[0, :2] = [70, 20]
    region = Region.around_mesh(mesh)
    assert region.turn == pytest.approx(np.pi / 2)
    assert (region.x, region.y) == (35, 25)
    assert region.size == pytest.approx(1.5 * 70)
