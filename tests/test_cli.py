"""The command line at work: help, rates, facts as JSON, and the same video for the same seed."""

import json
import re
import signal
import subprocess
import sys
import wave
from dataclasses import fields, is_dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any, get_type_hints

import av
import numpy as np
import pytest
from PIL import Image
from skimage import data

from rhapsode import __version__, cli
from rhapsode.cli.errors import explain
from rhapsode.cli.limits import is_want_of_memory
from rhapsode.cli.progress import ProgressDisplay
from rhapsode.cli.terminal import interrupts_from_signals
from rhapsode.cli.verbs import GROUPS, VERBS
from rhapsode.errors import OptionsError, PortraitError, StyleError
from rhapsode.media.reader import probe, read_frames
from rhapsode.media.synthesis import synthesise
from rhapsode.options import AnimationOptions
from rhapsode.training import recipes
from rhapsode.training.motion_generator import MotionGeneratorRecipe
from rhapsode.training.recipes import TRAININGS


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


def flags(verb: str) -> set[str]:
    """The names of a verb's options, those of nested groups among them."""
    names: set[str] = set()

    def collect(kind: Any) -> None:
        for name, hint in get_type_hints(kind).items():
            collect(hint) if is_dataclass(hint) else names.add(name)

    collect(VERBS[verb].options())
    return names


def run(capsys: pytest.CaptureFixture[str], *words: object) -> tuple[int, str, str]:
    code = cli.main([str(word) for word in words])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def test_help_fits_a_screen(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "--help")
    lines = out.splitlines()
    assert code == 0
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    for verb in ("animate", "prepare", "train", "evaluate", "doctor"):
        assert verb in out


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["animate", "--help"], ["styles"], ["train", "--help"]])
def test_nothing_heavy_is_imported_before_it_is_needed(words: list[str], tmp_path: Path) -> None:
    heavy = ("torch", "cv2", "av", "mediapipe", "onnxruntime", "scipy", "matplotlib")
    code = (
        f"import sys; from rhapsode.cli import main; main({words!r}); "
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("verb", [name.split() for name in (*VERBS, *GROUPS)], ids=" ".join)
def test_every_verb_has_help(capsys: pytest.CaptureFixture[str], verb: list[str]) -> None:
    code, out, err = run(capsys, *verb, "--help")
    assert (code, err) == (0, "")
    assert f"usage: rhapsode {' '.join(verb)}" in out
    for line in out.splitlines():
        assert len(line) <= 80 or line.startswith("usage: ") or line[0].isalpha(), line


def test_help_of_animate_names_defaults_units_and_the_stand_in(capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "animate", "--help")
    text = " ".join(out.replace("│", " ").split())
    for words in ("(default: 25)", "(default: en)", "PIXELS", "RATE", "GAIN", "stand-in", "(required)", "(repeatable)"):
        assert words in text
    assert "(default: False)" not in text


def test_every_animation_option_is_an_option_of_animate() -> None:
    assert {field.name for field in fields(AnimationOptions)} <= flags("animate")


def test_every_training_is_a_verb() -> None:
    assert [f"train {name}" for name in TRAININGS] == [verb for verb in VERBS if verb.startswith("train ")]


@pytest.mark.parametrize("name", TRAININGS)
def test_every_setting_of_every_recipe_is_an_option(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    _, out, _ = run(capsys, "train", name, "--help")
    for field in fields(TRAININGS[name].recipe):
        # What has fields itself is a group of options; the loop's have no prefix.
        prefix = "--steps" if field.name == "loop" else f"--{field.name.replace('_', '-')}"
        assert re.search(rf"{prefix}[ ,.]", out), prefix


def test_options_reach_the_recipe_and_a_configuration_changes_what_is_not_given(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[MotionGeneratorRecipe] = []

    def train(recipe: MotionGeneratorRecipe, progress: object) -> Path:
        asked.append(recipe)
        return recipe.out / "weights"

    training = replace(TRAININGS["motion-generator"], run=train)
    monkeypatch.setattr(recipes, "TRAININGS", {**TRAININGS, "motion-generator": training})
    words = ["--data", "clips", "--out", tmp_path, "--speech", "one", "--speech", "two", "--steps", 7]
    words += ["--dims.layers", 1, "--no-tune-encoder"]
    code, out, _ = run(capsys, "train", "motion-generator", *words)
    assert (code, out) == (0, f"{tmp_path / 'weights'}: written\n")
    assert run(capsys, "train", "motion-generator", *words, "--config", "paper")[0] == 0
    small, full = asked
    assert type(small) is MotionGeneratorRecipe
    for recipe in asked:
        assert (recipe.data, recipe.speech) == (Path("clips"), (Path("one"), Path("two")))
        assert (recipe.loop.steps, recipe.dims.layers, recipe.tune_encoder) == (7, 1, False)
    assert small == replace(
        MotionGeneratorRecipe(data=Path("clips"), out=tmp_path),
        speech=small.speech, loop=small.loop, dims=small.dims, tune_encoder=False,
    )  # fmt: skip
    assert full.loop.accelerator == "cuda" and full.batch > small.batch and full.dims.hidden > small.dims.hidden


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--version") == (0, f"rhapsode {__version__}\n", "")


def test_no_verb_shows_help(capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys)
    assert code == 0
    assert "animate" in out


@pytest.mark.parametrize(
    ("words", "said", "help_of"),
    [
        (["animat"], "'animat' is no verb, did you mean 'animate'?", ""),
        (["--bogus"], "no such option --bogus", ""),
        (["train", "head"], "'head' is no verb", "train"),
        (["train", "--bogus"], "no such option --bogus", "train"),
        (["styles", "shov", "x"], "did you mean 'show'?", "styles"),
        (["styles", "show"], "NAME must be given", "styles show"),
        (["styles", "show", "happy", "--portrait", "x.png"], "--portrait goes with --pictures", "styles show"),
        (["bench", "--runs", "0"], "--runs: '0' is no whole number from 1 on", "bench"),
        (["learn-style", "x.mp4"], "--name must be given", "learn-style"),
        (["prepare", "--out"], "--out needs a value", "prepare"),
        (["evaluate", "motion", "--data", "x", "--split", "tset"], "'tset' is none of", "evaluate motion"),
        (["evaluate", "image", "--data", "x", "--weights", "w"], "write NAME=FILE", "evaluate image"),
        (["evaluate", "motion", "--data", "x", "--split", "test", "--split", "val"], "--split is given twice",
         "evaluate motion"),
        (["evaluate", "image", "--data", "x", "--weights", "a=b", "--weights", "w"], "write NAME=FILE",
         "evaluate image"),
        (["train", "motion-generator", "--config", "huge", "--data", "x", "--out", "y"], "--config huge: choose one of",
         "train motion-generator"),
        (["animate", "--portrait", "x", "--out", "y.mp4", "--audio", "z", "--mouth", "3"], "--mouth=3", "animate"),
    ],
)  # fmt: skip
def test_a_wrong_usage_is_one_line_that_points_to_the_help_of_its_verb(
    capsys: pytest.CaptureFixture[str], words: list[str], said: str, help_of: str
) -> None:
    code, out, err = run(capsys, *words)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("rhapsode: error: ")
    assert said in err
    assert err.endswith(f"; see {f'rhapsode {help_of}'.strip()} --help\n")


def test_a_voice_for_a_recording_is_refused(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = ("--portrait", "x.png", "--audio", "x.wav", "--out", tmp_path / "y.mp4", "--voice", "de")
    code, _, err = run(capsys, "animate", *words)
    assert code == 2
    assert "--voice is the language of --text" in err


@pytest.mark.parametrize(
    ("background", "out", "said"),
    [
        ("transparent", "y.mp4", "never transparent"),
        ("bluish", "y.mp4", "bluish"),
    ],
)
def test_a_background_that_cannot_be_is_refused_before_models_load(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, background: str, out: str, said: str
) -> None:
    (tmp_path / "x.png").touch()
    words = ("--portrait", tmp_path / "x.png", "--audio", "x.wav", "--out", tmp_path / out, "--background", background)
    code, _, err = run(capsys, "animate", *words)
    assert (code, err.count("\n")) == (2, 1)
    assert said in err


def test_debug_is_an_option_and_no_value(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for words, shown in ((["--text=--debug"], False), (["--text", "Hello.", "--debug"], True)):
        code, _, err = run(capsys, "animate", "--portrait", "none.png", "--out", tmp_path / "y.mp4", *words)
        assert code == 2
        assert ("Traceback" in err) is shown


def test_errors_are_completed_with_what_helps_on_the_command_line() -> None:
    for error, told in (
        (StyleError("a: taken", "choose another", "style-exists"), "a: taken; choose another, or add --overwrite"),
        (PortraitError("a: no face 3", "choose 1 to 2", "no-such-face"), "a: no face 3; choose 1 to 2 with --face"),
        (OptionsError("head_motion=3: not allowed", "choose 0 to 2", "bad-head-motion"),
         "--head-motion=3: not allowed; choose 0 to 2; see rhapsode animate --help"),
        (PortraitError("a: no face", "use another picture", "other"), "a: no face; use another picture"),
        (PortraitError("a: no face", "place it", "no-face"), "a: no face; place it with --landmarks"),
    ):  # fmt: skip
        assert explain(error, "animate") == told


def test_the_docs_list_every_option_of_animate_and_no_other() -> None:
    text = (Path(__file__).parents[1] / "docs" / "command-line.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`--.+?) \|", text, re.MULTILINE)
    listed = {name.removeprefix("no-").replace("-", "_") for row in rows for name in re.findall(r"`--([a-z-]+)`", row)}
    assert listed == set(flags("animate")) - {"debug", "json", "quiet"}


def test_a_reader_that_leaves_is_no_bug() -> None:
    command = f"{sys.executable} -m rhapsode.cli animate --help | head -c 1"
    result = subprocess.run(command, shell=True, capture_output=True, text=True)
    assert result.stderr == ""


def progress_lines(capsys: pytest.CaptureFixture[str], *calls: tuple[str, int, int]) -> list[str]:
    with ProgressDisplay(shown=True) as progress:
        for call in calls:
            progress(*call)
    return capsys.readouterr().err.splitlines()


def test_progress_is_a_line_for_each_quarter(capsys: pytest.CaptureFixture[str]) -> None:
    calls = [("frames", done, 8) for done in range(9)]
    assert progress_lines(capsys, *calls) == [f"rhapsode: frames: {done} of 8" for done in (2, 4, 6, 8)]


def test_a_stage_without_a_known_end_prints_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    assert progress_lines(capsys, ("frames", 3, 0), ("frames", 4, 0)) == []


def test_a_stage_that_fails_stays_as_far_as_it_came(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    with pytest.raises(StyleError), ProgressDisplay(shown=True) as progress:
        progress("frames", 3, 8)
        with progress.step("portrait"):
            raise StyleError("broken")
    shown = capsys.readouterr().err
    assert "3/8" in shown and "0/1" in shown
    assert "8/8" not in shown and "1/1" not in shown


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_ends_the_program_as_ctrl_c_does(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    kind = getattr(signal, name)
    before = signal.signal(kind, signal.SIG_DFL)  # whatever started the tests may ignore it
    try:
        with pytest.raises(KeyboardInterrupt), interrupts_from_signals():
            signal.raise_signal(kind)
        assert signal.getsignal(kind) == signal.SIG_DFL
        signal.signal(kind, signal.SIG_IGN)  # as nohup does
        with interrupts_from_signals():
            signal.raise_signal(kind)
    finally:
        signal.signal(kind, before)


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
    for stage in ("voice", "models", "portrait", "frames"):
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


def test_want_of_memory_is_told_as_such_in_whatever_words_a_library_has() -> None:
    assert is_want_of_memory(MemoryError())
    assert is_want_of_memory(ImportError("libscipy_openblas.so: failed to map segment from shared object"))
    assert is_want_of_memory(OSError(12, "Cannot allocate memory"))
    assert not is_want_of_memory(ImportError("No module named 'torch'"))
