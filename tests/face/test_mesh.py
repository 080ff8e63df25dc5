"""The mesh network: what it measures in regions, and how the finer points are laid into the mesh."""

import numpy as np
import pytest

from rhapsode.face.crop import Region
from rhapsode.face.mesh import MeshNetwork, refine


@pytest.fixture(scope="module")
def network() -> MeshNetwork:
    return MeshNetwork()


def test_finer_points_replace_those_of_the_mesh_and_keep_its_depth() -> None:
    mesh = np.zeros((1, 468, 3), np.float32)
    mesh[..., 2] = np.arange(468)
    finer = [np.full((1, count, 2), value, np.float32) for value, count in enumerate((80, 71, 71, 5, 5), start=1)]
    (fine,) = refine(mesh, *finer)
    assert fine.shape == (478, 3)
    assert fine[61, 0] == 1 and fine[33, 0] == 2 and fine[263, 0] == 3 and fine[468, 0] == 4 and fine[473, 0] == 5
    assert fine[1, 0] == 0  # the nose has nothing finer
    np.testing.assert_array_equal(fine[:468, 2], np.arange(468))
    lids = [33, 7, 163, 144, 145, 153, 154, 155, 133, 246, 161, 160, 159, 158, 157, 173]
    np.testing.assert_allclose(fine[468:473, 2], np.mean(lids))


def test_several_regions_at_once_give_what_each_gives_alone(network: MeshNetwork, astronaut: np.ndarray) -> None:
    regions = [Region(224, 110, 160), Region(226, 112, 170, 0.1)]
    meshes, scores = network.at(astronaut, regions)
    assert meshes.shape == (2, 478, 3) and meshes.dtype == np.float32
    for region, mesh, score in zip(regions, meshes, scores, strict=True):
        (alone,), (alone_score,) = network.at(astronaut, [region])
        np.testing.assert_allclose(mesh, alone, atol=1e-3)
        assert score == pytest.approx(alone_score, abs=1e-5)


def test_the_network_knows_a_face_from_none(network: MeshNetwork, astronaut: np.ndarray) -> None:
    _, scores = network.at(astronaut, [Region(224, 110, 160), Region(60, 430, 100)])
    assert scores[0] > 0.99 and scores[1] < 0.5


@pytest.mark.parametrize("degrees", [-60, 90, 180, 213])
def test_the_mesh_of_a_turned_region_is_the_mesh_turned(
    network: MeshNetwork, astronaut: np.ndarray, degrees: int
) -> None:
    (upright,), _ = network.at(astronaut, [Region(224, 110, 160)])
    quarter, size = np.radians(degrees), len(astronaut)
    turned = Region(size / 2, size / 2, size, -quarter).cut(astronaut, size, 0)
    cosine, sine = np.cos(quarter), np.sin(quarter)
    matrix = np.array([[cosine, -sine], [sine, cosine]])
    x, y = matrix @ (np.array([224, 110]) - size / 2) + size / 2
    (mesh,), _ = network.at(turned, [Region(x, y, 160, quarter)])
    wanted = (upright[:, :2] - size / 2) @ matrix.T + size / 2
    assert np.linalg.norm(mesh[:, :2] - wanted, axis=1).mean() < 1.0
    assert np.abs(mesh[:, 2] - upright[:, 2]).mean() < 1.0
