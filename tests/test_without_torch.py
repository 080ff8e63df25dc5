"""Without PyTorch portraits speak, and what learns is refused with a line that says what to install."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from skimage import data

#: Runs the command line as if the packages of the extra `train` were not installed.
WITHOUT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "lightning_fabric", "faiss", "onnx"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from rhapsode import cli
sys.exit(cli.main(sys.argv[1:]))
"""


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", WITHOUT, *map(str, words)], capture_output=True, text=True)


@pytest.mark.slow
def test_a_portrait_speaks_in_a_style_without_torch(tmp_path: Path) -> None:
    portrait, out = tmp_path / "astronaut.png", tmp_path / "out.mp4"
    Image.fromarray(data.astronaut()[:256, 96:352]).save(portrait)
    result = run("animate", "--portrait", portrait, "--text", "Hello.", "--style", "happy", "--out", out, "--quiet")
    assert result.returncode == 0, result.stderr
    assert out.stat().st_size > 5000


@pytest.mark.slow
@pytest.mark.parametrize(
    "words",
    [
        ["train", "head-motion", "--data", ".", "--out", "runs"],
        ["prepare", ".", "--out", "store"],
        ["learn-style", "clip.mp4", "--name", "ballad"],
        ["evaluate", "motion", "--data", "."],
        ["export", "weights.safetensors"],
    ],
    ids=lambda words: words[0],
)
def test_what_learns_is_refused_in_one_line(words: list[str]) -> None:
    result = run(*words)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "needs PyTorch" in result.stderr and "pip install 'rhapsode[train]'" in result.stderr


@pytest.mark.slow
def test_importing_the_package_takes_no_time() -> None:
    code = "import time; t = time.perf_counter(); import rhapsode; print(time.perf_counter() - t)"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert float(result.stdout) < 0.5
