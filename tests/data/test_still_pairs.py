"""Pairs from stills, of a smile that anyone may use."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from rhapsode.data.pairs import CLOSED, Pairs
from rhapsode.data.still_pairs import closing, prepare_still_pairs
from rhapsode.data.stills import read_stills
from rhapsode.errors import DataError
from rhapsode.face.geometry import mean_face
from rhapsode.face.mouth import lip_openings
from rhapsode.render.mouth_window import INSIDE, WindowSize
from rhapsode.style.references import key_motions
from rhapsode.training.picture_batches import PairSampler, as_sample, others_of


@pytest.fixture(scope="module")
def pairs(stills_folder: Path) -> list[Pairs]:
    return prepare_still_pairs(list(read_stills(stills_folder)), stills_folder / "pairs.safetensors", WindowSize(), 1)


def test_closed_lips_are_asked_for_the_teeth_of_the_smile(pairs: list[Pairs]) -> None:
    (one,) = pairs
    assert one.own_opening < CLOSED < one.opening[0]
    assert (np.diff(one.opening) < 0).all(), "from open to nearly closed"
    inside = one.drawn[0, ..., INSIDE] > 250
    assert one.real[0][inside].mean() > one.drawn[0, ..., :3][inside].mean() + 40, "teeth, not a dark hole"


def test_a_second_run_reads_what_the_first_one_made(stills_folder: Path, pairs: list[Pairs]) -> None:
    path = stills_folder / "pairs.safetensors"
    before = path.stat().st_mtime_ns
    again = prepare_still_pairs(list(read_stills(stills_folder)), path, WindowSize(), 1)
    assert path.stat().st_mtime_ns == before
    assert not again[0].retrieved and np.array_equal(again[0].real, pairs[0].real)


def test_lips_that_are_closed_meet() -> None:
    face = mean_face() + 1.5 * key_motions()[2]
    assert lip_openings(face).min() > 0.05
    np.testing.assert_allclose(lip_openings(face + closing(face)), 0, atol=1e-9)


def test_a_still_is_nobodys_extra_photo_and_a_film_comes_more_often(pairs: list[Pairs]) -> None:
    (still,) = pairs
    films = [replace(still, retrieved=True, speaker=name) for name in "ab"]
    assert others_of(films[0], [films[0], replace(still, speaker="a")]) == []
    sampler = PairSampler([*films, still], portraits=1, frames=2)
    drawn = [float(sampler.batch(torch.Generator().manual_seed(seed)).retrieved) for seed in range(24)]
    assert np.mean(drawn) > 0.7
    assert as_sample(still, np.arange(2)).retrieved == 0


def test_a_folder_without_a_list_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"faces\.csv: no such list"):
        list(read_stills(tmp_path))
