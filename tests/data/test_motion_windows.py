from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch

from rhapsode.audio.mel import LOG_FLOOR
from rhapsode.data.augment import TURN, add_pauses, augment
from rhapsode.data.motion_windows import WindowSampler, align_clip
from rhapsode.data.store import ClipStore
from rhapsode.errors import DataError
from rhapsode.metrics.mouth import opening_correlation


def _rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_sound_and_motion_come_in_common_frames_at_any_speed(made_up_store: Path) -> None:
    store = ClipStore.open(made_up_store)
    clip = store.load(store.entries[0])
    slow, as_recorded = (align_clip(clip, speed) for speed in (Fraction(1, 2), Fraction(1)))
    assert as_recorded.features.shape == (240, 80) and as_recorded.expression.shape == (120, 68, 3)
    assert len(slow.features) == 2 * len(slow.expression) == 480
    rest = as_recorded.rest
    assert opening_correlation(slow.expression[::2] + rest, as_recorded.expression + rest) > 0.95


def test_a_window_holds_what_the_clip_holds_and_says_what_is_padding(made_up_store: Path) -> None:
    sampler = WindowSampler(ClipStore.open(made_up_store), 200)
    features, expression, real = sampler.batch(6, _rng())
    assert features.shape == (6, 400, 80) and expression.shape == (6, 200, 68, 3)
    assert ((real == 0) | (real == 1)).all()
    # The clip lasts 102 to 141 frames, by its speed.
    assert (expression[:, 145:].abs().amax((1, 2, 3)) == 0).all()


def test_the_same_seed_draws_the_same_windows(made_up_store: Path) -> None:
    sampler = WindowSampler(ClipStore.open(made_up_store), 60)
    one, two, other = (sampler.batch(4, _rng(seed)) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(one, two, strict=True))
    assert not torch.equal(one[0], other[0])


def test_other_features_are_not_augmented(made_up_store: Path) -> None:
    store = ClipStore.open(made_up_store)
    sampler = WindowSampler(store, 30, lambda samples: np.ones((-(-len(samples) * 60 // 16000), 5), np.float32))
    features, _, real = sampler.batch(3, _rng())
    assert features.shape == (3, 30, 5) and (features == 1).all() and (real == 1).all()


def test_pauses_are_silent_and_at_rest_and_their_borders_do_not_count() -> None:
    mel, expression, real = torch.zeros(200, 240, 80), torch.ones(200, 120, 68, 3), torch.ones(200, 120)
    add_pauses(mel, expression, real, _rng())
    silent = (mel == LOG_FLOOR).all(-1)[:, ::2]
    paused = silent.any(1)
    assert 0.25 < paused.float().mean() < 0.55
    assert (expression[silent] == 0).all() and (expression[~silent] == 1).all()
    assert (real[~silent] == 1).all() and real[silent].mean() < 1
    assert (120 - real.sum(1)).max() <= TURN


def test_augmented_sound_is_another_sound_with_the_same_words() -> None:
    mel = torch.full((64, 200, 80), LOG_FLOOR)
    mel[:, 50:150, 10:40] = -3.0
    varied = augment(mel, _rng())
    assert varied.shape == mel.shape and varied.min() >= LOG_FLOOR
    inside, outside = varied[:, 60:140, 15:35].mean((1, 2)), varied[:, :40].mean((1, 2))
    assert ((inside - outside) > 1).float().mean() > 0.95
    assert varied.std(0).mean() > 0.3


def test_a_store_without_train_clips_is_refused(tmp_path: Path, made_up_store: Path) -> None:
    whole = ClipStore.open(made_up_store)
    with pytest.raises(DataError, match="split 'train'"):
        WindowSampler(ClipStore(made_up_store, [entry for entry in whole.entries if entry.split == "test"]), 30)
