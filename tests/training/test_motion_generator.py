import csv
import json
from pathlib import Path

import numpy as np
import torch

from rhapsode.face.landmarks import EYES
from rhapsode.motion.generator import GeneratorDims, MotionGenerator
from rhapsode.training.motion_generator import MotionGeneratorRecipe, expression_basis, motion_loss, train


def _recipe(folder: Path, clip: Path, out: str) -> MotionGeneratorRecipe:
    data = folder / "data"
    if not data.exists():
        (data / "grid").mkdir(parents=True)
        (data / "grid" / "a.mp4").write_bytes(clip.read_bytes())
        (data / "grid" / "b.mp4").write_bytes(clip.read_bytes())
        (data / "clips.csv").write_text(
            "path,speaker,split,style,licence\ngrid/a.mp4,a,train,neutral,x\ngrid/b.mp4,b,val,neutral,x\n"
        )
    return MotionGeneratorRecipe(
        data=data,
        out=folder / out,
        store=folder / "store",
        dims=GeneratorDims(hidden=16, layers=1, components=4, look_ahead=2),
        align_steps=2,
        steps=2,
        batch=2,
        frames=30,
        check_every=1,
    )


def test_two_steps_of_the_recipe_make_weights_logs_and_scores(tmp_path: Path, talking_clip: Path) -> None:
    weights = train(_recipe(tmp_path, talking_clip, "run"))
    generator = MotionGenerator.load(weights)
    assert generator(torch.zeros(1, 20, 80)).shape == (1, 10, 68, 3)
    with (tmp_path / "run" / "round2.csv").open() as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["1", "2"]
    scores = json.loads((tmp_path / "run" / "scores.json").read_text())
    assert set(scores["grid/b.mp4"]) == {"mouth_opening_corr", "opening_std_ratio", "lmd"}
    assert json.loads((tmp_path / "run" / "recipe.json").read_text())["steps"] == 2


def test_the_same_seed_gives_the_same_weights(tmp_path: Path, talking_clip: Path) -> None:
    one, two = (
        MotionGenerator.load(train(_recipe(tmp_path, talking_clip, out))).state_dict() for out in ("one", "two")
    )
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_l_mg_counts_a_missed_closure_more_than_a_missed_brow_and_lids_not_at_all() -> None:
    real = torch.zeros(1, 5, 68, 3)
    mask = torch.ones(1, 5)

    def loss(points: list[int]) -> float:
        generated = real.clone()
        generated[:, :, points, 1] = 0.1
        return motion_loss(generated, real, mask, 4.0, 4.0).item()

    assert loss([65, 66, 67]) > 10 * loss([18, 19, 20]) > 0
    assert loss(EYES.tolist()) == 0
    assert motion_loss(real, real, mask, 4.0, 4.0).item() == 0


def test_padding_does_not_count() -> None:
    real = torch.zeros(1, 6, 68, 3)
    generated = real.clone()
    generated[:, 3:] = 1
    mask = torch.tensor([[1.0, 1, 1, 0, 0, 0]])
    assert motion_loss(generated, real, mask, 0.0, 4.0).item() == 0


def test_the_basis_spans_the_expressions_it_was_made_from() -> None:
    chance = np.random.default_rng(0)
    modes = chance.normal(size=(3, 68, 3))
    modes[:, EYES] = 0
    expressions = np.einsum("mk,kij->mij", chance.normal(size=(200, 3)), modes)
    expressions -= expressions.mean(0)
    basis = expression_basis(expressions, 3)
    flat = expressions.reshape(200, 204)
    solved, *_ = np.linalg.lstsq(basis.T, flat.T, rcond=None)
    assert np.abs(basis.T @ solved - flat.T).max() < 1e-4
