"""Whose face, where none is sure, and what cannot be seen: the right face is animated, or a line says why not."""

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import skimage.data
from PIL import Image
from tests.bench import Bench

from rhapsode.animator import Animator
from rhapsode.errors import OptionsError, PortraitError
from rhapsode.face.placing import place
from rhapsode.face.points import FivePoints
from rhapsode.face.tracker import Face, FaceTracker
from rhapsode.render.checks import check_view
from rhapsode.render.portrait import MeasuredPortrait

#: The cat of scikit-image: eyes, nose, and where its mouth ends.
CAT: dict[str, Any] = {"eyes": [[172, 116], [313, 135]], "nose": [263, 232], "mouth": [[215, 277], [285, 272]]}


def case(what: str, made: str, happens: str) -> pytest.MarkDecorator:
    return pytest.mark.case("Pictures", what, made=made, happens=happens)


@pytest.fixture(scope="module")
def tracker() -> Iterator[FaceTracker]:
    with FaceTracker() as tracker:
        yield tracker


@pytest.fixture(scope="module")
def head(astronaut: np.ndarray) -> np.ndarray:
    """(340, 340, 3) uint8."""
    return np.ascontiguousarray(astronaut[:340, 60:400])


@pytest.fixture(scope="module")
def face(tracker: FaceTracker, head: np.ndarray) -> Face:
    (face,) = tracker.detect(head)
    return face


def clicked(face: Face) -> dict[str, Any]:
    """The five points of a face, as somebody clicks them: in any order of left and right."""
    points = face.landmarks[:, :2].round().tolist()
    eyes = [np.mean(points[42:48], 0).tolist(), np.mean(points[36:42], 0).tolist()]
    return {"eyes": eyes, "nose": points[30], "mouth": [points[48], points[54]]}


# Several faces.


def crowd(head: np.ndarray) -> np.ndarray:
    """Three heads side by side; the largest in the middle, the smallest on the left."""
    picture = np.full((340, 800, 3), 120, np.uint8)
    for left, side in ((0, 200), (210, 340), (560, 240)):
        picture[:side, left : left + side] = cv2.resize(head, (side, side), interpolation=cv2.INTER_AREA)
    return picture


@case(
    "Several faces",
    "three heads side by side",
    "the largest speaks; a line counts them, says which that is and how to take another",
)
def test_of_several_faces_a_line_says_which_speaks_and_the_portrait_knows(
    animator: Animator, head: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        portrait = animator.load_portrait(crowd(head))
    (record,) = (record for record in caplog.records if record.__dict__.get("code") == "several-faces")
    said = record.getMessage()
    assert "3 faces; the one that speaks is the largest, second from the left of 3" in said
    assert said.endswith("2 (third from the left), 3 (first)") and "--" not in said
    assert portrait.choice.speaker == "the largest, second from the left of 3"
    assert len(portrait.choice.faces) == 3


@case("Another of several faces", "--face 3", "that one speaks, without a line")
def test_another_face_is_taken_by_its_number(
    animator: Animator, head: np.ndarray, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        portrait = animator.load_portrait(crowd(head), face=3)
    assert portrait.choice.speaker == "third by size, first from the left of 3"
    assert portrait.measured.face.mesh[:, 0].max() < 200
    assert "several" not in caplog.text and "3 faces" not in caplog.text
    with pytest.raises(PortraitError, match=r"no face 4; choose one from 1 to 3"):
        animator.load_portrait(crowd(head), face=4)


# Small ones.


@case("A face too small in its file", "eyes 12 px apart in 640 x 480", "refused: found, but too small")
def test_a_face_too_small_is_told_from_none(animator: Animator, head: np.ndarray, face: Face) -> None:
    picture = np.full((480, 640, 3), 120, np.uint8)
    side = round(340 * 12 / face.eye_distance)
    picture[200 : 200 + side, 300 : 300 + side] = cv2.resize(head, (side, side), interpolation=cv2.INTER_AREA)
    with pytest.raises(PortraitError, match=r"found, but too small: 1[123] px.*; use a larger picture"):
        animator.load_portrait(picture)


@case("A face too small as it would be animated", "eyes 60 px apart in 7000 x 3000", "refused: with the crop to make")
def test_a_crop_is_told_where_the_file_is_large_enough(
    animator: Animator, head: np.ndarray, face: Face, tmp_path: Path
) -> None:
    picture = Image.new("RGB", (7000, 3000), (120, 120, 120))
    picture.paste(Image.fromarray(head), (5000, 800))
    picture.save(tmp_path / "far.png", compress_level=1)
    with pytest.raises(PortraitError, match=r"found, but too small.*crop it to (\d+) x \1 pixels") as caught:
        animator.load_portrait(tmp_path / "far.png")
    side, _, left, top = (int(word) for word in caught.value.remedy.split() if word.isdigit())
    wanted = np.add(face.mesh[:, :2].mean(0), (5000, 800))
    assert np.abs(np.array([left, top]) + side / 2 - wanted).max() < 20


# Drawn ones.


def pencil(image: np.ndarray) -> np.ndarray:
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    light = cv2.GaussianBlur(grey, (0, 0), 6)
    return cv2.cvtColor(cv2.divide(grey, light, scale=255), cv2.COLOR_GRAY2RGB)


def ink(image: np.ndarray) -> np.ndarray:
    grey = cv2.bilateralFilter(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), 9, 60, 9)
    lines = 255 - cv2.dilate(cv2.Canny(grey, 40, 100), np.ones((2, 2), np.uint8))
    return cv2.cvtColor(lines, cv2.COLOR_GRAY2RGB)


def stencil(image: np.ndarray) -> np.ndarray:
    grey = cv2.GaussianBlur(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (0, 0), 2)
    return cv2.cvtColor(cv2.threshold(grey, 0, 255, cv2.THRESH_OTSU)[1], cv2.COLOR_GRAY2RGB)


def one_bit(image: np.ndarray) -> np.ndarray:
    return np.array(Image.fromarray(image).convert("1").convert("RGB"))


@pytest.mark.parametrize(
    "draw",
    [
        pytest.param(pencil, marks=case("A pencil sketch", "a photo divided by itself blurred", "works")),
        pytest.param(ink, marks=case("A drawing of lines", "edges of a photo", "works")),
        pytest.param(one_bit, marks=case("Black and white dots", "face.convert('1')", "works")),
    ],
)
def test_a_drawing_is_found_by_itself(
    tracker: FaceTracker, head: np.ndarray, face: Face, draw: Callable[[np.ndarray], np.ndarray]
) -> None:
    (found,) = tracker.detect(draw(head))
    assert found.gap(face) < 0.06


@case("A stencil", "a photo of two tones, --landmarks points.json", "works with landmarks; without them refused")
def test_a_stencil_needs_landmarks(tracker: FaceTracker, head: np.ndarray, face: Face) -> None:
    drawn = stencil(head)
    assert tracker.detect(drawn) == []
    found = place(drawn, FivePoints.read(clicked(face)), tracker)
    assert found.gap(face) < 0.1


@case("An animal", "a cat, without landmarks", "refused: no face found, and how to place one")
@case("An animal with landmarks", "--landmarks points.json", "works: a mean face is laid on them, and does not blink")
def test_a_cat_speaks_where_five_points_say(animator: Animator, caplog: pytest.LogCaptureFixture) -> None:
    cat = np.asarray(skimage.data.chelsea())
    with pytest.raises(PortraitError, match=r"no face found; .*landmarks"):
        animator.load_portrait(cat)
    with caplog.at_level(logging.WARNING):
        portrait = animator.load_portrait(cat, landmarks=CAT)
    assert "a mean face is laid on them" in caplog.text
    landmarks = portrait.measured.face.landmarks[:, :2]
    assert np.abs(landmarks[[30, 48, 54]] - [CAT["nose"], *CAT["mouth"]]).max() < 0.5
    assert not portrait.measured.face.measured


@case(
    "Landmarks on a picture that EXIF turns and the size scales",
    "face.save('face.jpg', exif=exif(6)), --size 512",
    "in pixels of the picture as viewers show it",
)
def test_landmarks_are_in_pixels_as_viewers_show_them(
    animator: Animator, head: np.ndarray, face: Face, tmp_path: Path
) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(head).transpose(Image.Transpose.ROTATE_90).save(tmp_path / "face.png", exif=exif)
    (tmp_path / "points.json").write_text(json.dumps(clicked(face)))
    portrait = animator.load_portrait(tmp_path / "face.png", size=512, landmarks=tmp_path / "points.json")
    assert portrait.measured.face.gap(Face(face.mesh * np.float32(512 / 340))) < 0.05


@pytest.mark.parametrize(
    ("landmarks", "word"),
    [
        pytest.param([1, 2], "not the eyes, nose and mouth", marks=case("Landmarks that are none", "[1, 2]", "refused, with an example")),
        pytest.param({**CAT, "nose": [1, None]}, "nose must be 2 numbers"),
        pytest.param({**CAT, "nose": [263, 12]}, "no face has", marks=case("Landmarks that no face has", "the nose above the eyes", "refused")),
        pytest.param({key: (np.array(value) * 3).tolist() for key, value in CAT.items()}, "451 x 300 pixels", marks=case("Landmarks outside of the picture", "points of a larger copy", "refused, with the picture's size")),
    ],
)  # fmt: skip
def test_landmarks_that_cannot_be(animator: Animator, landmarks: Any, word: str, tmp_path: Path) -> None:
    path = tmp_path / "points.json"
    path.write_text(json.dumps(landmarks))
    with pytest.raises(OptionsError, match=word) as caught:
        animator.load_portrait(np.asarray(skimage.data.chelsea()), landmarks=path)
    assert caught.value.code == "bad-landmarks"


@case("A file of landmarks that is not there, or no JSON", "--landmarks none.json", "refused")
def test_a_file_of_landmarks_that_cannot_be_read(bench: Bench) -> None:
    bench.refused(bench.animate(landmarks=bench.folder / "none.json"), "--landmarks=", "none.json", "cannot be read")
    bench.refused(bench.animate(landmarks=bench.portrait), "--landmarks=", "not JSON")
    (bench.folder / "points.json").write_text(json.dumps(CAT))
    bench.refused(bench.animate(landmarks=bench.folder / "points.json", face=1), "--face", "leave one out")


def test_the_order_of_a_pair_of_landmarks_does_not_matter() -> None:
    points = FivePoints.read(CAT)
    swapped = FivePoints.read({**CAT, "eyes": CAT["eyes"][::-1], "mouth": CAT["mouth"][::-1]})
    assert (points.points == swapped.points).all()
    turned = {key: (-np.array(value, float) + 500).tolist() for key, value in CAT.items()}
    assert (FivePoints.read(turned).points == 500 - points.points).all(), "upside down right is on the other side"


# What is not seen well.


def covered(head: np.ndarray, face: Face, colour: tuple[int, int, int]) -> np.ndarray:
    """Something round before the mouth."""
    picture, middle = head.copy(), face.landmarks[48:68, :2].mean(0)
    radius = round(0.45 * face.eye_distance)
    cv2.circle(picture, (round(float(middle[0])), round(float(middle[1]))), radius, colour, -1, cv2.LINE_AA)
    return cv2.GaussianBlur(picture, (0, 0), 0.8)


def with_eyes_shut(head: np.ndarray, tracker: FaceTracker, face: Face) -> np.ndarray:
    measured = MeasuredPortrait.from_image(head, tracker, face)
    height, width = head.shape[:2]
    points = np.dstack(np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32)))
    picture = head.copy()
    for eye in (0, 1):
        measured.eyelids.paint(picture, points, points, eye, np.array([0.85, 0.15]))
    return picture


def with_a_gape(head: np.ndarray, face: Face) -> np.ndarray:
    """What lies below the middle of the lips moved down, and dark between."""
    middle = face.mesh[13, :2]
    half = np.linalg.norm(face.mesh[61, :2] - face.mesh[291, :2]) / 2
    y, x = np.mgrid[: head.shape[0], : head.shape[1]].astype(np.float32)
    gap = 0.25 * face.eye_distance * np.sqrt(np.clip(1 - ((x - middle[0]) / half) ** 2, 0, 1))
    below = np.clip(y - middle[1] - gap, 0, None)
    moved = y - gap * np.exp(-below / (0.6 * face.eye_distance))
    source = np.where(y > middle[1] + gap, moved, np.minimum(y, np.where(gap > 0, middle[1], y))).astype(np.float32)
    picture = cv2.remap(head, x, source, cv2.INTER_LINEAR)
    picture[(y > middle[1]) & (y < middle[1] + gap)] = (60, 20, 22)
    return picture


def with_glasses(head: np.ndarray, face: Face, dark: bool) -> np.ndarray:
    picture, size = head.copy(), face.eye_distance
    for eye in (slice(36, 42), slice(42, 48)):
        middle = tuple(int(place) for place in face.landmarks[eye, :2].mean(0))
        axes = (round(0.27 * size), round(0.2 * size))
        cv2.ellipse(picture, middle, axes, 0, 0, 360, (25, 20, 20), -1 if dark else 3, cv2.LINE_AA)
    return picture


def with_a_hat(head: np.ndarray, face: Face) -> np.ndarray:
    picture, size = head.copy(), face.eye_distance
    x, y = (int(place) for place in face.mesh[9, :2])
    cv2.rectangle(
        picture, (x - round(1.4 * size), 0), (x + round(1.4 * size), y - round(0.25 * size)), (60, 40, 30), -1
    )
    return picture


@pytest.mark.parametrize(
    ("change", "word"),
    [
        pytest.param("a hand", "cover the mouth", marks=case("A hand over the mouth", "a patch of skin painted over it", "works, with a warning")),
        pytest.param("a microphone", "cover the mouth", marks=case("A microphone before the mouth", "a dark disc painted over it", "works, with a warning")),
        pytest.param("eyes shut", "eyes are closed", marks=case("Closed eyes", "the renderer's own blink", "works; they stay closed, with a warning")),
        pytest.param("a gape", "mouth is wide open", marks=case("A mouth wide open", "the lower face moved down", "works, with a warning")),
        pytest.param("glasses", "", marks=case("Glasses", "rings painted round the eyes", "works")),
        pytest.param("dark glasses", "dark glass hides", marks=case("Dark glasses", "black discs painted over the eyes", "works; the eyes stay still, with a warning")),
        pytest.param("a hat", "", marks=case("A hat down to the brows", "a brown block painted", "works")),
    ],
)  # fmt: skip
def test_what_hides_a_face(
    tracker: FaceTracker, head: np.ndarray, face: Face, change: str, word: str, caplog: pytest.LogCaptureFixture
) -> None:
    picture = {
        "a hand": lambda: covered(head, face, (224, 172, 140)),
        "a microphone": lambda: covered(head, face, (50, 50, 55)),
        "eyes shut": lambda: with_eyes_shut(head, tracker, face),
        "a gape": lambda: with_a_gape(head, face),
        "glasses": lambda: with_glasses(head, face, dark=False),
        "dark glasses": lambda: with_glasses(head, face, dark=True),
        "a hat": lambda: with_a_hat(head, face),
    }[change]()
    (found,) = tracker.detect(picture)
    assert found.gap(face) < 0.12
    with caplog.at_level(logging.WARNING):
        check_view(MeasuredPortrait.from_image(picture, tracker, found), "face.jpg")
    assert word in caplog.text if word else not caplog.records


@case(
    "A face upside down", "face.rotate(180)", "works as it stands, with a warning; landmarks settle which way up it is"
)
def test_a_face_on_its_head_is_warned_of(
    tracker: FaceTracker, head: np.ndarray, face: Face, caplog: pytest.LogCaptureFixture
) -> None:
    picture = np.ascontiguousarray(head[::-1, ::-1])
    (found,) = tracker.detect(picture)
    mirrored = Face((np.array([340, 340, 0]) + face.mesh * [-1, -1, 1]).astype(np.float32))
    assert found.gap(mirrored) < 0.04
    with caplog.at_level(logging.WARNING):
        check_view(MeasuredPortrait.from_image(picture, tracker, found), "face.jpg")
    assert "stand on its head" in caplog.text
