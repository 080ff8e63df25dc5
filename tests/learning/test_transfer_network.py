import torch

from rhapsode.face.landmarks import EYES
from rhapsode.learning.network import HOP, SAMPLES, STRIDE, MotionWindows, TransferNetwork

BASIS = torch.randn(8, 204, generator=torch.Generator().manual_seed(0))


def motion(frames: int = 60) -> torch.Tensor:
    weights = torch.randn(frames, 8, generator=torch.Generator().manual_seed(1)).cumsum(0)
    return (weights @ BASIS).reshape(frames, 68, 3) / 1000


def test_the_network_has_the_published_layers() -> None:
    shapes = [
        tuple(weight.shape) for name, weight in TransferNetwork(204).named_parameters() if name.endswith("weight")
    ]
    assert shapes == [(1024, 204), (512, 1024), (256, 512)]


def test_the_paper_form_looks_at_every_frame_by_itself_and_not_at_eyelids() -> None:
    style = motion()
    windows = MotionWindows.on(style, BASIS, "paper")
    rows = windows.features(style[None])
    assert rows.shape == (60, 204) == (60, windows.inputs)
    winking = style.clone()
    winking[:, EYES] += 1
    torch.testing.assert_close(windows.features(winking[None]), rows)


def test_the_window_form_sees_which_way_time_runs() -> None:
    style = motion()
    windows = MotionWindows.on(style, BASIS, "window")
    forward, backward = windows.features(style[None]), windows.features(style.flip(0)[None])
    assert forward.shape == ((60 - HOP - SAMPLES * HOP) // STRIDE + 1, windows.inputs)
    assert not torch.allclose(forward.mean(0), backward.mean(0), atol=0.01)


def test_a_distance_of_windows_is_one_of_landmarks() -> None:
    still = torch.zeros(40, 68, 3)
    moved = still + (torch.ones(1, 8) @ BASIS).reshape(1, 68, 3) / 1000
    windows = MotionWindows.on(motion(), BASIS, "window")
    between = torch.cdist(windows.features(still[None])[:1], windows.features(moved[None])[:1]).item()
    assert abs(between * windows.scale - (moved[0] - still[0]).norm().item()) < 1e-5
