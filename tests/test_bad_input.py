"""Bad input: one line that names the file, exit code 2, no traceback, nothing left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image
from skimage import data

from rhapsode import cli
from rhapsode.cli import animate as cli_animate
from rhapsode.media.writer import write_video
from tests.bench import Bench, Outcome, assert_no_video, astronaut, hum, write_sound

posix = pytest.mark.skipif(os.name != "posix", reason="needs limits and signals of POSIX")


# The portrait.


def test_no_face(bench: Bench) -> None:
    path = bench.folder / "coffee.png"
    Image.fromarray(data.coffee()).save(path)
    bench.refused(bench.animate(portrait=path), "coffee.png", "no face")


def test_a_face_too_small(bench: Bench) -> None:
    path = bench.folder / "small.png"
    canvas = Image.new("RGB", (512, 512), (90, 90, 90))
    canvas.paste(astronaut(180), (160, 160))  # 21 pixels between the outer corners of the eyes
    canvas.save(path)
    bench.refused(bench.animate(portrait=path), "small.png", "too small", "24")


def test_a_small_face_is_warned_of_and_animated(bench: Bench) -> None:
    outcome = bench.animate()  # 30 pixels between the outer corners of the eyes
    assert outcome.code == 0
    assert outcome.err.startswith("rhapsode: warning: ")
    assert outcome.err.count("\n") == 1
    assert "astronaut.png" in outcome.err
    assert "48" in outcome.err
    assert bench.out.is_file()


def test_several_faces_are_warned_of_and_json_stays_one_line(bench: Bench) -> None:
    path = bench.folder / "two.png"
    canvas = Image.new("RGB", (800, 450), (90, 90, 90))
    canvas.paste(astronaut(450), (0, 0))
    canvas.paste(astronaut(420), (450, 15))
    canvas.save(path)
    code = cli.main(
        ["animate", f"--portrait={path}", f"--audio={bench.speech}", f"--out={bench.out}", "--size=800", "--json"]
    )
    captured = bench.capsys.readouterr()
    assert code == 0
    assert captured.out.count("\n") == 1
    assert captured.err.count("\n") == 1
    assert "2 faces" in captured.err
    assert "--face" in captured.err
    assert "the largest, first from the left of 2" in captured.err


def test_a_face_that_is_not_there(bench: Bench) -> None:
    bench.refused(bench.animate(face=3), "astronaut.png", "face 3")


def test_a_portrait_that_is_no_picture(bench: Bench) -> None:
    path = bench.folder / "notes.jpg"
    path.write_text("not a picture")
    bench.refused(bench.animate(portrait=path), "notes.jpg", "not a picture")


def test_a_portrait_cut_short(bench: Bench) -> None:
    path = bench.folder / "half.png"
    path.write_bytes(bench.portrait.read_bytes()[:20_000])
    bench.refused(bench.animate(portrait=path), "half.png", "anew")


def test_a_portrait_that_is_missing_or_a_folder(bench: Bench) -> None:
    bench.refused(bench.animate(portrait=bench.folder / "missing.png"), "missing.png", "no such file")
    bench.refused(bench.animate(portrait=bench.folder), bench.folder.name, "folder")


def test_a_portrait_that_would_run_another_program(bench: Bench) -> None:
    path = bench.folder / "drawing.eps"
    astronaut(256).save(path)
    bench.refused(bench.animate(portrait=path), "drawing.eps", "not a picture")


def test_a_portrait_of_more_pixels_than_any_camera_has(bench: Bench) -> None:
    path = bench.folder / "wall.png"
    Image.new("1", (20_000, 11_000)).save(path)
    bench.refused(bench.animate(portrait=path), "wall.png", "201 million pixels")


# The style.


def test_a_style_that_is_a_picture_named_as_a_video(bench: Bench) -> None:
    path = bench.folder / "clip.mp4"
    astronaut(256).save(path, format="JPEG")
    bench.refused(bench.animate(style=path), "clip.mp4", "neither a style file nor a video")


def test_a_style_clip_cut_short(bench: Bench) -> None:
    path = bench.folder / "clip.mp4"
    write_video((np.zeros((64, 64, 3), np.uint8) for _ in range(30)), path, 25, bench.speech)
    path.write_bytes(path.read_bytes()[:300])
    bench.refused(bench.animate(style=path), "clip.mp4", "neither a style file nor a video")


def test_a_style_clip_that_is_missing(bench: Bench) -> None:
    bench.refused(bench.animate(style=bench.folder / "missing.3gp"), "missing.3gp", "check the path")


# The sound.


def test_a_sound_that_is_missing(bench: Bench) -> None:
    bench.refused(bench.animate(audio=bench.folder / "missing.wav"), "missing.wav", "no such file")


def test_a_sound_that_is_no_sound(bench: Bench) -> None:
    path = bench.folder / "notes.wav"
    path.write_text("not a sound")
    bench.refused(bench.animate(audio=path), "notes.wav")
    bench.refused(bench.animate(audio=bench.portrait), "astronaut.png", "audio")


def test_a_video_without_sound(bench: Bench) -> None:
    path = bench.folder / "silent.mp4"
    write_video((np.zeros((64, 64, 3), np.uint8) for _ in range(3)), path, 25)
    bench.refused(bench.animate(audio=path), "silent.mp4", "no audio track")


def test_a_sound_without_samples(bench: Bench) -> None:
    write_sound(bench.folder / "void.wav", np.zeros(0))
    bench.refused(bench.animate(audio=bench.folder / "void.wav"), "void.wav", "empty")
    (bench.folder / "zero.wav").touch()
    bench.refused(bench.animate(audio=bench.folder / "zero.wav"), "zero.wav", "empty")


def test_a_sound_that_is_not_finite(bench: Bench) -> None:
    path = bench.folder / "nan.wav"
    with av.open(path, "w") as container:
        stream = container.add_stream("pcm_f32le", rate=16_000, layout="mono")
        frame = av.AudioFrame.from_ndarray(np.full((1, 8000), np.nan, np.float32), format="flt", layout="mono")
        frame.sample_rate = 16_000
        container.mux(stream.encode(frame))
    bench.refused(bench.animate(audio=path), "nan.wav", "not finite")


def test_a_text_without_words(bench: Bench) -> None:
    bench.refused(bench.animate(audio=None, text=""), "no text")
    bench.refused(bench.animate(audio=None, text=" \n"), "no text")


def test_a_voice_that_is_not_there(bench: Bench) -> None:
    bench.refused(bench.animate(audio=None, text="Hello.", voice="klingonese"), "klingonese")


def test_a_text_without_a_synthesiser(bench: Bench) -> None:
    program = (
        "import sys; sys.modules['espeakng_loader'] = None; from rhapsode import cli; sys.exit(cli.main(sys.argv[1:]))"
    )
    words = ["animate", f"--portrait={bench.portrait}", "--text=Hello.", f"--out={bench.out}"]
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=False)
    bench.refused(Outcome(done.returncode, done.stdout, done.stderr), "espeak-ng", "rhapsode[text]")


# Usage.


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"bogus": 1}, ["--bogus", "rhapsode animate --help"]),
        ({"fps": "fast"}, ["--fps", "fast"]),
        ({"size": "big"}, ["--size"]),
        ({"size": 4}, ["--size", "64"]),
        ({"face": 0}, ["--face"]),
        ({"mouth": -1}, ["--mouth"]),
        ({"mouth": "nan"}, ["--mouth"]),
        ({"seed": -1}, ["--seed"]),
        ({"text": "Both."}, ["--audio", "--text"]),
        ({"audio": None}, ["--audio", "--text"]),
        ({"portrait": None}, ["--portrait"]),
        ({"out": None}, ["--out"]),
    ],
)
def test_usage(bench: Bench, options: dict[str, object], words: list[str]) -> None:
    outcome = bench.animate(**options)
    bench.refused(outcome, "--help", *words)
    assert not any(mark in outcome.err for mark in "│╭╰")


def test_an_unknown_verb(bench: Bench) -> None:
    bench.refused(bench.run("animat"), "animat", "--help")


def test_training_without_clips(bench: Bench) -> None:
    outcome = bench.run("train", "motion-generator", f"--data={bench.folder}", f"--out={bench.folder / 'run'}")
    bench.refused(outcome, bench.folder.name, "clips.csv")
    assert not (bench.folder / "run").exists()


# The output.


def test_a_folder_that_is_missing(bench: Bench) -> None:
    bench.refused(bench.animate(out=bench.folder / "nowhere" / "talk.mp4"), "nowhere", "create it")


@posix
def test_a_folder_that_cannot_be_written_to(locked_folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = {"portrait": "astronaut.png", "audio": "speech.wav", "out": "talk.mp4"}
    code = cli.main(["animate", *(f"--{name}={locked_folder / file}" for name, file in options.items())])
    err = capsys.readouterr().err
    assert code == 2
    assert err.count("\n") == 1
    assert "talk.mp4" in err
    assert "not writable" in err
    assert_no_video(locked_folder)


@pytest.mark.parametrize("name", ["talk.avi", "talk", "talk.mkv"])
def test_a_name_that_is_no_mp4(bench: Bench, name: str) -> None:
    bench.refused(bench.animate(out=bench.folder / name), name, ".mp4")


def test_inputs_are_not_written_over(bench: Bench) -> None:
    voice = bench.folder / "voice.mp4"
    write_video((np.zeros((64, 64, 3), np.uint8) for _ in range(3)), voice, 25, bench.speech)
    before = voice.read_bytes()
    bench.refused(bench.animate(audio=voice, out=voice), "voice.mp4", "input")
    assert voice.read_bytes() == before


def start(bench: Bench, seconds: float, limit_bytes: int | None = None) -> "subprocess.Popen[str]":
    """Start a real process that can be interrupted; `limit_bytes` is the largest file that it may write."""
    write_sound(bench.speech, hum(seconds))
    words = [f"--portrait={bench.portrait}", f"--audio={bench.speech}", f"--out={bench.out}"]

    def limit() -> None:
        # A shell starts what runs in its background deaf to Ctrl-C, and children inherit that.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        if limit_bytes is not None:
            import resource

            resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))
            # Python ignores the signal by itself, so that writing fails as it does on a full disk.

    return subprocess.Popen(
        [sys.executable, "-m", "rhapsode.cli", "animate", "--quiet", *words],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=limit,
    )  # fmt: skip


def own_lines(err: str) -> list[str]:
    """The lines of the program itself; warnings are not in question here."""
    return [line for line in err.splitlines() if line.startswith("rhapsode: ") and "warning" not in line]


@posix
def test_no_room_on_the_disk(bench: Bench) -> None:
    process = start(bench, 2.0, limit_bytes=20_000)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 2, err
    assert "Traceback" not in err
    (line,) = own_lines(err)
    assert "talk.mp4" in line
    assert_no_video(bench.folder)


@posix
@pytest.mark.parametrize("kind", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupt_leaves_nothing(bench: Bench, kind: signal.Signals) -> None:
    process = start(bench, 20.0)
    deadline = time.monotonic() + 60
    while not list(bench.folder.glob(".talk.*.part.mp4")) and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    time.sleep(0.3)  # some frames into the video
    process.send_signal(kind)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert out == ""
    assert own_lines(err) == ["rhapsode: interrupted; nothing half-written stays"]
    assert "Traceback" not in err
    assert_no_video(bench.folder)


def test_names_too_long_for_the_file_system(bench: Bench) -> None:
    bench.refused(bench.animate(portrait="p" * 300 + ".png"), "too long")
    bench.refused(bench.animate(audio="a" * 300 + ".wav"), "too long")
    bench.refused(bench.animate(out=bench.folder / ("o" * 300 + ".mp4")), "too long")


# Faults of the program itself.


def test_a_bug_is_called_one(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_options: object) -> None:
        raise ZeroDivisionError("a fault\nof two lines")

    monkeypatch.setattr(cli_animate, "AnimationOptions", broken)
    outcome = bench.animate()
    assert outcome.code == 1
    assert outcome.err.count("\n") == 1
    assert "bug" in outcome.err
    assert "--debug" in outcome.err
    shown = bench.run("animate", f"--portrait={bench.portrait}", "--text=Hi.", f"--out={bench.out}", "--debug")
    assert shown.code == 1
    assert "Traceback" in shown.err


def test_debug_shows_the_traceback_of_a_refusal(bench: Bench) -> None:
    outcome = bench.run("animate", "--portrait=none.png", "--text=Hi.", f"--out={bench.out}", "--debug")
    assert outcome.code == 2
    assert "Traceback" in outcome.err
