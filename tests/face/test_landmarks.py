import numpy as np

from rhapsode.face import landmarks as groups
from rhapsode.face.geometry import mean_face


def test_each_landmark_is_a_mesh_point_of_its_own() -> None:
    assert groups.MESH_TO_68.shape == (68,)
    assert len(set(groups.MESH_TO_68.tolist())) == 68
    assert groups.MESH_TO_68.max() < 478


def test_the_groups_cover_all_landmarks_once() -> None:
    parts = [groups.JAW, groups.BROWS, groups.NOSE, groups.EYES, groups.OUTER_LIPS, groups.INNER_LIPS]
    assert sorted(np.concatenate(parts).tolist()) == list(range(68))


def test_the_jaw_runs_from_ear_to_ear_without_doubling_back() -> None:
    jaw = mean_face()[groups.JAW]
    assert (np.diff(jaw[:, 0])[2:-2] > 0).all()
    assert (np.diff(jaw[:9, 1]) > 0).all() and (np.diff(jaw[8:, 1]) < 0).all()
    steps = np.linalg.norm(np.diff(jaw[:, :2], axis=0), axis=1)
    assert steps.max() < 1.8 * steps.min()


def test_left_and_right_mirror_each_other() -> None:
    face = mean_face()
    pairs = [(0, 16), (4, 12), (17, 26), (31, 35), (36, 45), (37, 44), (41, 46), (48, 54), (49, 53), (61, 63)]
    for right, left in pairs:
        assert abs(face[right, 0] + face[left, 0]) < 0.06
        assert abs(face[right, 1] - face[left, 1]) < 0.04
