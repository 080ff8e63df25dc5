"""The command line at work: help, rates, facts as JSON, and the same video for the same seed."""

import json
import subprocess
import sys
import time
import wave
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from skimage import data

from rhapsode import __version__, cli
from rhapsode.cli.options import UsageError
from rhapsode.media.reader import probe, read_frames
from rhapsode.media.synthesis import synthesise

VERBS = (
    ["animate"], ["learn-style"], ["styles"], ["styles", "mix"], ["prepare"], ["train", "motion-generator"],
    ["train", "replay"], ["train", "key-motions"], ["evaluate", "motion"], ["evaluate", "style"], ["doctor"],
)  # fmt: skip


@pytest.fixture(scope="module")
def portrait(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("portrait") / "astronaut.png"
    Image.fromarray(data.astronaut()[:256, 96:352]).save(path)
    return path


@pytest.fixture(scope="module")
def speech(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("speech") / "hello.wav"
    spoken = synthesise("Hello there.")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(spoken.rate)
        file.writeframes((spoken.samples * 32767).astype("<i2").tobytes())
    return path


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = cli.main([str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_help_fits_a_screen_and_comes_at_once() -> None:
    began = time.perf_counter()
    result = subprocess.run([sys.executable, "-m", "rhapsode.cli", "--help"], capture_output=True, text=True)
    took = time.perf_counter() - began
    lines = result.stdout.splitlines()
    assert result.returncode == 0
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    for verb in ("animate", "prepare", "train", "evaluate", "doctor"):
        assert verb in result.stdout
    assert took < 3  # half a second on an idle machine; importing the models alone takes longer


def test_help_imports_no_model() -> None:
    code = (
        "import sys; from rhapsode.cli import main; main(['animate', '--help']); "
        "print([name for name in ('torch', 'mediapipe', 'av', 'scipy') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_every_verb_has_help(capsys: pytest.CaptureFixture[str], verb: list[str]) -> None:
    code, out, err = run(capsys, *verb, "--help")
    assert (code, err) == (0, "")
    assert f"rhapsode {' '.join(verb)}" in out
    assert max(map(len, out.splitlines())) <= 80


def test_help_of_animate_names_defaults_units_and_the_stand_in(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "animate", "--help")
    text = " ".join(out.split())
    for words in ("[default: 25]", "[default: en]", "PIXELS", "RATE", "GAIN", "stand-in", "[default: 1.0;"):
        assert words in text


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--version") == (0, f"rhapsode {__version__}\n", "")


def test_no_verb_shows_help(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys)
    assert code == 0
    assert "animate" in out


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("25", Fraction(25)),
        ("23.976", Fraction(24000, 1001)),
        ("29.97", Fraction(30000, 1001)),
        ("59.94", Fraction(60000, 1001)),
        ("30000/1001", Fraction(30000, 1001)),
        ("12.5", Fraction(25, 2)),
    ],
)
def test_rates_are_exact(text: str, rate: Fraction) -> None:
    from rhapsode.options import exact_fps

    assert exact_fps(cli.animate.parse_rate(text)) == rate


@pytest.mark.parametrize("text", ["", "fast", "0", "-25", "1/0", "nan", "inf", "1000"])
def test_no_rate(text: str) -> None:
    with pytest.raises(UsageError, match="--fps"):
        cli.animate.parse_rate(text)


def test_json_is_one_line_of_true_facts(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, portrait: Path, speech: Path
) -> None:
    out = tmp_path / "talk.mp4"
    code, line, err = run(
        capsys, "animate", "--portrait", portrait, "--audio", speech, "--out", out, "--fps", "29.97", "--json"
    )
    assert (code, err) == (0, "")
    assert line.count("\n") == 1
    facts = json.loads(line)
    info = probe(out)
    with wave.open(str(speech)) as file:
        seconds = file.getnframes() / file.getframerate()
    assert info.fps == Fraction(30000, 1001)
    assert info.has_audio
    assert (facts["width"], facts["height"]) == (info.width, info.height) == (256, 256)
    assert facts["frames"] == info.n_frames_estimate == len(list(read_frames(out)))
    assert facts["fps"] == pytest.approx(30000 / 1001)
    assert abs(facts["seconds"] - seconds) <= 1001 / 30000
    assert facts["realtime_factor"] == pytest.approx(facts["seconds"] / facts["wall_s"], rel=0.02)
    assert 50 < facts["peak_rss_mb"] < 3000
    assert facts["out"] == str(out)
    with av.open(out) as container:
        assert abs(container.streams.audio[0].duration * container.streams.audio[0].time_base - seconds) < 0.1
        assert "synthetic" in container.metadata["comment"]


def test_the_same_seed_gives_the_same_video(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, portrait: Path, speech: Path
) -> None:
    def frames(name: str, seed: int) -> np.ndarray:
        out = tmp_path / name
        words = ("--portrait", portrait, "--audio", speech, "--out", out, "--seed", seed, "--size", 224, "--quiet")
        assert run(capsys, "animate", *words) == (0, "", "")
        return np.array([frame for _, frame in read_frames(out)])

    first = frames("first.mp4", 3)
    assert np.array_equal(first, frames("again.mp4", 3))
    assert not np.array_equal(first, frames("other.mp4", 4))


def test_text_is_spoken_and_the_place_of_the_result_is_said(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, portrait: Path
) -> None:
    out = tmp_path / "talk.mp4"
    code, line, err = run(
        capsys, "animate", "--portrait", portrait, "--text", "Good evening.", "--out", out, "--size", 224
    )
    assert code == 0
    assert str(out) in line
    for stage in ("voice", "models", "portrait and motion", "frames"):
        assert f"rhapsode: {stage}: " in err
    info = probe(out)
    assert (info.width, info.height, info.fps) == (224, 224, Fraction(25))
    assert 0.5 < info.seconds < 3


@pytest.fixture(scope="module")
def scored(data_folder: Path, clip_store: Path) -> list[object]:
    return ["evaluate", "motion", "--data", data_folder, "--store", clip_store]


def test_figures_are_one_line_of_json(capsys: pytest.CaptureFixture[str], scored: list[object]) -> None:
    code, out, _ = run(capsys, *scored, "--json")
    assert code == 0
    assert out.count("\n") == 1
    figures = json.loads(out)
    assert figures["split"] == ["test"]
    for part in (figures, figures["groups"]["grid"], figures["baselines"]["v0"]):
        assert {"n_clips", "mouth_opening_corr", "opening_std_ratio", "LMD", "D_L", "D_V", "D_A"} <= part.keys()
        assert part["n_clips"] == 1


def test_all_means_every_split_that_is_not_learnt_from(
    capsys: pytest.CaptureFixture[str], scored: list[object]
) -> None:
    _, out, _ = run(capsys, *scored, "--split", "all", "--json")
    assert json.loads(out)["split"] == ["test", "val", "eval"]
    assert json.loads(out)["n_clips"] == 1
    _, out, _ = run(capsys, *scored, "--split", "train, test", "--json")
    assert json.loads(out)["n_clips"] == 2


def test_without_json_the_figures_are_a_table(capsys: pytest.CaptureFixture[str], scored: list[object]) -> None:
    code, out, _ = run(capsys, *scored)
    assert code == 0
    assert all(method in out for method in ("generator", "mean_face", "loudness_jaw", "nearest_neighbour", "v0"))
    assert "closures" in out


def test_an_unknown_split_is_refused(capsys: pytest.CaptureFixture[str], scored: list[object]) -> None:
    code, out, err = run(capsys, *scored, "--split", "test,tset")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert "'tset' is none of test, val, eval, train, all; see rhapsode evaluate motion --help" in err
