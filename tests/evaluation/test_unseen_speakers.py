"""The shipped generator against unseen speakers; needs the clips beside the project."""

import csv
from pathlib import Path

import pytest

from rhapsode.data.clips import Clip, read_clips
from rhapsode.evaluation.motion import evaluate_motion

DATA = Path(__file__).parents[3] / "shared" / "data"


def _listed(folder: Path, clips: list[Clip]) -> Path:
    """A data folder that lists a part of the clips."""
    (folder / "grid").symlink_to(DATA / "grid")
    with (folder / "clips.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["path", "speaker", "split", "style", "license"])
        table.writerows([clip.name, clip.speaker, clip.split, clip.style, clip.license] for clip in clips)
    return folder


@pytest.mark.slow
@pytest.mark.skipif(not (DATA / "clips.csv").is_file(), reason="the clips of ../shared/data are not here")
def test_lips_follow_unseen_speakers_better_than_the_baselines(tmp_path: Path) -> None:
    grid = [clip for clip in read_clips(DATA) if clip.corpus == "grid"]
    unseen = [clip for clip in grid if clip.split == "test"][::4]
    learnt = [clip for clip in grid if clip.split == "train"][::10]
    figures = evaluate_motion(_listed(tmp_path, unseen + learnt), tmp_path / "store", ["test"])
    assert figures["n_clips"] == 11
    assert figures["mouth_opening_corr"] > 0.8
    assert 0.8 < figures["opening_std_ratio"] < 1.2
    assert figures["closures"]["made"] >= 0.9 * figures["closures"]["count"] > 0
    for name in ("mean_face", "loudness_jaw", "nearest_neighbour"):
        worse = figures["baselines"][name]
        assert figures["LMD"] < 0.88 * worse["LMD"], name
        assert figures["mouth_opening_corr"] > (worse["mouth_opening_corr"] or 0) + 0.05, name
