"""A picture is measured once; then what was found in it comes from a file."""

import os
import stat
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from rhapsode.animator import Animator
from rhapsode.face.cache import CachedTracker, cache_folder
from rhapsode.face.tracker import Face, FaceTracker


class StubTracker(FaceTracker):
    """Finds one face in every picture that is not of one colour, and counts how often it is asked."""

    def __init__(self, nose: float = 1.0) -> None:
        self.nose, self.asked = nose, 0

    def close(self) -> None:
        pass

    def detect(self, image: np.ndarray) -> list[Face]:
        self.asked += 1
        return [Face(np.full((478, 3), self.nose, np.float32))] if np.ptp(image) else []

    def person_mask(self, image: np.ndarray) -> np.ndarray:
        self.asked += 1
        return np.linspace(0, 1, image[..., 0].size, dtype=np.float32).reshape(image.shape[:2])


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (48, 40, 3), dtype=np.uint8)


def test_a_picture_is_looked_at_once_whoever_asks(picture: np.ndarray, tmp_path: Path) -> None:
    stub = StubTracker()
    with CachedTracker(tmp_path, make_tracker=lambda: stub) as first:
        found = first.detect(picture), first.person_mask(picture)
    assert stub.asked == 2
    with CachedTracker(tmp_path, make_tracker=lambda: stub) as second:
        known = second.detect(picture), second.person_mask(picture)
        assert stub.asked == 2
        second.detect(picture[:, ::-1])
    assert stub.asked == 3
    for faces, person in (found, known):
        np.testing.assert_array_equal(faces[0].mesh, stub.detect(picture)[0].mesh)
        assert np.abs(person - stub.person_mask(picture)).max() <= 0.5 / 255 + 1e-6
        assert len(faces) == 1 and person.dtype == np.float32
    np.testing.assert_array_equal(found[1], known[1])


def test_what_another_tracker_found_is_not_used(picture: np.ndarray, tmp_path: Path) -> None:
    old, new = StubTracker(1.0), StubTracker(2.0)
    with CachedTracker(tmp_path, version="1", make_tracker=lambda: old) as tracker:
        assert tracker.detect(picture)[0].mesh[0, 0] == 1
    with CachedTracker(tmp_path, version="2", make_tracker=lambda: new) as tracker:
        assert tracker.detect(picture)[0].mesh[0, 0] == 2
    with CachedTracker(tmp_path, version="1", make_tracker=lambda: new) as tracker:
        assert tracker.detect(picture)[0].mesh[0, 0] == 1
    assert new.asked == 1


def test_that_there_is_no_face_is_known_too(tmp_path: Path) -> None:
    stub, empty = StubTracker(), np.full((64, 64, 3), 90, np.uint8)
    for _ in range(2):
        with CachedTracker(tmp_path, make_tracker=lambda: stub) as tracker:
            assert tracker.detect(empty) == []
    assert stub.asked == 1


@pytest.mark.parametrize("content", [b"", b"no file of ours", b"\x00" * 64])
def test_a_damaged_file_is_replaced(picture: np.ndarray, tmp_path: Path, content: bytes) -> None:
    with CachedTracker(tmp_path, make_tracker=StubTracker) as tracker:
        tracker.detect(picture)
        (path,) = tmp_path.iterdir()
        whole = path.read_bytes()
        path.write_bytes(content)
        assert len(tracker.detect(picture)) == 1
    assert path.read_bytes() == whole


def test_a_folder_that_cannot_be_made_is_no_error(picture: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with CachedTracker(tmp_path / "file" / "faces", make_tracker=StubTracker) as tracker:
        assert len(tracker.detect(picture)) == 1


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_only_the_owner_may_look_into_the_folder(picture: np.ndarray, tmp_path: Path) -> None:
    with CachedTracker(tmp_path / "cache" / "faces", make_tracker=StubTracker) as tracker:
        tracker.detect(picture)
    assert stat.S_IMODE((tmp_path / "cache" / "faces").stat().st_mode) == 0o700


def test_the_least_recently_used_files_are_deleted_when_there_are_too_many(tmp_path: Path) -> None:
    pictures = [np.full((64, 64, 3), grey, np.uint8) for grey in (0, 100, 200)]
    with CachedTracker(tmp_path, make_tracker=StubTracker, max_files=2) as tracker:
        for age, picture in enumerate(pictures[:2]):
            tracker.detect(picture)
            os.utime(max(tmp_path.iterdir(), key=lambda one: one.stat().st_mtime), (1000 + age, 1000 + age))
        cached = set(tmp_path.iterdir())
        tracker.detect(pictures[0])  # used again
        tracker.detect(pictures[2])
    assert len(list(tmp_path.iterdir())) == 2
    assert len(cached & set(tmp_path.iterdir())) == 1


def test_the_folder_is_the_users_and_can_be_named_or_switched_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RHAPSODE_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path / "faces"
    monkeypatch.setenv("RHAPSODE_CACHE", "off")
    assert cache_folder() is None
    monkeypatch.delenv("RHAPSODE_CACHE")
    assert "rhapsode" in str(cache_folder())


def test_a_portrait_loaded_again_is_found_in_the_cache(
    animator: Animator, astronaut: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RHAPSODE_CACHE", str(tmp_path))
    first = animator.load_portrait(astronaut).measured
    (faces,) = (tmp_path / "faces").glob("*-faces.safetensors")
    known = load_file(faces)
    save_file(known | {"meshes": known["meshes"] + np.float32(2)}, faces)
    again = animator.load_portrait(astronaut).measured
    np.testing.assert_array_equal(again.face.mesh, first.face.mesh + np.float32(2))
    np.testing.assert_array_equal(first.person, again.person)


def test_arrays_that_belong_to_a_picture_are_made_once(picture: np.ndarray, tmp_path: Path) -> None:
    made = []

    def make() -> dict[str, np.ndarray]:
        made.append(1)
        return {"values": np.arange(3)}

    for _ in range(2):
        with CachedTracker(tmp_path) as tracker:
            keep = tracker.kept
        np.testing.assert_array_equal(keep("values-1", picture, make)["values"], [0, 1, 2])
    assert len(made) == 1
    keep("values-2", picture, make)
    assert len(made) == 2
