"""A clip for the pages to learn from."""

from pathlib import Path

import numpy as np
import pytest

from rhapsode.animator import Animator
from rhapsode.media.synthesis import synthesise
from rhapsode.options import AnimationOptions


@pytest.fixture(scope="session")
def short_clip(animator: Animator, astronaut: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MP4 of the astronaut saying a few words, no longer than a style needs."""
    path = tmp_path_factory.mktemp("clips") / "short.mp4"
    voice = synthesise("Maybe my mother bought a pie.")
    animator.animate(astronaut[:256, 96:352], voice, AnimationOptions(head_motion=0.3)).save(path)
    return path
