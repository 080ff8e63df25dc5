"""Where little is there and little is allowed: containers, services, full disks. Each process shows several at once."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.bench import Bench

case = pytest.mark.case
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="needs rights and limits of Linux")

#: May read what root may, and write only what is everybody's; a number that no list of users has.
_READS_ALL = ["--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"]
STRANGER = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups", *_READS_ALL]
SOURCE = Path(__file__).parents[2] / "src"

#: Runs a list of command lines, and prints what each did and what the process is.
PROGRAM = """
import contextlib, io, json, os, sys
from pathlib import Path
from rhapsode import cli
import rhapsode
done = []
for words in json.loads(sys.argv[1]):
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.main(words)
    done.append({"code": code, "out": out.getvalue(), "err": err.getvalue()})
libraries = {line.split()[-1] for line in open("/proc/self/maps") if ".so" in line}
installed = os.access(Path(rhapsode.__file__).parent, os.W_OK)
facts = {"done": done, "libraries": sorted(libraries), "installation_writable": installed}
facts["models_loaded"] = "onnxruntime" in sys.modules
print(json.dumps(facts))
"""


def run(
    commands: Sequence[Sequence[str]],
    environment: dict[str, str] | None = None,
    prefix: Sequence[str] = (),
    limits: Callable[[], object] | None = None,
) -> dict[str, Any]:
    """Run command lines in a process of their own, with an environment that has nothing else."""
    done = subprocess.run(
        [*prefix, sys.executable, "-c", PROGRAM, json.dumps(commands)],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(SOURCE), "OMP_NUM_THREADS": "1"} | (environment or {}),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, preexec_fn=limits, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return dict(json.loads(done.stdout))


@pytest.fixture
def stranger(bench: Bench, tmp_path_factory: pytest.TempPathFactory) -> Sequence[str]:
    """What stands before a command, so that it runs as nobody known; the folder of the bench is everybody's."""
    for folder in (bench.folder, *bench.folder.parents):
        if folder == tmp_path_factory.getbasetemp().parent.parent:
            break
        folder.chmod(0o755)
    bench.folder.chmod(0o777)
    if os.geteuid() or shutil.which("setpriv") is None:
        pytest.skip("needs root, and setpriv")
    if subprocess.run([*STRANGER, sys.executable, "-c", ""], check=False, capture_output=True).returncode:
        pytest.skip("this Python may not be run by others")
    return STRANGER


def words(bench: Bench, **options: object) -> list[str]:
    given = {"portrait": bench.portrait, "audio": bench.speech, "out": bench.out, "fps": 5} | options
    return ["animate", *(f"--{name.replace('_', '-')}={word}" for name, word in given.items())]


@case("Places", "A user id without a name", made="docker run --user 54321; setpriv --reuid=54321", happens="works")
@case("Places", "No home folder: no HOME", made="env -i rhapsode animate ...", happens="works; nothing is cached")
@case("Places", "No TMPDIR", made="env -u TMPDIR", happens="works")
@case("Places", "A read-only installation", made="chmod -R a-w site-packages; docker run --read-only", happens="works")
@case("Places", "Styles by name, without a home folder", made="env -u HOME rhapsode animate --style happy",
      happens="works with those that are shipped")  # fmt: skip
@case("Places", "A style to keep, without a home folder", made="env -u HOME rhapsode styles import my.safetensors",
      happens="refused: name a folder with --library")  # fmt: skip
@case("Places", "A limit of 32 open files", made="ulimit -n 32", happens="works")
@case("Places", "One core of many", made="taskset -c 0", happens="works, with one thread for frames")
@case("Systems", "No libGL, X11 or other libraries of a desktop", made="docker run python:slim", happens="works")
@case("Systems", "Telemetry of ONNX Runtime", made="pip install onnxruntime==1.32",
      happens="is off before it is loaded: nothing is kept, nothing sent")  # fmt: skip
def test_a_container(bench: Bench, stranger: Sequence[str]) -> None:
    def limits() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})

    style = SOURCE / "rhapsode/weights/styles/happy.safetensors"
    found = run(
        [words(bench, style="happy"), ["doctor"], ["styles"], ["styles", "import", str(style), "--name=mine"]],
        prefix=stranger,
        limits=limits,
    )
    animated, checked, listed, refused = found["done"]
    assert animated["code"] == 0, animated
    assert bench.out.stat().st_uid == 54321
    assert checked["code"] == 0, checked
    assert "1 usable" in checked["out"]
    assert "happy" in listed["out"]
    assert refused["code"] == 2
    assert "no home folder" in refused["err"] and "--library" in refused["err"]
    assert not found["installation_writable"]
    # Wheels bring what they need; of the system's libraries, only those that every system has.
    system = [Path(name).name for name in found["libraries"] if name.startswith(("/lib", "/usr/lib"))]
    assert system
    assert not [name for name in system if name.startswith(("libGL", "libX", "libxcb", "libSM", "libglib", "libgthr"))]


@case("Places", "Little address space", made="ulimit -v 900000", happens="refused: how much is needed")
def test_little_memory(bench: Bench) -> None:
    def limits() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (900_000 * 1024,) * 2)

    (refused,) = run([words(bench)], limits=limits)["done"]
    assert refused["code"] == 2
    assert "1.25 GB of address space are needed, and this process may have 0.92" in refused["err"]
    assert not bench.out.exists()


@case("Places", "HOME is a folder that is not there", made="HOME=/nonexistent", happens="works; nothing is cached")
@case("Places", "A read-only temporary folder", made="TMPDIR=/usr", happens="works; nothing is written there")
@case("Places", "A read-only cache folder", made="RHAPSODE_CACHE=/usr", happens="works; nothing is cached")
@case("Places", "A locale without Unicode", made="LC_ALL=C PYTHONUTF8=0 PYTHONCOERCECLOCALE=0, --out 你好.mp4",
      happens="works")  # fmt: skip
@case("Places", "A locale that is not installed", made="LANG=xx_YY.UTF-8", happens="works")
def test_an_environment_of_wrong_values(bench: Bench, stranger: Sequence[str]) -> None:
    locked = bench.folder / "locked"
    locked.mkdir(0o555)
    out = bench.folder / "你好.mp4"
    environment = {"HOME": "/nonexistent", "TMPDIR": str(locked), "RHAPSODE_CACHE": str(locked)}
    environment |= {"LC_ALL": "C", "LANG": "xx_YY.UTF-8", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    # As Python reads the command line where it knows no more than ASCII.
    read = [os.fsencode(word).decode("ascii", "surrogateescape") for word in words(bench, out=out)]
    found = run([read], environment, stranger)
    (animated,) = found["done"]
    assert animated["code"] == 0, animated
    assert out.is_file()
    assert not list(locked.iterdir())


@case("Places", "No room anywhere: disk, cache and temporary folder are full", made="ulimit -f 0",
      happens="refused before any work; doctor says what is not writable")  # fmt: skip
def test_full_disks(bench: Bench) -> None:
    def limits() -> None:
        import resource

        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))

    found = run([words(bench)], limits=limits)
    (refused,) = found["done"]
    assert refused["code"] == 2
    assert "talk.mp4" in refused["err"] and refused["err"].count("\n") == 1
    assert not found["models_loaded"]
    assert not bench.out.exists()
    (checked,) = run([["doctor"]], limits=limits)["done"]
    assert checked["code"] == 0, checked
    assert "is not writable" in checked["out"]


@case("Places", "Closed stdin, stdout and stderr", made="rhapsode animate ... <&- >&- 2>&-",
      happens="works; nothing that is printed goes into the video")  # fmt: skip
@case("Places", "TMPDIR is a folder that is not there", made="TMPDIR=/nonexistent", happens="works")
@case("Places", "No terminal: cron, a service of systemd", made="env -u TERM rhapsode animate ... </dev/null",
      happens="works; progress is told in lines")  # fmt: skip
def test_closed_streams(bench: Bench) -> None:
    def close() -> None:
        for number in range(3):
            with contextlib.suppress(OSError):
                os.close(number)

    command = [sys.executable, "-m", "rhapsode.cli", *words(bench)]
    environment = os.environ | {"TMPDIR": "/nonexistent", "TERM": ""}
    assert subprocess.run(command, preexec_fn=close, env=environment, check=False).returncode == 0
    from rhapsode.media.reader import read_frames

    assert len(list(read_frames(bench.out))) == 2


@case("Places", "A full disk behind stdout", made="rhapsode styles >/dev/full", happens="refused, and says so")
@case("Places", "A full disk behind stderr", made="rhapsode animate ... 2>/dev/full", happens="goes on without words")
def test_streams_that_take_nothing(bench: Bench) -> None:
    command = [sys.executable, "-m", "rhapsode.cli"]
    with Path("/dev/full").open("w") as full:
        listed = subprocess.run([*command, "styles"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        silent = subprocess.run([*command, "animat"], stderr=full, check=False)
    assert listed.returncode == 2
    assert listed.stderr.count("\n") == 1
    assert "cannot write or open (no space left on device)" in listed.stderr
    assert silent.returncode == 2  # as with a stderr that takes it
