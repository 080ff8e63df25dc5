"""A video of another shape shows heads whole, in natural places, with as much of the picture as there is."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from skimage import data

from rhapsode.animator import Animator
from rhapsode.face.face import Face
from rhapsode.face.tracker import FaceTracker
from rhapsode.options import AnimationOptions
from rhapsode.portrait import Portrait
from rhapsode.render.framing import Part, cut_to, part_shown

STILL = np.zeros((68, 3)), np.zeros((2, 2)), np.zeros(3), np.zeros(3)
MOVED = np.zeros((68, 3)), np.zeros((2, 2)), np.deg2rad([-6.0, 6.0, 6.0]), np.array([0.1, -0.08, 0])
WIDE, TALL = 16 / 9, 9 / 16


@pytest.fixture(scope="module")
def tracker() -> Iterator[FaceTracker]:
    with FaceTracker() as one:
        yield one


@pytest.fixture(scope="module")
def whole(animator: Animator) -> Portrait:
    return animator.load_portrait(data.astronaut())


def part_of(tracker: FaceTracker, image: np.ndarray, ratio: float, count: int = 1) -> tuple[Part, list[Face]]:
    faces = tracker.detect(image)[:count]
    return part_shown(faces, tracker.person_mask(image), ratio), faces


@pytest.mark.parametrize("ratio", [TALL, 4 / 5, 1.0, 4 / 3, WIDE])
def test_the_largest_part_of_the_picture_is_shown_that_has_the_shape(tracker: FaceTracker, ratio: float) -> None:
    part, _ = part_of(tracker, data.astronaut(), ratio)
    assert part.width / part.height == pytest.approx(ratio)
    assert max(part.width, part.height) == pytest.approx(512)
    assert part.left >= 0 and part.top >= 0 and part.left + part.width <= 512 and part.top + part.height <= 512


@pytest.mark.parametrize("shift", [0, 60, 120])
def test_a_head_stands_in_the_middle_as_far_as_the_picture_reaches(tracker: FaceTracker, shift: int) -> None:
    part, (face,) = part_of(tracker, np.ascontiguousarray(data.astronaut()[:, shift:]), TALL)
    left, _, right, _ = face.box
    middle = ((left + right) / 2 - part.left) / part.width
    assert middle == pytest.approx(0.5, abs=0.05) if shift < 120 else part.left == 0
    assert part.left <= left and right <= part.left + part.width


def test_eyes_are_near_the_upper_third_where_much_is_cut_off_above_and_below(tracker: FaceTracker) -> None:
    tall = np.pad(data.astronaut()[:, 96:352], ((600, 0), (0, 0), (0, 0)), mode="edge")
    part, (face,) = part_of(tracker, tall, 1.0)
    assert 0.3 < (face.landmarks[36:48, 1].mean() - part.top) / part.height < 0.4


@pytest.mark.parametrize("ratio", [TALL, WIDE])
def test_a_close_up_that_does_not_hold_the_head_in_that_shape_goes_on_beyond_its_edges(
    tracker: FaceTracker, ratio: float
) -> None:
    close = np.ascontiguousarray(data.astronaut()[40:210, 150:290])
    part, (face,) = part_of(tracker, close, ratio)
    left, top, right, bottom = face.box
    assert part.left <= left and part.top <= top
    assert right <= part.left + part.width and bottom <= part.top + part.height
    size = 2 * round(part.width / 2), 2 * round(part.height / 2)
    image, shown = cut_to(close, part, size, 60)
    assert (shown.width, shown.height) == size
    assert shown.bottom <= image.shape[0] and shown.right <= image.shape[1]
    assert image[shown.slices].min(-1).any(0).all(), "no black bars"


def test_a_picture_goes_on_without_a_seam_and_smoothly() -> None:
    rng = np.random.default_rng(0)
    stripes = np.repeat(rng.integers(0, 256, (60, 1, 3), np.uint8), 80, 1)
    image, shown = cut_to(stripes, Part(-100, 0, 280, 60), (280, 60), 1)
    assert np.array_equal(image[:, 100:180], stripes)
    assert np.abs(image[:, 99].astype(int) - stripes[:, 0]).mean() < 12
    assert image[:, 0].astype(float).std(0).mean() < stripes[:, 0].astype(float).std(0).mean() / 4
    assert (shown.left, shown.width) == (0, 280)


def test_two_faces_are_both_shown(tracker: FaceTracker) -> None:
    one = data.astronaut()[:400, 60:400]
    part, faces = part_of(tracker, np.hstack([one, one]), 1.0, 2)
    assert len(faces) == 2
    for left, top, right, bottom in (face.box for face in faces):
        assert part.left < left and right < part.left + part.width
        assert part.top < top and bottom < part.top + part.height


def test_frames_show_the_part_and_pixels_from_beyond_it_come_in(whole: Portrait) -> None:
    tall = whole.framed(TALL)
    assert (tall.width, tall.height) == (288, 512) and tall is whole.framed(TALL)
    picture = data.astronaut()
    left = next(at for at in range(0, 225) if np.array_equal(tall.renderer().render(*STILL), picture[:, at : at + 288]))
    frame, of_the_whole = tall.renderer().render(*MOVED), whole.renderer().render(*MOVED)[:, left : left + 288]
    assert frame.flags.c_contiguous
    assert np.abs(frame[:200].astype(int) - of_the_whole[:200]).mean() < 1


def test_a_transparent_frame_and_another_background_have_the_shape_too(whole: Portrait, tmp_path: Path) -> None:
    tall = whole.framed(TALL)
    assert tall.renderer(background="transparent").render(*MOVED).shape == (512, 288, 4)
    wall = np.zeros((512, 288, 3), np.uint8)
    wall[:, :144] = (0, 200, 0)
    Image.fromarray(wall).save(tmp_path / "wall.png")
    frame = tall.renderer(background=str(tmp_path / "wall.png")).render(*MOVED)
    assert (frame[:60, :60] == (0, 200, 0)).all() and (frame[:60, -60:] == 0).all()


def test_a_picture_is_read_again_where_its_file_has_more_pixels(animator: Animator, tmp_path: Path) -> None:
    path = tmp_path / "large.png"
    upper = Image.fromarray(np.ascontiguousarray(data.astronaut()[:288])).resize((1600, 900), Image.Resampling.LANCZOS)
    upper.save(path)
    shown = animator.load_portrait(path, 512).framed(TALL)
    assert (shown.width, shown.height) == (288, 512)
    frame = shown.renderer().render(*STILL).astype(int)
    fine = np.asarray(upper.resize((910, 512), Image.Resampling.LANCZOS)).astype(int)
    assert min(np.abs(fine[:, at : at + 288] - frame).mean() for at in range(910 - 288)) < 1
    assert animator.load_portrait(path).framed(TALL).height == 900, "never enlarged by itself"


def test_sessions_and_videos_have_the_shape(animator: Animator, whole: Portrait) -> None:
    options = AnimationOptions(aspect="16:9", fps=10)
    with animator.start_session(whole, options) as session:
        frames = [*session.feed(np.zeros(8000, np.float32)), *session.finish()]
    assert {frame.image.shape for frame in frames} == {(288, 512, 3)}
