import time
from pathlib import Path

import numpy as np
import pytest

from rhapsode.audio.projection import EXACT, FeatureBank
from rhapsode.errors import WeightsError


def _voice(count: int, seed: int, width: int = 32) -> np.ndarray:
    """Features on a curved sheet of three dimensions, as those of one voice are."""
    place = np.random.default_rng(seed).uniform(-1, 1, (count, 3))
    bend = np.random.default_rng(99).normal(size=(2, 3, width))
    return (np.sin(place @ bend[0]) + place @ bend[1]).astype(np.float32)


def test_a_feature_off_the_manifold_is_brought_back_to_it() -> None:
    bank = FeatureBank(_voice(4000, 0))
    clean = _voice(200, 1)
    noisy = clean + 0.3 * np.random.default_rng(2).normal(size=clean.shape).astype(np.float32)
    off = np.linalg.norm(noisy - clean, axis=1).mean()
    assert np.linalg.norm(bank.project(noisy) - clean, axis=1).mean() < 0.6 * off
    assert np.linalg.norm(bank.project(clean) - clean, axis=1).mean() < 0.1 * off


def test_the_mixing_factor_goes_from_the_voice_itself_to_the_bank() -> None:
    bank, features = FeatureBank(_voice(500, 0)), _voice(20, 1) + 0.5
    nothing, half, whole = (bank.project(features, mix) for mix in (0.0, 0.5, 1.0))
    assert (nothing == features).all()
    assert np.abs(half - (nothing + whole) / 2).max() < 1e-5
    assert whole.dtype == np.float32 and whole.shape == features.shape
    with pytest.raises(ValueError, match="choose 0 to 1"):
        bank.project(features, 1.5)


def test_a_member_of_the_bank_stays_where_it_is_and_few_members_are_enough() -> None:
    members = _voice(3, 0)
    assert np.abs(FeatureBank(members).project(members) - members).max() < 1e-2


@pytest.mark.slow
def test_a_large_bank_finds_nearly_what_an_exact_search_finds_and_far_faster_than_real_time() -> None:
    features, asked = _voice(10 * EXACT, 0), _voice(600, 1)
    bank = FeatureBank(features)
    exact = np.linalg.norm(features - asked[0], axis=1).argsort()[:10]
    assert len(set(exact) & set(bank.nearest(asked[:1], 10)[0])) >= 8
    began = time.perf_counter()
    bank.project(asked)
    assert time.perf_counter() - began < 2, "seconds, for ten seconds of sound"


def test_what_is_saved_is_what_is_loaded_and_a_foreign_file_is_named(tmp_path: Path) -> None:
    bank = FeatureBank(_voice(50, 0))
    bank.save(tmp_path / "bank.safetensors")
    assert np.abs(FeatureBank.load(tmp_path / "bank.safetensors").features - bank.features).max() < 0.01
    with pytest.raises(WeightsError, match=r"gone\.safetensors"):
        FeatureBank.load(tmp_path / "gone.safetensors")
    with pytest.raises(ValueError, match="shape"):
        FeatureBank(np.zeros((0, 3), np.float32))
