import sys
from dataclasses import replace

import numpy as np
import pytest
from tests.made_up import babble, made_up_generator, made_up_speech_model, made_up_style

from rhapsode.audio.projection import FeatureBank
from rhapsode.media.waveform import Waveform
from rhapsode.motion.head import HeadModel
from rhapsode.motion.stream import generate
from rhapsode.style.motion_model import styled_motion_model


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


def test_the_nearest_of_the_bank_are_found() -> None:
    features, asked = _voice(500, 0, 384), _voice(20, 1, 384)
    bank = FeatureBank(features)
    for one in asked:
        exact = np.linalg.norm(features - one, axis=1).argsort()[:10]
        assert set(bank.nearest(one, 10)) == set(exact)


def test_each_feature_is_projected_by_itself_whatever_comes_with_it() -> None:
    bank, features = FeatureBank(_voice(500, 0)), _voice(20, 1)
    together = bank.project(features, 0.5)
    assert all(np.array_equal(bank.project(features[n : n + 1], 0.5)[0], together[n]) for n in range(20))


def test_a_bank_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="shape"):
        FeatureBank(np.zeros((0, 3), np.float32))


def test_a_style_that_projects_is_generated_without_faiss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "faiss", None)
    speech = made_up_speech_model(made_up_generator().to_numpy())
    style = made_up_style("projected", speech.generator, projection=1.0)
    head = HeadModel(np.zeros((2, 5, 5)), np.eye(5), np.eye(5))
    sound = Waveform(babble(1.0, 0), 16000)
    projected, plain = (
        generate(styled_motion_model(speech, head, replace(style, projection=share)), sound) for share in (1.0, 0.0)
    )
    assert np.isfinite(projected).all() and np.abs(projected - plain).max() > 1e-3
