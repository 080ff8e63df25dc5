from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from scipy.spatial.transform import Rotation

from rhapsode.errors import WeightsError
from rhapsode.face.expression_basis import expression_basis
from rhapsode.face.expression_network import ExpressionNetwork, points_of
from rhapsode.face.tracker import FaceTracker
from rhapsode.face.units import UNITS


@pytest.fixture(scope="module")
def network() -> ExpressionNetwork:
    return ExpressionNetwork.load()


def _face(**units: float) -> np.ndarray:
    """A resting face that does some units on both sides, (1, 478, 3) pixels."""
    basis = expression_basis()
    told = np.array([max((how for name, how in units.items() if unit.startswith(name)), default=0) for unit in UNITS])
    return 100 * (basis.resting + np.tensordot(told, basis.mesh, 1))[None] + 200


@pytest.mark.parametrize(
    ("unit", "by"),
    [("mouthSmile", 0.3), ("browInnerUp", 0.2), ("browOuterUp", 0.2), ("eyeBlink", 0.3), ("jawOpen", 0.4),
     ("mouthPucker", 0.3), ("mouthUpperUp", 0.4)],
)  # fmt: skip
def test_a_unit_that_a_face_does_is_seen(network: ExpressionNetwork, unit: str, by: float) -> None:
    change = (network.units(_face(**{unit: 1.0})) - network.units(_face()))[0]
    own = [change[n] for n, name in enumerate(UNITS) if name.startswith(unit)]
    assert np.mean(own) > by


def test_turn_size_and_place_of_the_head_change_little(network: ExpressionNetwork) -> None:
    face = _face(mouthSmile=0.8, browInnerUp=0.5)
    turned = Rotation.from_rotvec([0.1, 0.2, 0.3]).apply(face[0])[None] * 1.7 + 40
    assert np.abs(network.units(turned) - network.units(face)).max() < 0.05


def test_frames_are_read_as_one_by_one_and_none_gives_none(network: ExpressionNetwork) -> None:
    faces = np.concatenate([_face(jawOpen=how) for how in np.linspace(0, 1, 5)])
    together = network.units(faces)
    assert together.shape == (5, 51) and together.dtype == np.float32
    assert together.min() >= 0 and together.max() <= 1
    assert np.allclose(together, np.concatenate([network.units(face[None]) for face in faces]), atol=1e-5)
    assert network.units(np.empty((0, 478, 3), np.float32)).shape == (0, 51)


def test_a_photographed_smile_is_seen(network: ExpressionNetwork, astronaut: np.ndarray) -> None:
    with FaceTracker() as tracker:
        units = network.units(tracker.detect(astronaut)[0].mesh[None])[0]
    smile = [UNITS.index("mouthSmileLeft"), UNITS.index("mouthSmileRight")]
    assert (units - network.neutral)[smile].min() > 0.3


def test_neutral_speakers_are_not_alike(network: ExpressionNetwork) -> None:
    assert network.neutral.shape == network.spread.shape == (51,)
    assert 0 < network.spread.max() < 0.5 and network.neutral[UNITS.index("mouthFrownLeft")] < 0.1


def test_points_are_those_of_the_face_seen_from_the_front() -> None:
    assert points_of(_face()).shape == (1, 292)


@pytest.mark.parametrize("tensors", [{"mean": np.zeros(3, np.float32)}, {}])
def test_other_weights_are_refused(tmp_path: Path, tensors: dict[str, np.ndarray]) -> None:
    save_file(tensors, tmp_path / "network.safetensors")
    with pytest.raises(WeightsError, match="not a usable expression network"):
        ExpressionNetwork.load(tmp_path / "network.safetensors")
