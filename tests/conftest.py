"""What several tests speak to: a real portrait, a spoken sentence, and a talking clip that the project itself made."""

from pathlib import Path

import numpy as np
import pytest
import skimage.data

from rhapsode.animator import Animator
from rhapsode.audio.speech import synthesise
from rhapsode.audio.waveform import Waveform


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the slow tests last."""
    items.sort(key=lambda item: item.get_closest_marker("slow") is not None)


@pytest.fixture(scope="session")
def astronaut() -> np.ndarray:
    """(512, 512, 3) uint8: a photograph by NASA, in the public domain."""
    return np.asarray(skimage.data.astronaut())


@pytest.fixture(scope="session")
def sentence() -> Waveform:
    return synthesise("Maybe my mother bought a big apple pie today.")


@pytest.fixture(scope="session")
def animator() -> Animator:
    return Animator.from_pretrained()


@pytest.fixture(scope="session")
def talking_clip(
    animator: Animator, astronaut: np.ndarray, sentence: Waveform, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """An MP4 of the astronaut saying the sentence, 256 px, 25 fps."""
    path = tmp_path_factory.mktemp("clips") / "talking.mp4"
    animator.animate(astronaut[:256, 96:352], sentence, head_motion=0.3).save(path)
    return path
