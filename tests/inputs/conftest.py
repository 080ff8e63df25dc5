"""What tests of inputs share."""

import numpy as np
import pytest

from rhapsode.animator import Animator
from rhapsode.media.synthesis import synthesise
from rhapsode.media.waveform import resample


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fail where models are loaded: what is refused early is refused before."""

    def load(*_: object) -> None:
        raise AssertionError("the models were loaded in vain")

    monkeypatch.setattr(Animator, "from_pretrained", load)


@pytest.fixture(scope="session")
def voice() -> np.ndarray:
    """(n,) float32 at 48 kHz: under a second of speech, peak 0.5."""
    spoken = resample(synthesise("Hello there."), 48_000).samples
    return spoken * np.float32(0.5 / np.abs(spoken).max())
