import numpy as np
import pytest

from rhapsode.face.geometry import Pose, fit_pose, mean_face, mean_shape, to_canonical, to_image
from rhapsode.face.landmarks import JAW, MOUTH, STABLE


@pytest.fixture
def pose() -> Pose:
    rng = np.random.default_rng(0)
    return Pose(rng.uniform(-0.5, 0.5, (20, 3)), rng.uniform(100, 400, (20, 3)), rng.uniform(40, 200, 20))


def test_landmarks_to_pose_to_landmarks_is_exact(pose: Pose) -> None:
    landmarks = np.random.default_rng(1).normal(200, 80, (20, 68, 3))
    back = to_image(to_canonical(landmarks, pose), pose)
    assert np.abs(back - landmarks).max() < 1e-4


def test_a_known_pose_is_found_again(pose: Pose) -> None:
    landmarks = to_image(np.broadcast_to(mean_face(), (20, 68, 3)), pose)
    found = fit_pose(landmarks)
    assert np.abs(found.rotation - pose.rotation).max() < 1e-6
    assert np.abs(found.translation - pose.translation).max() < 1e-4
    assert np.abs(found.scale - pose.scale).max() < 1e-6


def test_an_open_mouth_does_not_move_the_head(pose: Pose) -> None:
    face = np.broadcast_to(mean_face(), (20, 68, 3)).copy()
    face[:, MOUTH[8:]] += [0, 0.2, 0]
    face[:, JAW[3:14]] += [0, 0.2, 0]
    assert np.abs(fit_pose(to_image(face, pose)).rotation - pose.rotation).max() < 1e-6


def test_a_rotation_is_found_even_when_it_could_pass_for_a_mirror_image() -> None:
    flat = mean_face() * [1, 1, 0]
    turned = to_image(flat[None], Pose(np.array([[0, 0.3, 0]]), np.zeros((1, 3)), np.ones(1)))
    assert np.linalg.det(fit_pose(turned, flat).matrices[0]) > 0


def test_canonical_space_has_the_eye_corners_one_apart() -> None:
    face = mean_face()
    assert np.linalg.norm(face[45] - face[36]) == pytest.approx(1, abs=1e-5)
    assert np.abs((face[45] + face[36]) / 2).max() < 1e-5
    assert face[8, 1] > 0 and face[30, 2] < face[0, 2], "y runs down, z away from the viewer"


def test_the_mean_of_turned_copies_of_a_face_is_that_face() -> None:
    turns = np.radians(np.linspace(-20, 20, 9))[:, None] * [0.0, 1.0, 0.0]
    copies = to_image(np.broadcast_to(mean_face(), (9, 68, 3)), Pose(turns, np.full((9, 3), 100.0), np.full(9, 90.0)))
    assert np.abs(mean_shape(copies) - mean_face()).max() < 5e-3


def test_pose_needs_points_that_speech_leaves_alone() -> None:
    assert not set(STABLE.tolist()) & set(MOUTH.tolist())
    assert not set(STABLE.tolist()) & set(JAW[2:15].tolist())
