"""The page of compatibility says what the tests beside this one show."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_page_is_what_the_tests_say(tmp_path: Path) -> None:
    # In a process of its own: pytest does not collect within pytest.
    made = tmp_path / "compatibility.md"
    command = [sys.executable, "tools/compatibility.py", str(made)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert made.read_text("utf-8") == (ROOT / "docs/compatibility.md").read_text("utf-8"), "make compatibility"
