import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rhapsode.animator import Animator
from rhapsode.errors import Cancelled, DataError, WeightsError
from rhapsode.evaluation.baselines import Method
from rhapsode.evaluation.clips import RealClip
from rhapsode.evaluation.motion import evaluate_motion
from rhapsode.motion.retarget import retarget
from rhapsode.progress import Progress


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
    with pytest.raises(DataError, match=r"no usable clip of split val; its splits are test, train"):
        evaluate_motion(data_folder, clip_store, ["val"])


def test_a_model_that_is_not_there_is_refused(data_folder: Path, clip_store: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no-model"):
        evaluate_motion(data_folder, clip_store, ["test"], tmp_path / "no-model")


def test_what_is_scored_is_the_motion_of_a_session_before_it_is_fitted_to_a_portrait(
    data_folder: Path, clip_store: Path, animator: Animator, astronaut: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    scored: dict[str, np.ndarray] = {}

    def keep(methods: Mapping[str, Method], clips: Sequence[RealClip], progress: Progress) -> dict[str, list[Any]]:
        scored["sound"], scored["motion"] = clips[0].sound.samples, methods["generator"](clips[0].sound)
        raise Cancelled("enough")

    monkeypatch.setattr("rhapsode.evaluation.motion.score_all", keep)
    with pytest.raises(Cancelled):
        evaluate_motion(data_folder, clip_store, ["test"], live=True)

    spoken: list[np.ndarray] = []

    def spy(expression: np.ndarray, *others: Any) -> np.ndarray:
        spoken.append(expression.copy())
        return retarget(expression, *others)

    monkeypatch.setattr("rhapsode.motion.stream.retarget", spy)
    with animator.start_session(astronaut[:256, 96:352]) as session:
        for chunk in np.array_split(scored["sound"], 40):
            for _ in session.feed(chunk):
                pass
        for _ in session.finish():
            pass
    np.testing.assert_array_equal(np.concatenate(spoken)[: len(scored["motion"])], scored["motion"])
    assert len(scored["motion"]) > 100
