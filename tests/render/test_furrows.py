"""Furrows on a photograph of a smile."""

import cv2
import numpy as np
import pytest

from rhapsode.face import texture
from rhapsode.face.tracker import Face, FaceTracker
from rhapsode.face.units import AT_REST, UNITS
from rhapsode.render.furrows import Furrows, furrow_maps
from rhapsode.render.portrait import MeasuredPortrait
from rhapsode.render.renderer import Renderer

ZERO = np.zeros(3)


@pytest.fixture(scope="module")
def portrait(astronaut: np.ndarray) -> MeasuredPortrait:
    with FaceTracker() as tracker:
        return MeasuredPortrait.from_image(astronaut, tracker)


def expressed(**amounts: float) -> np.ndarray:
    return np.array([amounts.get(unit.removesuffix("Left").removesuffix("Right"), 0.0) for unit in UNITS], np.float32)


def shaded(image: np.ndarray, face: Face, units: np.ndarray) -> np.ndarray:
    """The picture, furrowed."""
    furrows, frame = Furrows(image, face), image.copy()
    factors = furrows.factors(units)
    assert factors is not None
    columns, rows = (np.arange(side, dtype=np.float32) for side in image.shape[1::-1])
    furrows.shade(frame, np.dstack(np.meshgrid(columns, rows)), factors)
    return frame


def change(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """Logarithm of the ratio of brightness."""
    ratio: np.ndarray = np.log(after.mean(-1) + 1) - np.log(before.mean(-1) + 1)
    return ratio


def test_where_nothing_is_expressed_nothing_is_done(portrait: MeasuredPortrait) -> None:
    assert portrait.furrows.factors(AT_REST) is None
    assert portrait.furrows.factors(-expressed(mouthSmile=1.0)) is None
    assert portrait.furrows.factors(expressed(jawOpen=1.0)) is None
    frame = Renderer(portrait).render(np.zeros((68, 3)), np.zeros((2, 2)), ZERO, ZERO, AT_REST)
    assert np.array_equal(frame, portrait.image)


def test_a_smile_shades_the_skin_as_its_map_says(portrait: MeasuredPortrait) -> None:
    units = expressed(mouthSmile=1.0)
    frame = shaded(portrait.image, portrait.face, units)
    skins = [texture.unwrapped(one, portrait.face.mesh[:, :2])[0] for one in (portrait.image, frame)]
    map_ = np.tensordot(units, furrow_maps(), 1)
    there = np.abs(map_) > 0.02
    assert np.corrcoef(change(*skins)[there], map_[there])[0, 1] > 0.8
    left, right = (change(*skins)[:, half].min() for half in (slice(51, None), slice(51)))
    assert left < -0.05
    assert right < -0.05


def test_one_side_alone_shades_one_side(portrait: MeasuredPortrait) -> None:
    units = AT_REST.copy()
    units[UNITS.index("browDownLeft")] = 1.0
    changed = np.flatnonzero((shaded(portrait.image, portrait.face, units) != portrait.image).any((0, 2)))
    assert changed.size
    assert changed.min() > portrait.face.mesh[168, 0] - 0.25 * portrait.unit


def test_hair_before_the_face_is_not_furrowed(portrait: MeasuredPortrait) -> None:
    units = expressed(mouthSmile=1.0)
    x, y = np.rint(portrait.face.mesh[205, :2]).astype(int)  # beside the nose
    strand = portrait.image.copy()
    cv2.line(strand, (int(x) - 30, int(y)), (int(x) + 12, int(y)), (25, 20, 15), 12)
    frame = shaded(strand, portrait.face, units)
    there = (slice(y - 2, y + 3), slice(x - 8, x + 9))
    assert np.abs(frame[there].astype(int) - strand[there]).max() <= 2
    bare = shaded(portrait.image, portrait.face, units)
    assert np.abs(bare[there].astype(int) - portrait.image[there]).max() > 5


def test_a_grey_picture_stays_grey(portrait: MeasuredPortrait) -> None:
    grey = np.repeat(portrait.image.mean(-1, keepdims=True).astype(np.uint8), 3, axis=-1)
    frame = shaded(grey, portrait.face, expressed(browDown=1.0, mouthSmile=1.0))
    assert not np.array_equal(frame, grey)
    assert np.ptp(frame, axis=-1).max() <= 1


def test_a_drawing_by_lines_shows_less(portrait: MeasuredPortrait) -> None:
    units, grey = expressed(mouthSmile=1.0), cv2.cvtColor(portrait.image, cv2.COLOR_RGB2GRAY)
    lines = cv2.divide(grey, cv2.GaussianBlur(grey, (0, 0), 6), scale=256)
    drawn = Furrows(np.repeat(lines[..., None], 3, axis=-1), portrait.face).factors(units)
    painted = portrait.furrows.factors(units)
    assert drawn is not None
    assert painted is not None
    assert 1 - drawn.min() < 0.7 * (1 - painted.min())


def test_furrows_go_with_the_head(portrait: MeasuredPortrait) -> None:
    renderer, units, shift = Renderer(portrait), expressed(browInnerUp=1.0, mouthSmile=1.0), 12
    still, moved = (
        renderer.render(np.zeros((68, 3)), np.zeros((2, 2)), ZERO, np.array([by / portrait.unit, 0, 0]), units).astype(
            int
        )
        - renderer.render(np.zeros((68, 3)), np.zeros((2, 2)), ZERO, np.array([by / portrait.unit, 0, 0]))
        for by in (0, shift)
    )
    rolled = np.roll(still, shift, axis=1)
    assert np.abs(still).max() > 8
    assert np.abs(moved - rolled).mean() < 0.3 * np.abs(moved - still).mean()


def test_what_lasts_is_summed_once(portrait: MeasuredPortrait) -> None:
    one, other = expressed(browDown=0.5), expressed(browDown=0.6)
    first = portrait.furrows.factors(one)
    assert portrait.furrows.factors(one.copy()) is first
    assert portrait.furrows.factors(other) is not first
