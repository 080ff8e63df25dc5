import threading
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from rhapsode.face.crop import Region
from rhapsode.face.tracker import Face, FaceTracker


@pytest.fixture(scope="module")
def tracker() -> Iterator[FaceTracker]:
    with FaceTracker() as tracker:
        yield tracker


def test_the_eyes_and_the_mouth_of_a_portrait_are_where_they_are(tracker: FaceTracker, astronaut: np.ndarray) -> None:
    (face,) = tracker.detect(astronaut)
    assert face.mesh.shape == (478, 3) and face.landmarks.shape == (68, 3)
    # Read off the picture by eye.
    assert np.abs(face.landmarks[36:42, :2].mean(0) - [204, 101]).max() < 6
    assert np.abs(face.landmarks[48:68, :2].mean(0) - [224, 145]).max() < 6


def test_a_small_face_in_a_large_picture_is_measured_as_finely(tracker: FaceTracker, astronaut: np.ndarray) -> None:
    (alone,) = tracker.detect(astronaut)
    large = np.full((1600, 1600, 3), 128, np.uint8)
    large[500:1012, 700:1212] = astronaut
    (found,) = tracker.detect(large)
    assert np.abs(found.landmarks[:, :2] - [700, 500] - alone.landmarks[:, :2]).mean() < 1.0


def test_of_two_faces_the_larger_comes_first(tracker: FaceTracker, astronaut: np.ndarray) -> None:
    small = np.asarray(Image.fromarray(astronaut[:256, 100:356]).resize((160, 160)))
    both = np.full((512, 760, 3), 128, np.uint8)
    both[:, :512] = astronaut
    both[100:260, 590:750] = small
    faces = tracker.detect(both)
    assert len(faces) == 2
    assert faces[0].landmarks[30, 0] < 512 < faces[1].landmarks[30, 0]
    assert faces[0].eye_distance > faces[1].eye_distance


def test_no_face_is_found_where_there_is_none(tracker: FaceTracker) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (256, 256, 3), dtype=np.uint8)
    assert tracker.detect(noise) == []


def test_the_person_mask_holds_the_face_and_not_the_background(tracker: FaceTracker, astronaut: np.ndarray) -> None:
    mask = tracker.person_mask(astronaut)
    assert mask.shape == (512, 512) and mask.dtype == np.float32
    assert mask[110:160, 200:240].min() > 0.9
    assert mask[20:80, 20:60].max() < 0.1


def test_a_clip_gives_a_face_for_each_frame_and_none_for_an_empty_one(
    tracker: FaceTracker, astronaut: np.ndarray
) -> None:
    empty = np.zeros_like(astronaut)
    faces = list(tracker.track([astronaut, astronaut, empty]))
    assert [face is not None for face in faces] == [True, True, False]


def moving(picture: np.ndarray, frames: int) -> list[np.ndarray]:
    """A window of 300 pixels that goes 4 pixels to the left and 2 down with each frame."""
    return [np.ascontiguousarray(picture[2 * i : 2 * i + 300, 90 - 4 * i : 390 - 4 * i]) for i in range(frames)]


def test_a_moving_face_is_followed(tracker: FaceTracker, astronaut: np.ndarray) -> None:
    faces = [face for face in tracker.track(moving(astronaut, 12)) if face is not None]
    assert len(faces) == 12
    places = np.array([face.landmarks[:, :2].mean(0) for face in faces])
    np.testing.assert_allclose(np.diff(places, axis=0), np.tile([4, -2], (11, 1)), atol=0.7)


def test_a_face_that_jumps_is_found_again_in_the_same_frame(tracker: FaceTracker, astronaut: np.ndarray) -> None:
    elsewhere = np.roll(astronaut, (200, 250), axis=(0, 1))
    first, second = tracker.track([astronaut, elsewhere])
    assert first is not None and second is not None
    assert np.abs(second.mesh[:, :2] - first.mesh[:, :2] - [250, 200]).mean() < 1.0


def shifted(mesh: np.ndarray, by: tuple[float, float]) -> Face:
    return Face(mesh + np.array([*by, 0], np.float32))


def test_the_face_moves_with_the_picture(tracker: FaceTracker, astronaut: np.ndarray) -> None:
    (face,) = tracker.detect(astronaut)
    larger = np.full((700, 700, 3), 90, np.uint8)
    larger[130:642, 60:572] = astronaut
    (found,) = tracker.detect(larger)
    assert found.gap(shifted(face.mesh, (60, 130))) < 0.02


def test_the_face_grows_with_the_picture(tracker: FaceTracker, astronaut: np.ndarray) -> None:
    (face,) = tracker.detect(astronaut)
    (found,) = tracker.detect(np.asarray(Image.fromarray(astronaut).resize((900, 900))))
    assert found.gap(Face(face.mesh * np.float32(900 / 512))) < 0.02


def test_a_black_picture_has_no_face(tracker: FaceTracker) -> None:
    assert tracker.detect(np.zeros((200, 300, 3), np.uint8)) == []


def test_five_points_place_a_mesh(tracker: FaceTracker, astronaut: np.ndarray) -> None:
    (face,) = tracker.detect(astronaut)
    points = face.landmarks[:, :2]
    clicked = np.stack([points[36:42].mean(0), points[42:48].mean(0), points[30], points[48], points[54]])
    (found,) = tracker.faces_at(astronaut, [Region.around_five_points(clicked)])
    assert found.score > 0.9 and found.gap(face) < 0.03


def test_several_threads_share_a_tracker_and_make_their_own(tracker: FaceTracker, astronaut: np.ndarray) -> None:
    found: list[Face] = []

    def work(one: FaceTracker) -> None:
        found.extend(one.detect(astronaut))

    threads = [threading.Thread(target=work, args=(one,)) for one in (tracker, tracker, FaceTracker(), FaceTracker())]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert all(np.abs(face.mesh - found[0].mesh).max() < 1e-3 for face in found)


def test_nothing_is_written_to_the_terminal(capfd: pytest.CaptureFixture[str], astronaut: np.ndarray) -> None:
    with FaceTracker() as one:
        one.detect(astronaut)
        list(one.track([astronaut]))
        one.person_mask(astronaut)
    assert capfd.readouterr() == ("", "")
