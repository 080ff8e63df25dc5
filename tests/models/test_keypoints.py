import torch
from scipy.spatial.transform import Rotation

from rhapsode.models.keypoints import KeypointExtractor, PoseExpression, posed, rotation, sources


def test_keypoints_are_turned_shifted_and_moved() -> None:
    canonical = torch.tensor([[[1.0, 0, 0], [0, 1.0, 0]]])
    quarter = rotation(torch.tensor([[0.0, 0, torch.pi / 2]]))
    assert torch.allclose(quarter @ quarter.mT, torch.eye(3)[None], atol=1e-6)
    moved = posed(canonical, quarter, torch.tensor([[0.5, 0, 0]]), torch.tensor([[[0.0, 0, 0], [0, 0, 0.1]]]))
    assert torch.allclose(moved, torch.tensor([[[0.5, -1.0, 0], [1.5, 0, 0.1]]]), atol=1e-6)


def test_rotation_vectors_become_the_matrices_that_scipy_makes_of_them() -> None:
    vectors = torch.tensor([[0.0, 0, 0], [1e-4, 0, 0], [0.3, -1.2, 0.5], [0, 3.0, 0]], requires_grad=True)
    matrices = rotation(vectors)
    expected = Rotation.from_rotvec(vectors.detach().numpy()).as_matrix()
    assert torch.allclose(matrices.double(), torch.from_numpy(expected), atol=1e-6)
    (gradient,) = torch.autograd.grad(matrices[:, 0, 1].sum(), vectors)
    # At no rotation, R = I + K: the first row's second element is -z.
    assert torch.allclose(gradient[0], torch.tensor([0.0, 0, -1]), atol=1e-5)


def test_skin_comes_from_where_the_keypoint_nearby_was() -> None:
    before = torch.tensor([[[-0.5, 0.0, 0.0], [0.5, 0.0, 0.0]]])
    still = sources(before, before, 33)
    grid = torch.stack(torch.meshgrid(torch.arange(33), torch.arange(33), indexing="xy"), -1).float()
    assert torch.allclose(still[0], grid, atol=1e-4)
    lowered = before.clone()
    lowered[0, 1, 1] = 0.25
    moved = sources(before, lowered, 33)[0]
    # At the keypoint's new place, (24, 20), shows what was four pixels above; the other keypoint holds its side still.
    assert torch.allclose(moved[20, 24], torch.tensor([24.0, 16.0]), atol=0.1)
    assert torch.allclose(moved[16, 8], torch.tensor([8.0, 16.0]), atol=0.1)


def test_an_untrained_network_reads_no_pose_and_the_canonical_keypoints_are_the_portraits() -> None:
    torch.manual_seed(0)
    picture = torch.rand(2, 3, 64, 64)
    keypoints = KeypointExtractor(5, 4)(picture)
    assert keypoints.shape == (2, 5, 3) and keypoints.abs().max() <= 1
    turn, translation, expression = PoseExpression(5, 4)(picture)
    assert torch.allclose(turn, torch.eye(3).expand(2, 3, 3), atol=0.1)
    assert torch.allclose(posed(keypoints, turn, translation, expression), keypoints, atol=0.3)
