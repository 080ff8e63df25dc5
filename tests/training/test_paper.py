"""The `paper` configuration builds, and runs two steps on the CPU on made-up data."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.made_up import made_up_speech

from rhapsode.models.audio_encoder import AudioEncoder
from rhapsode.models.motion_generator import MotionGenerator
from rhapsode.training import audio_encoder, motion_generator, paper
from rhapsode.training.loop import Loop

HERE = {"steps": 2, "check_every": 1, "accelerator": "cpu", "devices": 1, "readers": 2, "threads": 2}


def _here(loop: Loop) -> Loop:
    """The same loop on the CPU, in its own precision."""
    return replace(loop, **HERE)  # type: ignore[arg-type]


@pytest.mark.slow
def test_the_full_size_recipes_run_two_steps(tmp_path: Path, made_up_store: Path) -> None:
    first = paper.audio_encoder(
        audio_encoder.AudioEncoderRecipe(
            (made_up_speech(tmp_path / "speech"),), tmp_path / "encoder", store=tmp_path / "heard", teacher=False
        )
    )
    assert first.loop.devices > 1 and first.loop.accelerator == "cuda"
    encoder = audio_encoder.train(replace(first, loop=_here(first.loop), batch=2))
    assert AudioEncoder.load(encoder).dims.hidden == 512

    second = paper.motion_generator(
        motion_generator.MotionGeneratorRecipe(data=made_up_store, out=tmp_path / "generator", encoder=encoder)
    )
    generator = motion_generator.train(replace(second, loop=_here(second.loop), batch=2))
    assert MotionGenerator.load(generator).dims.hidden == 512
