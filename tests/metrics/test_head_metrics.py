import numpy as np
import pytest

from rhapsode.face.geometry import mean_face
from rhapsode.metrics.head import blinks, head_statistics, lid_closure
from rhapsode.motion.blinks import BlinkStream

RATE = 60


def test_a_nod_is_measured_in_degrees_whatever_the_pose() -> None:
    time = np.arange(600) / RATE
    nodding = np.zeros((600, 3))
    nodding[:, 0] = np.radians(10) * np.sin(2 * np.pi * 0.5 * time)
    for pose in (0.0, 0.2):
        found = head_statistics(nodding + np.array([pose, 0, 0]), RATE)
        assert found.spread == pytest.approx([10 / 2**0.5, 0, 0], abs=0.05)
        assert found.reach == pytest.approx([20, 0, 0], abs=0.1)
        assert found.speed == pytest.approx([10 * np.pi / 2**0.5, 0, 0], rel=0.05, abs=1e-6)


def test_trembling_is_not_taken_for_speed() -> None:
    trembling = np.radians(0.2) * np.random.default_rng(0).standard_normal((600, 3))
    bare = np.degrees(np.diff(trembling, axis=0) * RATE).std()
    assert head_statistics(trembling, RATE).speed.max() < 0.2 * bare


def test_a_blink_lasts_from_lids_down_to_lids_up() -> None:
    closure = np.zeros(120)
    closure[30:42] = 1
    closure[90:96] = 0.7
    found = blinks(closure, np.arange(120) / RATE)
    assert found == pytest.approx(np.array([[0.5, 0.7], [1.5, 1.6]]))


def test_eyes_shut_at_either_end_are_no_reason_to_stop() -> None:
    closure = np.ones(60)
    closure[20:40] = 0
    assert blinks(closure, np.arange(60) / RATE) == pytest.approx(np.array([[40 / 60, 59 / 60]]))
    assert blinks(np.ones(10), np.arange(10.0)).shape == blinks(np.zeros(10), np.arange(10.0)).shape == (0, 2)


def test_generated_blinks_are_counted_one_by_one() -> None:
    lids = BlinkStream(np.random.default_rng(0)).close(RATE * 60)[:, 0]
    found = blinks(lids, np.arange(len(lids)) / RATE)[:-1]  # the end may cut the last one
    assert 15 < len(found) < 45
    assert np.ptp(found, axis=1) == pytest.approx(np.full(len(found), 0.165), abs=0.03)


def test_tracked_lids_are_measured_against_how_they_mostly_stand() -> None:
    face = 100 * np.broadcast_to(mean_face(), (50, 68, 3)) + 200
    face[20:25, [41, 40, 47, 46]] = face[20:25, [37, 38, 43, 44]]
    closure = lid_closure(face)
    assert closure[:20] == pytest.approx(np.zeros(20), abs=1e-6)
    assert closure[20:25] == pytest.approx(np.ones(5), abs=1e-6)
