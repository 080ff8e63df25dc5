"""Every configuration of every training builds; the `paper` ones run two steps on the CPU on made-up data."""

from dataclasses import fields, replace
from pathlib import Path

import pytest
from tests.made_up import made_up_speech

from rhapsode.models.audio_encoder import AudioEncoder
from rhapsode.models.motion_generator import MotionGenerator
from rhapsode.training import audio_encoder, motion_generator, paper
from rhapsode.training.loop import Loop
from rhapsode.training.recipes import TRAININGS

HERE = {"steps": 2, "check_every": 1, "accelerator": "cpu", "devices": 1, "readers": 2, "threads": 2}


def _here(loop: Loop) -> Loop:
    """The same loop on the CPU, in its own precision."""
    return replace(loop, **HERE)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", TRAININGS)
def test_a_configuration_changes_only_fields_that_its_recipe_has(name: str) -> None:
    training = TRAININGS[name]
    assert "default" in training.configs
    for changes in training.configs.values():
        assert set(changes) < {field.name for field in fields(training.recipe)}


@pytest.mark.slow
def test_the_full_size_recipes_run_two_steps(tmp_path: Path, made_up_store: Path) -> None:
    speech = made_up_speech(tmp_path / "speech")
    first = audio_encoder.AudioEncoderRecipe(
        tmp_path / "model", (speech,), store=tmp_path / "store", teacher=False, **paper.AUDIO_ENCODER
    )
    assert first.loop.devices > 1 and first.loop.accelerator == "cuda"
    encoder = audio_encoder.train(replace(first, loop=_here(first.loop), batch=2, frames=60))
    assert AudioEncoder.load(encoder).dims.hidden == 512

    second = motion_generator.MotionGeneratorRecipe(
        made_up_store, tmp_path / "model", encoder=encoder, **paper.MOTION_GENERATOR
    )
    generator = motion_generator.train(replace(second, loop=_here(second.loop), batch=2, frames=60))
    assert MotionGenerator.load(generator).dims.hidden == 512
