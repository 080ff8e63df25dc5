import numpy as np
import pytest
import skimage.data
from PIL import Image
from scipy.ndimage import gaussian_filter

from rhapsode.metrics.picture import cpbd, psnr, ssim

# The package `cpbd` 1.0.7, under scikit-image 0.26.0 with the two names defined that newer libraries have dropped:
#
#     import cpbd, numpy as np, skimage.data
#     from PIL import Image
#     from scipy.ndimage import gaussian_filter
#     grey = np.asarray(Image.fromarray(skimage.data.astronaut()).convert("L"))
#     cpbd.compute(np.rint(gaussian_filter(grey.astype(float), sigma)).astype(np.uint8))
REFERENCE = [
    ("astronaut", 0, 0.38368206916594016),
    ("astronaut", 1, 0.12656507813258275),
    ("astronaut", 2, 0.004616938392728322),
    ("camera", 0, 0.7481657466284677),
    ("camera", 1, 0.34811843812669574),
    ("camera", 2, 0.016053141433711594),
    ("coffee", 0, 0.6112140298876128),
    ("coffee", 1, 0.2084021280498991),
    ("coffee", 2, 0.01421608448415922),
]


def _picture(name: str, blur: float = 0) -> np.ndarray:
    grey = np.asarray(Image.fromarray(getattr(skimage.data, name)()).convert("L"))
    return np.rint(gaussian_filter(grey.astype(float), blur)).astype(np.uint8)


@pytest.mark.parametrize(("name", "blur", "value"), REFERENCE)
def test_sharpness_is_that_of_the_reference(name: str, blur: float, value: float) -> None:
    assert cpbd(_picture(name, blur)) == pytest.approx(value, abs=1e-9)


def test_colour_is_judged_by_its_grey(astronaut: np.ndarray) -> None:
    assert cpbd(astronaut) == cpbd(_picture("astronaut"))


def test_a_picture_without_edges_is_not_sharp() -> None:
    assert cpbd(np.full((128, 128), 90, np.uint8)) == 0


def test_a_picture_is_like_itself_and_less_like_itself_blurred() -> None:
    sharp, soft, softer = (_picture("camera", blur) for blur in (0, 1, 3))
    assert ssim(sharp, sharp) == pytest.approx(1)
    assert psnr(sharp, sharp) == float("inf")
    assert 1 > ssim(soft, sharp) > ssim(softer, sharp) > 0
    assert psnr(soft, sharp) > psnr(softer, sharp) > 10


def test_psnr_follows_its_definition() -> None:
    grey = np.full((32, 32), 100, np.uint8)
    assert psnr(grey + np.uint8(5), grey) == pytest.approx(20 * np.log10(255 / 5))


def test_ssim_of_two_plain_greys_follows_its_definition() -> None:
    a, b, c = 100.0, 110.0, (0.01 * 255) ** 2
    one, other = (np.full((32, 32, 3), value, np.uint8) for value in (100, 110))
    assert ssim(one, other) == pytest.approx((2 * a * b + c) / (a * a + b * b + c), abs=1e-4)


def test_ssim_of_a_part_is_that_of_the_part_alone() -> None:
    rng = np.random.default_rng(0)
    one = rng.integers(0, 256, (48, 48, 3), dtype=np.uint8)
    other = one.copy()
    other[:, 32:] = rng.integers(0, 256, (48, 16, 3), dtype=np.uint8)
    same, different = (slice(0, 48), slice(0, 20)), (slice(0, 48), slice(40, 48))
    assert ssim(one, other, same) == pytest.approx(1) and ssim(one, other, different) < 0.2
    assert ssim(one, other, different) < ssim(one, other) < 1
