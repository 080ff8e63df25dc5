"""The two recipes behind styles: key motions, and the replay set."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import load_file
from tests.made_up import made_up_generator, make_store

from rhapsode.bundle import Bundle, Facts, write_manifest
from rhapsode.data.motion_windows import align_clip
from rhapsode.data.store import ClipStore
from rhapsode.errors import DataError
from rhapsode.learning.replay import ReplaySet
from rhapsode.models.generators import load_generator
from rhapsode.training import key_motions
from rhapsode.training import replay as replay

SHIPPED = Bundle.load().path("motion_generator.safetensors")


def test_key_motions_are_means_over_the_words_that_hold_them(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store", ["train"])
    (tmp_path / "store" / "gone.align").write_text(
        "0 6250 sil\n6250 12500 bin\n12500 18750 e\n18750 25000 o\n25000 50000 sil\n"
    )
    found = load_file(key_motions.train(key_motions.KeyMotionsRecipe(store, tmp_path / "out")))["key_motions"]
    opened = ClipStore.open(store)
    moved = align_clip(opened.load(opened.kept[0])).expression
    # Rest at both edges; the lips of "bin" meet where it begins; the vowels "e" and "o" are reached in their middles.
    wanted = [(moved[6] + moved[114]) / 2, moved[15], moved[38], moved[52]]
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_key_motions_need_timed_words(tmp_path: Path, made_up_store: Path) -> None:
    with pytest.raises(DataError, match=r"\.align"):
        key_motions.train(key_motions.KeyMotionsRecipe(made_up_store, tmp_path))


def test_a_replay_set_holds_features_and_names_its_generator(tmp_path: Path, made_up_store: Path) -> None:
    made = ReplaySet.load(replay.train(replay.ReplayRecipe(made_up_store, tmp_path)))
    generator = load_generator(SHIPPED)
    assert made.generator == generator.key == ReplaySet.load(Bundle.load().path("replay.safetensors")).generator
    motion = made.motions(generator)
    assert [len(piece) for piece in motion] == [120]
    assert torch.isfinite(motion[0]).all()


def test_a_long_clip_is_replayed_in_pieces_that_leave_nothing_out(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store", ["train"], seconds=22.0)
    made = ReplaySet.load(replay.train(replay.ReplayRecipe(store, tmp_path, seconds=22)))
    ahead = load_generator(SHIPPED).look_ahead
    assert len(made.pieces) == 3
    assert sum(len(piece) - ahead for piece in made.pieces) == 22 * 60


def test_no_more_than_the_first_seconds_of_a_clip_are_replayed(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store", ["train"], seconds=5.0)
    made = ReplaySet.load(replay.train(replay.ReplayRecipe(store, tmp_path, seconds=2)))
    ahead = load_generator(SHIPPED).look_ahead
    assert sum(len(piece) - ahead for piece in made.pieces) == 2 * 60


def test_the_replay_set_of_a_model_is_made_by_its_own_generator(tmp_path: Path, made_up_store: Path) -> None:
    generator = load_generator(SHIPPED)
    torch.nn.init.ones_(generator.readout.bias)
    generator.save(tmp_path / "motion_generator.safetensors")
    write_manifest(tmp_path, {"motion_generator.safetensors": Facts()})
    made = ReplaySet.load(replay.train(replay.ReplayRecipe(made_up_store, tmp_path)))
    assert made.generator == generator.key != load_generator(SHIPPED).key


def test_a_generator_of_the_published_form_has_a_replay_set_too(tmp_path: Path, made_up_store: Path) -> None:
    made_up_generator().save(tmp_path / "plain.safetensors")
    recipe = replay.ReplayRecipe(made_up_store, tmp_path / "model", generator=tmp_path / "plain.safetensors")
    made = ReplaySet.load(replay.train(recipe))
    generator = load_generator(tmp_path / "plain.safetensors")
    assert made.generator == generator.key and made.pieces[0].shape == (122, 160)
