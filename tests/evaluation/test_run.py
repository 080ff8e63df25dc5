import json
from pathlib import Path

import pytest

from rhapsode.errors import DataError, WeightsError
from rhapsode.evaluation.run import evaluate_motion


def test_generator_and_baselines_are_scored_and_reported(data_folder: Path, clip_store: Path, tmp_path: Path) -> None:
    seen: list[str] = []
    report = tmp_path / "out" / "report"
    figures = evaluate_motion(
        data_folder,
        clip_store,
        ["test"],
        report=report,
        videos=1,
        progress=lambda stage, done, total: seen.append(stage),
    )
    assert figures["n_clips"] == 1
    assert list(figures["baselines"]) == ["mean_face", "loudness_jaw", "nearest_neighbour", "v0"]
    assert figures["mouth_opening_corr"] > 0.7
    assert figures["baselines"]["mean_face"]["mouth_opening_corr"] is None
    assert list(dict.fromkeys(seen)) in (["scores", "videos"], ["clips", "scores", "videos"])
    page = (report / "index.html").read_text()
    assert "clips/grid__b__two.mp4.mp4" in page
    assert (report / "clips" / "grid__b__two.mp4.mp4").is_file()
    assert json.loads((report / "figures.json").read_text()) == figures
    assert [path.name for path in report.parent.iterdir()] == ["report"]


def test_an_earlier_report_is_replaced_whole(data_folder: Path, clip_store: Path, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("old")
    (tmp_path / "stale").write_text("old")
    evaluate_motion(data_folder, clip_store, ["test"], report=tmp_path, videos=0)
    assert not (tmp_path / "stale").exists()
    assert "<video" not in (tmp_path / "index.html").read_text()


def test_a_folder_of_other_files_is_left_alone(data_folder: Path, clip_store: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(DataError, match="holds other files"):
        evaluate_motion(data_folder, clip_store, ["test"], report=tmp_path)
    with pytest.raises(DataError, match="is a file"):
        evaluate_motion(data_folder, clip_store, ["test"], report=tmp_path / "thesis.txt")
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_nothing_half_written_is_left(
    data_folder: Path, clip_store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("rhapsode.evaluation.report.motion.side_by_side", interrupt)
    with pytest.raises(KeyboardInterrupt):
        evaluate_motion(data_folder, clip_store, ["test"], report=tmp_path / "report")
    assert not list(tmp_path.iterdir())


def test_a_split_without_clips_is_refused_with_those_that_are_there(data_folder: Path, clip_store: Path) -> None:
    with pytest.raises(DataError, match=r"no usable clip of split val; --split can be test, train"):
        evaluate_motion(data_folder, clip_store, ["val"])


def test_weights_that_are_none_are_refused(data_folder: Path, clip_store: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"none\.safetensors"):
        evaluate_motion(data_folder, clip_store, ["test"], tmp_path / "none.safetensors")
