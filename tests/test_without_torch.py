"""Without PyTorch portraits are animated, and what learns is refused with a line that says what to install."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image
from skimage import data

#: Makes the packages of the extra `train` as good as not installed, then runs the code that follows.
ABSENT = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("torch", "lightning_fabric", "faiss", "onnx"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
"""
COMMAND = ABSENT + "from rhapsode import cli; sys.exit(cli.main(sys.argv[1:]))"


def run(code: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code, *map(str, words)], capture_output=True, text=True)


@pytest.mark.slow
def test_a_portrait_is_animated_in_a_style_without_torch(tmp_path: Path) -> None:
    portrait, out = tmp_path / "astronaut.png", tmp_path / "out.mp4"
    Image.fromarray(data.astronaut()[:256, 96:352]).save(portrait)
    words: list[str | Path] = [
        "animate",
        "--portrait",
        portrait,
        "--text",
        "Hello.",
        "--style",
        "happy",
        "--out",
        out,
        "--quiet",
    ]
    result = run(COMMAND, *words)
    assert result.returncode == 0, result.stderr
    assert out.stat().st_size > 5000


@pytest.mark.parametrize("package", ["models", "data", "learning", "training", "evaluation"])
def test_each_package_that_learns_says_what_to_install(package: str) -> None:
    result = run(ABSENT + f"import rhapsode.{package}")
    assert result.returncode == 1
    last = result.stderr.splitlines()[-1]
    assert last.startswith("rhapsode.errors.InstallationError:")
    assert "needs PyTorch, which is not installed; pip install 'rhapsode[train]'" in last


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
def test_what_learns_is_refused_in_one_line(words: list[str], tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-c", COMMAND, *words], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "needs PyTorch" in result.stderr and "pip install 'rhapsode[train]'" in result.stderr
    assert not list(tmp_path.iterdir())


def test_importing_the_package_imports_none_of_what_is_slow_to_import() -> None:
    code = "import sys, rhapsode; print({'numpy', 'torch', 'onnxruntime', 'cv2', 'mediapipe', 'av'} & set(sys.modules))"
    result = run(code)
    assert result.returncode == 0 and result.stdout.strip() == "set()"
