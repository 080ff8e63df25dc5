"""The texture of the skin, taken off faces and found on them."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from rhapsode.face import texture
from rhapsode.face.expression_basis import expression_basis


def face(turn: float = 0.0) -> np.ndarray:
    """The mean mesh, 100 pixels between the corners of the eyes, turned to the picture's left by some degrees."""
    turned = expression_basis().resting @ Rotation.from_euler("y", turn, degrees=True).as_matrix().T
    mesh: np.ndarray = turned * 100 + [150, 120, 0]
    return mesh.astype(np.float32)


def grid() -> np.ndarray:
    return np.dstack(np.meshgrid(np.arange(0, 300, 2.0), np.arange(0, 280, 2.0)))


def test_the_mean_face_is_its_own_texture() -> None:
    places, sure = texture.places_in_texture(face(), grid())
    there = sure > 0.9
    assert there.mean() > 0.2
    expected = texture.to_texture((grid() - [150, 120]) / 100)
    assert np.abs(places - expected)[there].max() < 0.1


def test_a_picture_is_unwrapped_where_its_mesh_is() -> None:
    columns = np.repeat(np.linspace(0, 1, 300, dtype=np.float32)[None, :, None], 280, axis=0)
    skin, seen = texture.unwrapped(columns, face()[:, :2])
    expected = (texture.pixels()[..., 0] * 100 + 150) / 299
    assert seen.mean() > 0.5
    assert np.abs(skin.squeeze() - expected)[seen].max() < 0.01


@pytest.mark.parametrize("turn", [-50.0, 50.0])
def test_what_a_turned_face_hides_is_not_believed(turn: float) -> None:
    places, sure = texture.places_in_texture(face(turn), grid())
    middle = texture.to_texture(np.zeros(2))[0]
    far, near = ((places[..., 0] - middle) * np.sign(turn) > 30), ((places[..., 0] - middle) * np.sign(turn) < -15)
    counts = [(sure[side] > 0.5).sum() for side in (far, near)]
    assert min(counts) < 0.3 * max(counts)
