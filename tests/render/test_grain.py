"""The surface of what is painted between lips that the portrait shows closed."""

import cv2
import matplotlib.cbook
import numpy as np
import pytest
from PIL import Image

from rhapsode.animator import Animator
from rhapsode.face.geometry import to_image
from rhapsode.paint.layers import mouth_layers
from rhapsode.paint.painter import MouthPainter
from rhapsode.render.grain import Grain
from rhapsode.render.layers import MouthPatch
from rhapsode.render.mouth_window import WindowSize
from rhapsode.render.portrait import MeasuredPortrait
from rhapsode.render.renderer import Renderer
from rhapsode.style.references import key_motions

STILL = np.zeros((2, 2)), np.zeros(3), np.zeros(3)
OPENED = np.zeros((68, 3))
OPENED[[55, 56, 57, 58, 59, 65, 66, 67], 1] = 0.18


@pytest.fixture(scope="module")
def smooth() -> np.ndarray:
    """A closed mouth in a picture of twice its size, and without any grain."""
    path = matplotlib.cbook.get_sample_data("grace_hopper.jpg", asfileobj=False)
    picture = np.asarray(Image.open(str(path)).convert("RGB"))
    return cv2.GaussianBlur(cv2.resize(picture, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC), (0, 0), 3)


def with_noise(picture: np.ndarray, strength: float) -> np.ndarray:
    noise = np.random.default_rng(0).normal(0, strength, picture.shape[:2])
    return np.clip(picture * (1 + noise[..., None]), 0, 255).astype(np.uint8)


def grey_patch(portrait: MeasuredPortrait) -> MouthPatch:
    """A grey part of a frame, all of it between the lips."""
    points = np.stack(np.meshgrid(np.arange(40), np.arange(40)), -1).astype(np.float32)
    face = portrait.rig.pose(OPENED)
    return MouthPatch(np.full((40, 40, 3), 120, np.uint8), points, np.full((40, 40, 2), 255, np.uint8), face.lips, face)


def test_a_grainy_picture_is_grainy_between_the_lips_too(animator: Animator, smooth: np.ndarray) -> None:
    portrait = animator.load_portrait(smooth).measured
    noisy = MeasuredPortrait(with_noise(smooth, 0.05), portrait.face, portrait.pose, portrait.rest, portrait.person)
    painters = [MouthPainter(one, animator.picture, key_motions()) for one in (portrait, noisy)]
    plain, rough = (
        Renderer(one, mouth_layers(one, painter, teeth=False)).render(OPENED, *STILL).astype(np.float32).mean(-1)
        for one, painter in zip((portrait, noisy), painters, strict=True)
    )
    posed = to_image((portrait.rest + OPENED)[None], portrait.pose)[0, :, :2]
    half = round(0.05 * portrait.unit)
    found = []
    for x, y in (posed[[62, 66]].mean(0), posed[[48, 4]].mean(0)):
        part = np.s_[round(y) - half : round(y) + half, round(x) - half : round(x) + half]
        share = (rough - plain)[part] / plain[part]
        found.append((share - cv2.GaussianBlur(share, (0, 0), portrait.unit / WindowSize().per_unit)).std())
    assert 0.5 < found[0] / found[1] < 1.1


def test_a_smooth_one_stays_smooth(animator: Animator, smooth: np.ndarray) -> None:
    portrait = animator.load_portrait(smooth).measured
    patch = grey_patch(portrait)
    Grain(portrait).draw(patch)
    assert np.abs(patch.frame.astype(int) - 120).mean() < 1


def test_a_beard_is_no_grain(animator: Animator, smooth: np.ndarray) -> None:
    portrait = animator.load_portrait(smooth).measured
    bearded = smooth.copy()
    chin = round(portrait.face.landmarks[57, 1])
    bearded[chin:] = with_noise(smooth, 0.3)[chin:]
    shaved, unshaved = (
        Grain(MeasuredPortrait(picture, portrait.face, portrait.pose, portrait.rest, portrait.person))
        for picture in (smooth, bearded)
    )
    for grain in (shaved, unshaved):
        patch = grey_patch(portrait)
        grain.draw(patch)
        assert np.abs(patch.frame.astype(int) - 120).mean() < 1
