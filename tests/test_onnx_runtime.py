"""Networks run without a word to anyone: ONNX Runtime's telemetry is off before it is loaded."""

import os
import subprocess
import sys
from pathlib import Path

LOAD = """
import numpy as np
from rhapsode import Animator
from rhapsode.face.tracker import FaceTracker
Animator.from_pretrained()
with FaceTracker() as tracker:
    tracker.detect(np.zeros((64, 64, 3), np.uint8))
"""


def test_models_and_tracker_leave_nothing_in_the_home_folder(tmp_path: Path) -> None:
    home = {"HOME": str(tmp_path), "USERPROFILE": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    # In continuous integration the runtime is silent by itself: the test would show nothing there.
    loud = {name: value for name, value in os.environ.items() if name not in ("CI", "ORT_DISABLE_TELEMETRY")}
    subprocess.run([sys.executable, "-c", LOAD], env=loud | home, check=True)
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]
