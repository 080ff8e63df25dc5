from pathlib import Path

import pytest

from rhapsode.files import atomic_path, atomic_write


def test_a_file_is_written_whole_and_its_folder_is_made(tmp_path: Path) -> None:
    atomic_write(tmp_path / "new" / "weights.bin", b"123")
    assert (tmp_path / "new" / "weights.bin").read_bytes() == b"123"
    assert len(list((tmp_path / "new").iterdir())) == 1


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "weights.bin"
    path.write_bytes(b"old")
    with pytest.raises(RuntimeError, match="half way"), atomic_path(path) as partial:
        partial.write_bytes(b"ne")
        raise RuntimeError("half way")
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]
