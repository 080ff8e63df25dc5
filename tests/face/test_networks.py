"""The networks that come with the package are those that the model cards name."""

import hashlib
import re
from importlib.resources import files

import numpy as np
import pytest

from rhapsode.face.networks import NetworkName, open_network

NAMES: tuple[NetworkName, ...] = ("detector_short", "detector_full", "mesh", "person")


@pytest.mark.parametrize("name", NAMES)
def test_a_network_has_the_hash_that_its_model_card_gives(name: str) -> None:
    weights = files("rhapsode.weights")
    digest = hashlib.sha256((weights / "face" / f"{name}.onnx").read_bytes()).hexdigest()
    assert re.search(rf"`{name}\.onnx`.*{digest}", (weights / "README.md").read_text(encoding="utf-8"))


@pytest.mark.parametrize("name", NAMES)
def test_a_network_takes_several_pictures_at_once(name: NetworkName) -> None:
    network = open_network(name)
    side = network.get_inputs()[0].shape[1]
    pictures = np.random.default_rng(0).integers(0, 256, (3, side, side, 3), dtype=np.uint8)
    together = network.run(None, {"image": pictures})
    for i in range(3):
        alone = network.run(None, {"image": pictures[i : i + 1]})
        for one, all_ in zip(alone, together, strict=True):
            np.testing.assert_allclose(one[0], all_[i], atol=1e-3)


def test_the_networks_together_are_small() -> None:
    sizes = [len((files("rhapsode.weights") / "face" / f"{name}.onnx").read_bytes()) for name in NAMES]
    assert sum(sizes) < 4_200_000
