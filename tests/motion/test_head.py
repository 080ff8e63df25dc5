from pathlib import Path

import numpy as np
import pytest

from rhapsode.bundle import Bundle
from rhapsode.errors import WeightsError
from rhapsode.motion.head import LIMITS, HeadModel, HeadStream
from rhapsode.training.head_motion import fit_head


@pytest.fixture(scope="module")
def shipped() -> HeadModel:
    path = Bundle.load().path("head_motion.safetensors")
    return HeadModel.load(path)


def test_the_first_frame_is_the_picture_itself(shipped: HeadModel) -> None:
    rotation, translation = shipped.sample(np.ones(600), np.random.default_rng(0))
    assert rotation.shape == translation.shape == (600, 3)
    assert np.abs(rotation[0]).max() < 1e-6 and np.abs(translation[0]).max() < 1e-6


def test_the_same_seed_gives_the_same_motion_and_another_seed_another(shipped: HeadModel) -> None:
    a, b, c = (shipped.sample(np.ones(300), np.random.default_rng(seed))[0] for seed in (1, 1, 2))
    assert (a == b).all()
    assert np.abs(a - c).max() > 0.01


def test_a_speaking_head_moves_as_much_as_speakers_do_and_never_too_far(shipped: HeadModel) -> None:
    rotation, translation = shipped.sample(np.ones(60 * 120), np.random.default_rng(3))
    degrees = np.degrees(rotation.std(0))
    assert (degrees > 1.5).all() and (degrees < 8).all(), degrees
    assert (np.abs(rotation) <= LIMITS[1, :3] + 1e-6).all()
    assert (np.abs(translation[:, :2]) <= LIMITS[1, 3:] + 1e-6).all()


def test_the_gain_stills_the_head_and_never_turns_it_too_far(shipped: HeadModel) -> None:
    still, _ = shipped.sample(np.ones(600), np.random.default_rng(3), gain=0)
    wild, _ = shipped.sample(np.ones(600), np.random.default_rng(3), gain=10)
    assert (still == 0).all()
    assert (np.abs(wild) <= LIMITS[1, :3] + 1e-6).all()


def test_a_portrait_that_turns_less_to_one_side_is_turned_less_to_that_side_alone(shipped: HeadModel) -> None:
    limits = LIMITS.copy()
    limits[1, 1] = 0.05
    free, _ = shipped.sample(np.ones(6000), np.random.default_rng(3), gain=2)
    bound, _ = shipped.sample(np.ones(6000), np.random.default_rng(3), gain=2, limits=limits)
    away = free[:, 1] > 0
    assert free[:, 1].max() > 0.1 > 0.05 >= bound[:, 1].max()
    assert np.array_equal(bound[~away], free[~away])
    assert np.array_equal(bound[:, [0, 2]], free[:, [0, 2]])


def test_a_head_moved_in_chunks_goes_where_it_goes_in_one(shipped: HeadModel) -> None:
    voice = (np.arange(600) // 90 % 2).astype(float)
    whole = np.concatenate(shipped.sample(voice, np.random.default_rng(5)), axis=1)
    stream = HeadStream(shipped, np.random.default_rng(5))
    parts = [np.concatenate(stream.move(voice[first : first + 7]), axis=1) for first in range(0, 600, 7)]
    assert np.array_equal(np.concatenate(parts), whole)


def test_a_head_moves_smoothly(shipped: HeadModel) -> None:
    rotation, _ = shipped.sample(np.ones(60 * 60), np.random.default_rng(6))
    assert np.degrees(np.abs(np.diff(rotation, axis=0))).max() < 1.0, "degrees a frame"
    assert np.degrees(np.abs(np.diff(rotation, 2, axis=0))).max() < 0.4


def test_the_head_is_calmer_in_pauses(shipped: HeadModel) -> None:
    speaking, _ = shipped.sample(np.ones(60 * 60), np.random.default_rng(4))
    silent, _ = shipped.sample(np.zeros(60 * 60), np.random.default_rng(4))
    assert np.abs(np.diff(silent, axis=0)).mean() < 0.7 * np.abs(np.diff(speaking, axis=0)).mean()


def test_an_autoregression_is_learnt_back_from_its_own_samples() -> None:
    rng = np.random.default_rng(0)
    path = np.zeros((4000, 5))
    voice = (np.arange(4000) // 200 % 2).astype(float)
    for n in range(2, 4000):
        spread = 0.1 if voice[n] else 0.02
        path[n] = 1.2 * path[n - 1] - 0.4 * path[n - 2] + spread * rng.standard_normal(5)
    model = fit_head([(path, voice)], order=2, ridge=1e-9)
    assert np.abs(model.coefficients[0] - 1.2 * np.eye(5)).max() < 0.08
    assert np.abs(np.diag(model.speech) - 0.1).max() < 0.01
    assert np.abs(np.diag(model.pause) - 0.02).max() < 0.002


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    bad = tmp_path / "head_motion.safetensors"
    bad.write_bytes(b"\0" * 100)
    with pytest.raises(WeightsError, match=r"head_motion\.safetensors"):
        HeadModel.load(bad)
