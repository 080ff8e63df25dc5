"""`rhapsode evaluate style`, on made-up clips and with a transfer of two steps."""

import io
import json
import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from rich.console import Console
from tests.made_up import make_store

from rhapsode import cli
from rhapsode.animator import Animator
from rhapsode.cli.tables import style_table
from rhapsode.data.index import Entry
from rhapsode.data.store import ClipStore
from rhapsode.errors import DataError
from rhapsode.evaluation.seen_expressions import Viewing
from rhapsode.evaluation.styled_clip import METHODS, shape_leak
from rhapsode.evaluation.styles import driving_clips, evaluate_style
from rhapsode.face.expression_network import FILE
from rhapsode.face.geometry import mean_face
from rhapsode.face.landmarks import EYES
from rhapsode.learning.recipe import TransferRecipe
from rhapsode.media.waveform import Waveform
from rhapsode.metrics.style import style_distances
from rhapsode.motion.stream import generate
from rhapsode.style.motion_model import styled_motion_model

RECIPE = TransferRecipe(steps=2, check_every=1, batch=1)
#: Each speaks the other's style.
SPLITS = ("test", "val")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_store(tmp_path_factory.mktemp("made-up-styles"), ["train", *SPLITS])


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("kept")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("out") / "report"


@pytest.fixture(scope="module")
def figures(store: Path, kept: Path, report: Path, talking_clip: Path, astronaut: np.ndarray) -> dict[str, Any]:
    # What made-up clips were read from; it shows a face.
    (store / "gone.mp4").write_bytes(talking_clip.read_bytes())
    portrait = kept / "portrait.png"
    cv2.imwrite(str(portrait), astronaut[..., ::-1])
    viewing = Viewing((portrait,), strengths=(1.0,))
    return evaluate_style(store, store, SPLITS, RECIPE, report=report, keep=kept, viewing=viewing, videos=1)


@pytest.mark.slow
def test_every_way_of_moving_is_scored_and_averaged(figures: dict[str, Any]) -> None:
    assert (figures["style_clips"], figures["driving_clips"], figures["window"]) == (2, 2, 25)
    assert [clip["name"] for clip in figures["clips"]] == ["made/test", "made/val"]
    for method in METHODS:
        for name in ("SLD", "SLV", "SMD", "mouth_opening_corr"):
            each = [clip[method][name] for clip in figures["clips"]]
            assert figures[method][name] == pytest.approx(np.mean(each), abs=1e-6), (method, name)
        assert figures[method]["windows_10_100"].keys() == figures[method]["published_code"].keys()
        # A made-up face has the mean shape, of which nothing can leak.
        leaks = [abs(clip[method]["shape_leak"] or 0.0) for clip in figures["clips"]]
        assert (figures[method]["shape_leak"] or 0.0) == pytest.approx(np.mean(leaks), abs=1e-6)
    assert figures["none"]["shape_leak"] == 0
    assert figures["learnt"]["change"]["SLD"] == pytest.approx(
        figures["learnt"]["SLD"] / figures["none"]["SLD"], abs=1e-3
    )
    assert figures["learnt"]["learn_seconds"] > 0
    assert figures["style_accuracy"]["chance"] == 0.5
    assert figures["style_accuracy"].keys() > {"real", "generated", "zero_shot"}
    json.dumps(figures, allow_nan=False)


@pytest.mark.slow
def test_what_a_portrait_shows_of_each_style_is_measured(figures: dict[str, Any]) -> None:
    seen = figures["expression"]
    assert (seen["portraits"], seen["reader"], list(seen["strengths"])) == (1, FILE, ["1"])
    assert set(seen["strengths"]["1"]) >= {"correlation", "slope", "regions", "named", "matched", "confusion"}
    # Both clips are neutral: there is no other emotion to name.
    assert seen["strengths"]["1"]["named"] == seen["real"]["named"] == seen["emotions"] == 1
    assert all(set(clip["expression"]) == {"1"} for clip in figures["clips"])


@pytest.mark.slow
def test_a_style_speaks_with_the_voices_of_others_alone(figures: dict[str, Any], kept: Path, store: Path) -> None:
    opened = ClipStore.open(store)
    samples = {entry.name: opened.load(entry).samples for entry in opened.kept}
    animator = Animator.from_pretrained()
    model = styled_motion_model(animator.speech, animator.head)
    for clip, other in (("made/test", "made/val"), ("made/val", "made/test")):
        with np.load(kept / f"{clip.replace('/', '__')}.npz") as arrays:
            assert arrays["drivers"].tolist() == [other]
            np.testing.assert_array_equal(arrays["none_0"], generate(model, Waveform(samples[other], 16000)))
            learnt = style_distances(arrays["real"], [arrays["learnt_0"]], mean_face())
        told = next(one for one in figures["clips"] if one["name"] == clip)
        assert told["learnt"]["SLD"] == pytest.approx(learnt.SLD, abs=1e-5)
        assert told["learnt"]["SLD"] != told["none"]["SLD"]


@pytest.mark.slow
def test_the_report_shows_figures_a_video_paths_and_the_course_of_learning(
    figures: dict[str, Any], report: Path
) -> None:
    page = (report / "index.html").read_text()
    assert json.loads((report / "figures.json").read_text()) == figures
    for heading in ("Together", "Side by side", "By clip", "Before and after", "Learning"):
        assert f"<h2>{heading}</h2>" in page
    assert page.count('aria-label="mouth opening over time"') == page.count('aria-label="L_mg over steps"') == 2
    # Of the first style clip alone, as many as were asked for.
    assert sorted(path.name for path in (report / "clips").iterdir()) == ["made__test.jpg", "made__test.mp4"]
    assert (
        page.count("<video") == 1 and 'src="clips/made__test.mp4"' in page and '<img src="clips/made__test.jpg"' in page
    )
    assert "voice of made/val · portrait portrait.png" in page
    assert "nan" not in page.lower().replace("nano", "")


@pytest.mark.slow
def test_the_table_names_every_clip_and_way_of_moving(figures: dict[str, Any]) -> None:
    console = Console(width=200, file=io.StringIO())
    console.print(style_table(figures))
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    for word in (
        "all 2",
        "made/test",
        "made/val",
        "no style",
        "zero-shot",
        "learnt",
        "SLD",
        "guessing gives 50 %",
        "portraits show",
    ):
        assert word in shown


@pytest.mark.slow
def test_clips_can_be_chosen_and_one_process_gives_what_two_do(figures: dict[str, Any], store: Path) -> None:
    alone = evaluate_style(store, store, SPLITS, RECIPE, only=["made/val"], workers=1)
    assert alone["style_clips"] == 1
    both = next(clip for clip in figures["clips"] if clip["name"] == "made/val")
    for method in METHODS:
        for name in ("SLD", "SLV", "SMD", "mouth_opening_corr"):
            assert alone[method][name] == pytest.approx(both[method][name], rel=1e-4), (method, name)


def test_the_first_clip_of_each_test_and_val_speaker_drives() -> None:
    rows = [("a", "train", 1), ("b", "val", 1), ("c", "test", 1), ("c", "test", 2), ("d", "test", 1), ("b", "val", 2)]
    entries = [
        Entry(f"{speaker}{n}", "x", "", 0, 0, speaker, "made", split, "neutral", "none") for speaker, split, n in rows
    ]
    assert [entry.name for entry in driving_clips(ClipStore(Path(), entries))] == ["c1", "d1", "b1"]


def test_a_face_that_became_the_performers_has_leaked_whole() -> None:
    plain = [0.01 * np.random.default_rng(seed).standard_normal((30 + seed, 68, 3)) for seed in range(1)]
    shape = 0.02 * np.random.default_rng(5).standard_normal((68, 3))
    performer = mean_face() + shape
    assert shape_leak(plain, plain[0], performer) == 0
    assert shape_leak([motion + shape for motion in plain], plain[0], performer) == pytest.approx(1)
    assert shape_leak([motion - shape / 2 for motion in plain], plain[0], performer) == pytest.approx(-0.5)


def test_eyelids_and_movements_across_a_shape_do_not_leak() -> None:
    plain = [np.zeros((30, 68, 3))]
    shape, across = np.zeros((68, 3)), np.zeros((68, 3))
    shape[8, 1], shape[EYES, 1], across[8, 0], across[EYES, 1] = 0.1, 0.1, 0.3, 0.1
    assert shape_leak([plain[0] + across], plain[0], mean_face() + shape) == 0
    assert math.isnan(shape_leak([plain[0] + across], plain[0], mean_face()))


def test_what_is_not_there_is_refused_with_what_is(store: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no usable clip of split eval; its splits are test, train, val"):
        evaluate_style(store, store, ["eval"], RECIPE)
    with pytest.raises(DataError, match="no usable clip 'made/nobody' in split test or val"):
        evaluate_style(store, store, SPLITS, RECIPE, only=["made/nobody"])
    with pytest.raises(DataError, match="no clip of split test or val to drive"):
        lonely = make_store(tmp_path / "lonely", ["test"])
        evaluate_style(lonely, lonely, ["test"], RECIPE)
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(DataError, match="holds other files"):
        evaluate_style(store, store, SPLITS, RECIPE, report=tmp_path)


def test_the_command_says_what_is_wrong_in_one_line(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code = cli.main(["evaluate", "style", "--data", str(store)])
    captured = capsys.readouterr()
    assert (code, captured.out) == (2, "")
    assert captured.err.count("\n") == 1
    assert "no usable clip of split eval" in captured.err
    assert cli.main(["evaluate", "style", "--help"]) == 0
    shown = capsys.readouterr().out
    for option in ("--data", "--store", "--split", "--seed", "--json", "--report", "--portraits", "--clips"):
        assert option in shown
