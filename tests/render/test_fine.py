"""Sharpness of what moves, on the photograph that scikit-image ships and on lines."""

import cv2
import numpy as np
import pytest
from skimage import data

from rhapsode.render.fine import FinePicture, sharpening_for

FACE = np.array([[180.0, 60.0], [270.0, 180.0]])


def moved(image: np.ndarray, by: tuple[float, float], sharpening: float) -> np.ndarray:
    """Look a picture up at places that lie some pixels further."""
    picture, frame = FinePicture(image, sharpening), np.empty_like(image)
    height, width = image.shape[:2]
    places = np.stack(np.meshgrid(np.arange(width) + by[0], np.arange(height) + by[1]), axis=-1)
    picture.look_up(picture.scale * places.astype(np.float32), frame)
    return frame


def sharpness(image: np.ndarray) -> float:
    light = cv2.cvtColor(image[60:180, 180:270], cv2.COLOR_RGB2GRAY).astype(np.float32)
    return float(cv2.Laplacian(light, cv2.CV_32F).var())


@pytest.mark.parametrize("by", [(0.0, 0.0), (3.0, -2.0)])
def test_whole_pixels_move_unchanged(by: tuple[float, float]) -> None:
    image = data.astronaut()[50:200, 150:300]
    rolled = np.roll(image, (-int(by[1]), -int(by[0])), (0, 1))
    assert np.array_equal(moved(image, by, 0.3)[5:-5, 5:-5], rolled[5:-5, 5:-5])


def test_a_face_that_moves_by_parts_of_a_pixel_stays_as_sharp_as_it_was() -> None:
    image = data.astronaut()
    sharpening = sharpening_for(image, FACE)
    moves = [(0.2, 0.7), (0.5, 0.5), (0.9, 0.3), (1.4, -0.25)]
    kept = np.mean([sharpness(moved(image, by, sharpening)) for by in moves]) / sharpness(image)
    assert 0.88 < kept < 1.08


def test_a_line_gets_no_second_line_beside_it() -> None:
    paper = np.full((40, 40, 3), 255, np.uint8)
    paper[:, 18:20] = 0
    frame = moved(paper, (0.4, 0.0), 0.32)
    assert (frame[:, :16] == 255).all()
    assert (frame[:, 21:] == 255).all()
    assert frame.min() < 40


def test_a_flat_face_needs_nothing_special() -> None:
    flat = np.full((200, 300, 3), 90, np.uint8)
    assert 0 < sharpening_for(flat, FACE) < 0.3
    assert (moved(flat, (0.3, 0.6), 0.3) == 90).all()


def test_a_face_at_the_very_border_is_measured() -> None:
    image = data.astronaut()[60:180, 180:270]
    assert 0 <= sharpening_for(image, FACE - FACE[0] - 20) <= 0.32


def test_a_picture_of_many_pixels_is_looked_up_as_it_is() -> None:
    large = np.zeros((2100, 2100, 3), np.uint8)
    large[1000, 1000] = 200
    assert moved(large, (0.0, 1.0), 0.3)[999, 1000, 0] == 200
