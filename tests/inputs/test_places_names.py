"""Names of files and folders, in any alphabet and of any length; each run has three, for portrait, voice and video."""

import io
import os
import sys
from pathlib import Path

import pytest
from tests.bench import Bench

case = pytest.mark.case
posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no such names")
not_mac = pytest.mark.skipif(os.uname().sysname == "Darwin" if os.name == "posix" else True, reason="names are UTF-8")

LONG = "x" * 251  # with .png, .wav or .mp4: 255 bytes
LONG_CHINESE = "字" * 83 + "ab"  # likewise
BYTES = os.fsdecode(b"caf\xe9 \xff")


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(("你好世界", "صورة متكلمة", "😀👩‍🚀"), marks=[
            case("Places", "Names with emoji", made="rhapsode animate ... --out 😀👩‍🚀.mp4", happens="works"),
            case("Places", "Names in Arabic, with a space", made="mv speech.wav 'صورة متكلمة.wav'", happens="works"),
            case("Places", "Names in Chinese", made="mv face.png 你好世界.png", happens="works")]),
        pytest.param(("two\nlines", "-dash", "tab\tand\x1b[31mred"), marks=[
            posix,
            case("Places", "A name with a tab or an escape", made=r"--out $'tab\tand\e[31mred.mp4'", happens="works"),
            case("Places", "A name that begins with a dash", made="--audio=-dash.wav", happens="works"),
            case("Places", "A name of two lines", made=r"mv a.png $'two\nlines.png'", happens="works, told in one")]),
        pytest.param(("50% [x]*?", "$(pwd)'\"&|", "#~ {}"), marks=[
            posix,
            case("Places", "Names with what shells and patterns read", made="mv speech.wav '$(pwd)&|.wav'",
                 happens="works, taken as it is")]),
        pytest.param((BYTES, BYTES, BYTES), marks=[
            posix, not_mac,
            case("Places", "Names that are no UTF-8", made=r"mv face.png $'caf\xe9 \xff.png'", happens="works")]),
        pytest.param((LONG, LONG, LONG), marks=[
            case("Places", "Names of 255 bytes, the longest there are", made="--out $(printf 'x%.0s' {1..251}).mp4",
                 happens="works, for what is half-written too")]),
        pytest.param((LONG_CHINESE, LONG_CHINESE, LONG_CHINESE), marks=[
            case("Places", "Names of 255 bytes in Chinese", made="--out $(printf '字%.0s' {1..83})ab.mp4",
                 happens="works")]),
    ],
    ids=["alphabets", "control", "shell", "bytes", "long", "long-chinese"],
)  # fmt: skip
def test_names(bench: Bench, names: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(bench.folder)
    portrait = bench.portrait.rename(bench.folder / f"{names[0]}.png")
    voice = bench.speech.rename(bench.folder / f"{names[1]}.wav")
    outcome = bench.animate(portrait=portrait.name, audio=voice.name, out=f"{names[2]}.mp4", fps=5)
    assert outcome.code == 0, outcome.err
    assert outcome.err.count("\n") == 1  # the face is small
    assert sorted(path.suffix for path in bench.folder.iterdir()) == [".mp4", ".png", ".wav"]


@case("Places", "A name of more than 255 bytes", made="--out $(printf 'x%.0s' {1..252}).mp4",
      happens="refused before any work")  # fmt: skip
def test_a_name_that_is_too_long(bench: Bench, no_work: None) -> None:
    bench.refused(bench.animate(out=bench.folder / f"x{LONG}.mp4"), "name too long")


@case("Places", "Relative paths, and a folder through a link", made="ln -s videos link; --out ../link/talk.mp4",
      happens="works")  # fmt: skip
def test_relative_paths_and_linked_folders(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    (bench.folder / "work").mkdir()
    (bench.folder / "videos").mkdir()
    (bench.folder / "link").symlink_to("videos", target_is_directory=True)
    monkeypatch.chdir(bench.folder / "work")
    outcome = bench.animate(portrait="../astronaut.png", audio="../speech.wav", out="../link/talk.mp4", fps=5)
    assert outcome.code == 0
    assert Path("../videos/talk.mp4").is_file()


@posix
@case("Places", "The current folder is deleted", made="mkdir gone; cd gone; rmdir ../gone",
      happens="works for full paths; a relative one is refused before any work")  # fmt: skip
def test_a_current_folder_that_is_gone(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = bench.folder / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    bench.refused(bench.animate(out="talk.mp4"), "talk.mp4", "gone")
    assert bench.animate(fps=5).code == 0
    assert bench.out.is_file()
    checked = bench.run("doctor")
    assert checked.code == 1
    assert "the current folder is gone" in checked.out


@case("Places", "A terminal of Windows code page 1252", made="PYTHONIOENCODING=cp1252 rhapsode animate --out 你好.mp4",
      happens="works; the name is told in escapes")  # fmt: skip
def test_a_stdout_that_lacks_characters(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, "cp1252", errors="strict"))
    out = bench.folder / "你好.mp4"
    words = [f"--portrait={bench.portrait}", f"--audio={bench.speech}", f"--out={out}", "--fps=5"]
    assert bench.run("animate", *words).code == 0
    assert out.is_file()
    assert rb"\u4f60\u597d.mp4: 2 frames" in raw.getvalue()
