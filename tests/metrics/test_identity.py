import numpy as np
import pytest

from rhapsode.metrics.identity import Identity


def test_the_same_face_is_alike_whatever_its_light(astronaut: np.ndarray) -> None:
    identity = Identity.load()
    if identity.describe is None:
        pytest.skip("rhapsode[identity] is not installed")
    darker = (astronaut * 0.8).astype(np.uint8)
    likeness = identity.likeness(astronaut, darker)
    assert likeness is not None and likeness > 0.95
    assert identity.likeness(astronaut, np.full_like(astronaut, 128)) is None


def test_without_its_packages_nothing_is_told(astronaut: np.ndarray) -> None:
    assert Identity(None).likeness(astronaut, astronaut) is None
