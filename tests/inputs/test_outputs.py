"""Where the video goes: what is refused before any work, and what is written."""

import io
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import av
import pytest
from tests.bench import Bench

from rhapsode import cli

case = pytest.mark.case
posix = pytest.mark.skipif(os.name != "posix", reason="Windows has no such files")


def make_folder(out: Path) -> None:
    out.mkdir()


def make_pipe(out: Path) -> None:
    os.mkfifo(out)


def make_circle(out: Path) -> None:
    out.symlink_to(out.name)


def make_link_to_nowhere(out: Path) -> None:
    out.symlink_to(out.parent / "nowhere" / "else.mp4")


def make_nothing(_: Path) -> None:
    """The folder has only what the bench put there."""


@pytest.mark.parametrize(
    ("name", "make", "said"),
    [
        pytest.param("nowhere/out.mp4", make_nothing, "create it first", marks=case(
            "Outputs", "A folder that is missing", made="--out nowhere/out.mp4", happens="refused before any work")),
        pytest.param("astronaut.png/out.mp4", make_nothing, "there is no folder", marks=case(
            "Outputs", "A folder that is a file", made="--out face.png/out.mp4", happens="refused before any work")),
        pytest.param("out.mp4", make_folder, "is a folder", marks=case(
            "Outputs", "A folder of the video's name", made="mkdir out.mp4", happens="refused before any work")),
        pytest.param("out.mp4", make_pipe, "pipe", marks=[posix, case(
            "Outputs", "A named pipe", made="mkfifo out.mp4", happens="refused before any work; the pipe stays")]),
        pytest.param("out.mp4", make_circle, "links", marks=[posix, case(
            "Outputs", "A link to itself", made="ln -s out.mp4 out.mp4", happens="refused before any work")]),
        pytest.param("out.mp4", make_link_to_nowhere, "there is no folder", marks=[posix, case(
            "Outputs", "A link into a folder that is missing", made="ln -s nowhere/else.mp4 out.mp4",
            happens="refused before any work")]),
        pytest.param("out", make_nothing, "let it end in .mp4", marks=case(
            "Outputs", "A name without an ending", made="--out out", happens="refused before any work")),
        pytest.param("out.mkv", make_nothing, "let it end in .mp4, .mov, .webm or .gif", marks=case(
            "Outputs", "Another kind of video", made="--out out.mkv",
            happens="refused before any work, with the list of what there is")),
        pytest.param("%05d.png", make_nothing, "a folder of their own", marks=case(
            "Outputs", "A pattern of pictures without a folder", made="--out %05d.png",
            happens="refused before any work")),
        pytest.param("frames/a.png", make_nothing, "no pattern of pictures", marks=case(
            "Outputs", "One picture", made="--out frames/a.png", happens="refused before any work")),
        pytest.param("nowhere/frames/", make_nothing, "create it first", marks=case(
            "Outputs", "A folder of pictures in a folder that is missing", made="--out nowhere/frames/",
            happens="refused before any work")),
        pytest.param(".mp4", make_nothing, "let it end in .mp4", marks=case(
            "Outputs", "Nothing but an ending", made="--out .mp4", happens="refused before any work")),
        pytest.param("", make_nothing, "let it end in .mp4", marks=case(
            "Outputs", "An empty name", made='--out ""', happens="refused before any work")),
    ],
)  # fmt: skip
def test_what_cannot_be_written_is_refused_before_any_work(
    bench: Bench,
    no_work: None,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    make: Callable[[Path], None],
    said: str,
) -> None:
    monkeypatch.chdir(bench.folder)
    make(bench.folder / name)
    before = sorted(path.name for path in bench.folder.iterdir())
    bench.refused(bench.animate(out=name), said)
    assert sorted(path.name for path in bench.folder.iterdir()) == before


@pytest.mark.parametrize(
    "link",
    [
        pytest.param(Path.symlink_to, marks=case(
            "Outputs", "A link to the portrait or the voice", made="ln -s voice.mp4 out.mp4; --audio voice.mp4",
            happens="refused before any work; the voice stays")),
        pytest.param(Path.hardlink_to, marks=case(
            "Outputs", "A second name of the portrait or the voice", made="ln voice.mp4 out.mp4; --audio voice.mp4",
            happens="refused before any work; the voice stays")),
    ],
)  # fmt: skip
def test_an_input_by_another_name_is_not_written_over(
    bench: Bench, no_work: None, link: Callable[[Path, Path], None]
) -> None:
    voice = bench.speech.rename(bench.folder / "voice.mp4")
    out = bench.folder / "out.mp4"
    link(out, voice)
    before = voice.read_bytes()
    bench.refused(bench.animate(audio=voice, out=out), "is an input too")
    assert voice.read_bytes() == before


@posix
@pytest.mark.parametrize(
    ("name", "said"),
    [
        pytest.param("talk.mp4", "not writable (permission denied)", marks=case(
            "Outputs", "A folder that is read-only", made="chmod a-w .", happens="refused before any work")),
        pytest.param("old.mp4", "write-protected", marks=case(
            "Outputs", "A video that is write-protected", made="chmod a-w old.mp4",
            happens="refused before any work; it stays")),
    ],
)  # fmt: skip
def test_without_rights(
    locked_folder: Path, no_work: None, capsys: pytest.CaptureFixture[str], name: str, said: str
) -> None:
    options = {"portrait": "astronaut.png", "audio": "speech.wav", "out": name}
    assert cli.main(["animate", *(f"--{key}={locked_folder / file}" for key, file in options.items())]) == 2
    assert f"{name}: " in (err := capsys.readouterr().err)
    assert said in err
    assert sorted(path.name for path in locked_folder.iterdir()) == ["astronaut.png", "old.mp4", "speech.wav"]


@posix
@case("Outputs", "A link to a video elsewhere", made="ln -s elsewhere/old.mp4 out.mp4",
      happens="the video is written there, the link stays")  # fmt: skip
@case("Outputs", "An ending in capitals", made="--out OUT.MP4", happens="works")
@case("Outputs", "A video that is there already", made="--out old.mp4", happens="replaced, once the new one is whole")
def test_a_video_goes_where_a_link_points(bench: Bench) -> None:
    elsewhere = bench.folder / "elsewhere"
    elsewhere.mkdir()
    old = elsewhere / "old.mp4"
    old.write_bytes(b"an old video")
    link = bench.folder / "OUT.MP4"
    link.symlink_to(old)
    assert bench.animate(out=link, fps=5).code == 0
    assert link.is_symlink()
    assert old.stat().st_size > 1000
    assert [path.name for path in elsewhere.iterdir()] == ["old.mp4"]


@case(
    "Outputs",
    "A folder that holds something",
    made="--out frames/",
    happens="refused before any work; with `--overwrite` it is replaced where it holds nothing but an earlier result",
)
@case("Outputs", "A folder with a file of yours", made="touch frames/diary.txt; --out frames/ --overwrite",
      happens="refused before any work; the file stays")  # fmt: skip
def test_a_folder_that_holds_something_stays(bench: Bench, no_work: None) -> None:
    frames = bench.folder / "frames"
    frames.mkdir()
    (frames / "00000.png").write_bytes(b"an earlier frame")
    bench.refused(bench.animate(out=f"{frames}/"), "not empty", "add --overwrite")
    (frames / "diary.txt").write_text("mine")
    bench.refused(bench.animate(out=f"{frames}/diary.txt/"), "is a file")
    outcome = bench.run(
        "animate", f"--portrait={bench.portrait}", f"--audio={bench.speech}", f"--out={frames}", "--overwrite"
    )
    bench.refused(outcome, "'diary.txt', which is no frame")
    assert sorted(path.name for path in frames.iterdir()) == ["00000.png", "diary.txt"]


@case("Outputs", "A GIF of more than 50 frames a second", made="--out out.gif --fps 60",
      happens="refused before any work: players would show it slowly")  # fmt: skip
def test_what_a_format_cannot_hold_is_refused(bench: Bench, no_work: None) -> None:
    bench.refused(bench.animate(out=bench.folder / "talk.gif", fps=60), "60 frames a second", "at most 50")


@case("Outputs", "ProRes 4444 for editors", made="--out out.mov", happens="works; PCM sound, 24 bits")
@case("Outputs", "VP9 and Opus", made="--out out.webm", happens="works")
@case("Outputs", "A GIF", made="--out out.gif", happens="works, without sound, which is said")
@case("Outputs", "A folder of pictures", made="--out frames/ or frames/%05d.png",
      happens="works; PNG files and sound.wav")  # fmt: skip
def test_every_kind_of_output_is_made(bench: Bench) -> None:
    streams = {"talk.mov": ["prores", "pcm_s24le"], "talk.webm": ["vp9", "opus"], "talk.gif": ["gif"]}
    for name, codecs in streams.items():
        outcome = bench.animate(out=bench.folder / name, fps=5)
        assert outcome.code == 0, outcome
        assert ("no sound" in outcome.err) == (name == "talk.gif")
        with av.open(bench.folder / name) as container:
            assert [stream.codec_context.name for stream in container.streams] == codecs
    frames = bench.folder / "frames"
    for _ in range(2):
        words = [f"--portrait={bench.portrait}", f"--audio={bench.speech}", f"--out={frames}/%d.png", "--fps=5"]
        assert bench.run("animate", *words, "--overwrite").code == 0
        assert sorted(path.name for path in frames.iterdir()) == ["0.png", "1.png", "sound.wav"]


@case(
    "Outputs",
    "A dash for stdout",
    made="--out - >talk.mp4",
    happens="works: a fragmented MP4; what is said goes to stderr",
)
@case("Outputs", "A reader of stdout that leaves", made="--out - | head -c 100", happens="stops, with one line")
def test_standard_output_takes_the_video_alone(bench: Bench) -> None:
    words = [f"--portrait={bench.portrait}", f"--audio={bench.speech}", "--out=-", "--fps=5"]
    command = [sys.executable, "-m", "rhapsode.cli", "animate", *words]
    done = subprocess.run(command, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert b"2 frames" in done.stderr
    with av.open(io.BytesIO(done.stdout)) as container:
        assert len(list(container.decode(video=0))) == 2
    reading, writing = os.pipe()
    os.close(reading)
    left = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert left.returncode == 2
    assert b"keep the stream open" in left.stderr and b"Exception ignored" not in left.stderr


def test_json_and_a_video_do_not_share_standard_output(bench: Bench, no_work: None) -> None:
    bench.refused(
        bench.run("animate", f"--portrait={bench.portrait}", f"--audio={bench.speech}", "--out=-", "--json"), "both"
    )
