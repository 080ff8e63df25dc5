from pathlib import Path

import pytest

from rhapsode.data.clips import read_clips
from rhapsode.errors import DataError

HEADER = "path,speaker,split,style,licence\n"


def _folder(folder: Path, clip: Path, rows: str) -> Path:
    (folder / "made").mkdir()
    (folder / "made" / "talking.mp4").write_bytes(clip.read_bytes())
    (folder / "clips.csv").write_text(HEADER + rows)
    return folder


def test_a_list_of_clips_is_read(tmp_path: Path, talking_clip: Path) -> None:
    data = _folder(tmp_path, talking_clip, "made/talking.mp4,astronaut,train,neutral,Apache-2.0\n")
    (clip,) = read_clips(data)
    assert (clip.corpus, clip.speaker, clip.split) == ("made", "astronaut", "train")


@pytest.mark.parametrize(
    ("table", "fault"),
    [(None, "no such list"), ("path,speaker\na,b\n", "split"), (HEADER + "gone.mp4,a,train,b,c\n", "gone.mp4")],
)
def test_a_faulty_data_folder_is_named(tmp_path: Path, table: str | None, fault: str) -> None:
    if table:
        (tmp_path / "clips.csv").write_text(table)
    with pytest.raises(DataError, match=fault):
        read_clips(tmp_path)
