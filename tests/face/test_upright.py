import numpy as np
import pytest

from rhapsode.face.face import Face
from rhapsode.face.person import PersonNetwork
from rhapsode.face.tracker import FaceTracker
from rhapsode.face.upright import body_lies_above, stands_on_its_head


@pytest.fixture(scope="module")
def network() -> PersonNetwork:
    return PersonNetwork()


@pytest.fixture(scope="module")
def face(astronaut: np.ndarray) -> Face:
    with FaceTracker() as tracker:
        (found,) = tracker.detect(astronaut)
    return found


def on_its_head(face: Face) -> Face:
    """The mesh as it would be laid on the same face by one who sees it upside down."""
    return Face((2 * face.mesh.mean(0) - face.mesh) * np.array([1, 1, -1], np.float32))


def test_the_body_of_a_face_wrongly_seen_on_its_head_lies_above(
    network: PersonNetwork, astronaut: np.ndarray, face: Face
) -> None:
    assert not stands_on_its_head(face) and not body_lies_above(astronaut, face, network)
    wrong = on_its_head(face)
    assert stands_on_its_head(wrong) and body_lies_above(astronaut, wrong, network)


def test_the_body_of_a_face_in_a_picture_on_its_head_does_not(
    network: PersonNetwork, astronaut: np.ndarray, face: Face
) -> None:
    turned = np.ascontiguousarray(astronaut[::-1, ::-1])
    mesh = face.mesh * np.array([-1, -1, 1], np.float32) + np.array([*astronaut.shape[1::-1], 0], np.float32)
    assert stands_on_its_head(Face(mesh)) and not body_lies_above(turned, Face(mesh), network)
