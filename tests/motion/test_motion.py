from fractions import Fraction

import numpy as np

from rhapsode.face.expression import disentangle, resample
from rhapsode.face.geometry import Pose, mean_face, to_image
from rhapsode.face.mouth import lip_distance
from rhapsode.motion.motion import Motion


def _ramp(frames: int) -> Motion:
    along = np.arange(frames, dtype=np.float32)
    return Motion(
        np.broadcast_to(along[:, None, None], (frames, 68, 3)),
        np.broadcast_to(along[:, None], (frames, 2)),
        np.broadcast_to(along[:, None], (frames, 3)),
        np.broadcast_to(along[:, None], (frames, 3)),
        along,
        np.broadcast_to(along[:, None], (frames, 51)),
        np.broadcast_to(along[:, None], (frames, 2)),
        np.broadcast_to(along[:, None], (frames, 2)),
    )


def test_any_time_is_read_exactly_after_ten_minutes() -> None:
    motion = _ramp(36000)
    rate = Fraction(30000, 1001)
    n = 17980
    assert abs(motion.at(n / rate).rotation[0, 0] - float(n / rate * 60)) < 0.02


def test_beyond_the_ends_motion_holds_still() -> None:
    motion = _ramp(10)
    assert motion.at(Fraction(-1)).lids[0, 0] == 0
    assert motion.at(Fraction(100)).lids[0, 0] == 9


def test_a_moving_head_with_a_still_face_has_no_expression() -> None:
    rng = np.random.default_rng(0)
    pose = Pose(rng.uniform(-0.2, 0.2, (50, 3)), rng.uniform(90, 110, (50, 3)), np.full(50, 80.0))
    offsets, rest, found = disentangle(to_image(np.broadcast_to(mean_face(), (50, 68, 3)), pose))
    assert np.abs(offsets).max() < 1e-6
    assert np.abs(rest - mean_face()).max() < 1e-6
    assert np.abs(found.rotation - pose.rotation).max() < 1e-6


def test_rest_is_the_closed_mouth_and_opening_is_measured_from_it() -> None:
    opened = np.clip(np.sin(np.arange(100) / 8), 0, None) * 0.2
    face = np.broadcast_to(mean_face(), (100, 68, 3)).copy()
    face[:, 66, 1] += opened
    pose = Pose(np.zeros((100, 3)), np.full((100, 3), 100.0), np.full(100, 80.0))
    offsets, rest, _ = disentangle(to_image(face, pose))
    gap = lip_distance(offsets + rest)
    assert np.abs(gap - gap.min() - opened).max() < 0.01


def test_resampling_keeps_known_values_and_holds_the_ends() -> None:
    times = np.array([0.0, 0.04, 0.08])
    values = np.array([[1.0], [3.0], [2.0]])
    assert np.allclose(resample(values, times, times), values)
    assert np.allclose(resample(values, times, np.array([-1.0, 9.0])), [[1.0], [2.0]])
