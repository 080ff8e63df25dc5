"""A picture is measured once; then what was found in it comes from a file."""

import os
from pathlib import Path

import numpy as np
import pytest

from rhapsode.animator import Animator
from rhapsode.face import cache as remembered
from rhapsode.face.cache import CachedTracker, cache_folder
from rhapsode.face.tracker import FaceTracker


class Blind:
    """Stands where a tracker would be that must not be asked."""

    def __init__(self) -> None:
        raise AssertionError("asked to find a face that was known")


def test_what_is_known_is_what_was_found_and_nothing_is_looked_for_again(
    astronaut: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with FaceTracker() as tracker:
        (real,), mask = tracker.detect(astronaut), tracker.person_mask(astronaut)
    with CachedTracker(tmp_path) as first:
        found = first.detect(astronaut), first.person_mask(astronaut)
    monkeypatch.setattr(remembered, "FaceTracker", Blind)
    with CachedTracker(tmp_path) as second:
        known = second.detect(astronaut), second.person_mask(astronaut)
        with pytest.raises(AssertionError, match="asked"):
            second.detect(astronaut[:, ::-1])
    for faces, person in (found, known):
        np.testing.assert_array_equal(faces[0].mesh, real.mesh)
        assert np.abs(person - mask).max() <= 0.5 / 255 + 1e-6
        assert len(faces) == 1 and person.dtype == np.float32
    np.testing.assert_array_equal(found[1], known[1])


def test_that_there_is_no_face_is_known_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty = np.full((128, 128, 3), 90, np.uint8)
    with CachedTracker(tmp_path) as tracker:
        assert tracker.detect(empty) == []
    monkeypatch.setattr(remembered, "FaceTracker", Blind)
    with CachedTracker(tmp_path) as tracker:
        assert tracker.detect(empty) == []


@pytest.mark.parametrize("content", [b"", b"no file of ours", b"\x00" * 64])
def test_a_damaged_file_is_found_anew_and_mended(astronaut: np.ndarray, tmp_path: Path, content: bytes) -> None:
    with CachedTracker(tmp_path) as tracker:
        tracker.detect(astronaut)
        (path,) = tmp_path.iterdir()
        whole = path.read_bytes()
        path.write_bytes(content)
        assert len(tracker.detect(astronaut)) == 1
    assert path.read_bytes() == whole


def test_where_nothing_can_be_kept_faces_are_found_all_the_same(astronaut: np.ndarray, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with CachedTracker(tmp_path / "file" / "faces") as tracker:
        assert len(tracker.detect(astronaut)) == 1


def test_the_longest_unused_go_when_they_are_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remembered, "_MOST", 2)
    pictures = [np.full((64, 64, 3), grey, np.uint8) for grey in (0, 100, 200)]
    with CachedTracker(tmp_path) as tracker:
        for age, picture in enumerate(pictures[:2]):
            tracker.detect(picture)
            os.utime(max(tmp_path.iterdir(), key=lambda one: one.stat().st_mtime), (1000 + age, 1000 + age))
        kept = set(tmp_path.iterdir())
        tracker.detect(pictures[0])  # used again
        tracker.detect(pictures[2])
    assert len(list(tmp_path.iterdir())) == 2
    assert len(kept & set(tmp_path.iterdir())) == 1


def test_the_folder_is_the_users_and_can_be_named_or_done_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RHAPSODE_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path / "faces"
    monkeypatch.setenv("RHAPSODE_CACHE", "off")
    assert cache_folder() is None
    monkeypatch.delenv("RHAPSODE_CACHE")
    assert "rhapsode" in str(cache_folder())


def test_a_portrait_opened_again_is_found_in_the_cache(
    animator: Animator, astronaut: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RHAPSODE_CACHE", str(tmp_path))
    first = animator.load_portrait(astronaut).measured
    monkeypatch.setattr(remembered, "FaceTracker", Blind)
    again = animator.load_portrait(astronaut).measured
    np.testing.assert_array_equal(first.rest, again.rest)
    np.testing.assert_array_equal(first.person, again.person)
