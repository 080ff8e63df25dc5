from pathlib import Path

import pytest

from rhapsode.data.corpora import read_source
from rhapsode.errors import DataError


def _tree(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def test_grid_tells_speakers_by_their_folders(tmp_path: Path) -> None:
    _tree(tmp_path, "s1/bbaf2n.mpg", "s1/align/bbaf2n.align", "s34/video/mpg_6000/swwz9s.mpg", "s2.mpg_vcd/pgid4a.mpg")
    clips = {clip.name: clip for clip in read_source(tmp_path)}
    assert {clip.speaker for clip in clips.values()} == {"grid-s1", "grid-s2", "grid-s34"}
    one = clips["grid/s1/bbaf2n.mpg"]
    assert (one.path, one.corpus, one.split, one.license) == (tmp_path / "s1/bbaf2n.mpg", "grid", "train", "CC-BY-4.0")


def test_cremad_tells_actor_and_emotion_by_the_name(tmp_path: Path) -> None:
    _tree(tmp_path, "VideoFlash/1001_DFA_ANG_XX.flv", "VideoFlash/1091_WSI_SAD_HI.flv", "AudioWAV/1001_DFA_ANG_XX.wav")
    clips = read_source(tmp_path)
    assert [(clip.speaker, clip.style) for clip in clips] == [("cremad-1001", "angry"), ("cremad-1091", "sad")]
    assert {clip.corpus for clip in clips} == {"crema-d"}


def test_ravdess_is_for_evaluation_and_only_what_has_picture_and_sound(tmp_path: Path) -> None:
    _tree(
        tmp_path,
        "Actor_01/01-01-03-01-01-01-01.mp4",
        "Actor_01/02-01-03-01-01-01-01.mp4",
        "Actor_01/03-01-03-01-01-01-01.wav",
        "Actor_24/01-02-05-02-01-02-24.mp4",
    )
    clips = read_source(tmp_path)
    assert [(clip.speaker, clip.style) for clip in clips] == [("ravdess-01", "happy"), ("ravdess-24", "angry song")]
    assert {clip.split for clip in clips} == {"eval"}


def test_voxceleb2_keeps_its_published_split(tmp_path: Path) -> None:
    _tree(tmp_path, "dev/mp4/id00012/21Uxsk56VDQ/00001.mp4", "test/mp4/id00017/01dfn2spqyE/00001.mp4")
    clips = read_source(tmp_path)
    assert [(clip.speaker, clip.split) for clip in clips] == [
        ("voxceleb2-id00012", "train"),
        ("voxceleb2-id00017", "test"),
    ]
    (alone,) = read_source(_tree(tmp_path / "part", "mp4/id00012/21Uxsk56VDQ/00001.mp4"))
    assert alone.split == "train"


def test_a_layout_can_be_forced_where_a_folder_holds_two(tmp_path: Path) -> None:
    _tree(tmp_path, "a/1001_DFA_ANG_XX.flv", "s1/bbaf2n.mpg")
    assert [clip.corpus for clip in read_source(tmp_path)] == ["crema-d"]
    assert [clip.corpus for clip in read_source(tmp_path, "grid")] == ["grid"]


def test_a_list_of_clips_goes_before_the_names_of_files(tmp_path: Path) -> None:
    _tree(tmp_path, "s1/bbaf2n.mpg")
    (tmp_path / "clips.csv").write_text("path,speaker,split,style,licence\ns1/bbaf2n.mpg,me,val,calm,mine\n")
    assert [clip.speaker for clip in read_source(tmp_path)] == ["me"]
    assert [clip.speaker for clip in read_source(tmp_path, "grid")] == ["grid-s1"]


@pytest.mark.parametrize(
    ("layout", "fault"),
    [(None, "clips.csv"), ("grid", "named as in grid"), ("lrs3", "no such layout"), ("clips.csv", "no such list")],
)
def test_a_folder_without_the_layout_is_refused(tmp_path: Path, layout: str | None, fault: str) -> None:
    _tree(tmp_path, "holiday/beach.mp4")
    with pytest.raises(DataError, match=fault):
        read_source(tmp_path, layout)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    for layout in (None, "grid"):
        with pytest.raises(DataError, match="gone"):
            read_source(tmp_path / "gone", layout)
