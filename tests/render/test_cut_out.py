"""A person cut out of a picture, on made-up people whose matte is known."""

import cv2
import numpy as np
import pytest

from rhapsode.render.cut_out import CutOut, cut_out, lay, tells_person
from rhapsode.render.matting import closed_form
from rhapsode.render.plate import membrane

UNIT = 30.0


def head(size: int = 128) -> tuple[np.ndarray, np.ndarray]:
    """The matte of a round head with single hairs, and a mask that knows nothing of the hairs, (size, size) each."""
    matte = np.zeros((4 * size, 4 * size), np.uint8)
    cv2.circle(matte, (2 * size, 2 * size), size, 255, -1)
    for angle in np.linspace(0, 6, 12):
        tip = np.array([np.cos(angle), np.sin(angle)]) * 1.15 * size + 2 * size
        cv2.line(matte, (2 * size, 2 * size), tuple(tip.astype(int)), 255, 4)
    mask = np.zeros((size, size), np.float32)
    cv2.circle(mask, (size // 2, size // 2), size // 4, 1, -1)
    return cv2.resize(matte, (size, size), interpolation=cv2.INTER_AREA) / 255, cv2.GaussianBlur(mask, (0, 0), 1)


def over(matte: np.ndarray, behind: np.ndarray) -> np.ndarray:
    """A brown head before a background."""
    share = matte[..., None]
    return np.rint(share * np.array([90.0, 60.0, 40.0]) + (1 - share) * behind).astype(np.uint8)


def stripes(size: int = 128) -> np.ndarray:
    light = (np.arange(size) // 8 % 2 * 120 + 90)[None, :, None]
    return np.broadcast_to(light, (size, size, 3)).astype(float)


def laid(cut: CutOut) -> np.ndarray:
    frame = np.empty_like(cut.behind)
    lay(cut.person, cut.behind, frame)
    return frame


@pytest.mark.parametrize("behind", [np.full((128, 128, 3), [200.0, 210.0, 220.0]), stripes()])
def test_the_person_over_what_is_behind_is_the_picture(behind: np.ndarray) -> None:
    matte, mask = head()
    picture = over(matte, behind)
    assert np.array_equal(laid(cut_out(picture, mask, UNIT)), picture)


def test_hairs_of_which_the_mask_knows_nothing_are_found() -> None:
    matte, mask = head()
    cut = cut_out(over(matte, np.full((128, 128, 3), 210.0)), mask, UNIT)
    assert np.abs(cut.person[..., 3] / 255 - matte).mean() < 0.01
    hair = (matte > 0.3) & (mask < 0.05)
    assert hair.sum() > 50
    assert np.abs(cut.person[..., 3] / 255 - matte)[hair].mean() < 0.15


def test_nothing_of_the_person_stays_behind() -> None:
    matte, mask = head()
    behind = np.full((128, 128, 3), 210.0)
    cut = cut_out(over(matte, behind), mask, UNIT)
    assert np.percentile(np.abs(cut.behind - behind), 99) <= 3
    assert np.abs(cut.behind - behind).max() < 30


def test_a_background_with_stripes_keeps_them_up_to_the_person() -> None:
    matte, mask = head()
    cut = cut_out(over(matte, stripes()), mask, UNIT)
    outside = cv2.dilate(matte.astype(np.float32), np.ones((5, 5))) < 0.01
    assert np.abs(cut.behind - stripes())[outside].mean() < 1
    assert (cut.person[..., 3] / 255)[outside].mean() < 0.01


def test_a_freed_person_has_no_more_light_than_its_share() -> None:
    matte, mask = head()
    free = cut_out(over(matte, stripes()), mask, UNIT).free
    assert (free[..., :3] <= free[..., 3:]).all()


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_picture_that_is_all_person_or_has_none_can_be_cut(share: float) -> None:
    picture = over(head()[0], stripes())
    cut = cut_out(picture, np.full((128, 128), share, np.float32), UNIT)
    assert (cut.person[..., 3] == 255 * share).all()
    assert np.array_equal(laid(cut), picture)


def test_a_mask_that_misses_the_face_tells_no_person() -> None:
    face = np.array([[50, 50], [78, 50], [64, 80]])
    assert tells_person(head()[1], face)
    assert not tells_person(np.zeros((128, 128), np.float32), face)


def test_a_matte_that_is_known_stays_as_it_is() -> None:
    known = np.zeros((8, 8), np.float32)
    known[3] = np.nan
    image = np.random.default_rng(0).random((8, 8, 3)).astype(np.float32)
    found = closed_form(image, known, np.zeros_like(known), np.full_like(known, 0.1))
    assert (found[[0, 1, 2, 4, 5, 6, 7]] == 0).all()
    assert found.max() < 1e-3


def test_a_membrane_goes_on_with_a_slope() -> None:
    slope = np.broadcast_to(np.linspace(0, 1, 64, dtype=np.float32)[None, :, None], (64, 64, 3))
    seen = np.ones((64, 64), np.float32)
    seen[20:44, 20:44] = 0
    assert np.abs(membrane(slope * seen[..., None], seen) - slope).max() < 0.06


def test_noise_of_a_dark_wall_is_not_taken_for_the_person_before_other_walls() -> None:
    matte, mask = head()
    noise = np.random.default_rng(0).integers(0, 5, (128, 128, 3))
    cut = cut_out(over(matte, noise), mask, UNIT)
    outside = cv2.dilate(matte.astype(np.float32), np.ones((7, 7))) < 0.01
    assert cut.free[..., 3][outside].mean() < 3
    assert np.array_equal(laid(cut), over(matte, noise))


def test_what_is_kept_of_a_cut_out_gives_it_back() -> None:
    matte, mask = head()
    picture = over(matte, stripes())
    cut = cut_out(picture, mask, UNIT)
    again = CutOut.unpacked(picture, cut.packed())
    assert np.array_equal(again.person, cut.person)
    assert np.array_equal(again.behind, cut.behind)
    assert np.array_equal(again.matte, cut.matte)
