import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.made_up import babble

from rhapsode.bundle import Bundle
from rhapsode.data.speech import Utterance
from rhapsode.errors import DataError
from rhapsode.training.motion_generator import MotionGeneratorRecipe
from rhapsode.training.run import Run
from rhapsode.training.speech_store import SPEEDS, prepare_speech


def test_a_run_resumes_with_the_same_settings_and_refuses_others(tmp_path: Path) -> None:
    recipe = MotionGeneratorRecipe(data=Path("data"), out=tmp_path)
    Run.open(recipe, "motion_generator")
    Run.open(recipe, "motion_generator")
    with pytest.raises(DataError, match="other settings"):
        Run.open(replace(recipe, batch=7), "motion_generator")


def test_a_file_in_place_of_the_model_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model").write_text("")
    with pytest.raises(DataError, match="is a file"):
        Run.open(MotionGeneratorRecipe(data=Path("data"), out=tmp_path / "model"), "motion_generator")


def test_what_a_run_made_is_in_the_manifest_without_the_folders_of_this_machine(tmp_path: Path) -> None:
    recipe = MotionGeneratorRecipe(data=tmp_path / "home" / "clips", out=tmp_path / "model")
    run = Run.open(recipe, "motion_generator")
    run.path("motion_generator.safetensors").write_bytes(b"weights")
    run.finish(["motion_generator.safetensors"], ["CC0-1.0", "", "CC-BY-4.0", "CC0-1.0"], "two clips")
    bundle = Bundle.load(tmp_path / "model")
    facts = bundle.facts("motion_generator.safetensors")
    assert facts.license == "CC-BY-4.0; CC0-1.0" and facts.data == "two clips" and facts.commit
    assert facts.recipe["data"] == "clips" and facts.recipe["loop"]["steps"] == recipe.loop.steps
    assert str(tmp_path) not in json.dumps(dict(facts.recipe))
    assert "head_motion.safetensors" in bundle


def test_recordings_of_one_name_are_prepared_apart_and_what_is_of_no_use_is_left_out_with_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import scipy.io.wavfile

    broken = Utterance(tmp_path / "loud.wav", "loud.wav", "c", "en", "")
    scipy.io.wavfile.write(broken.path, 16_000, 300 * babble(0.5, 3) / 0.1)
    spoken = [broken]
    for seed, folder in enumerate("ab"):
        path = tmp_path / folder / "1.wav"
        path.parent.mkdir()
        scipy.io.wavfile.write(path, 16_000, babble(0.5 + 0.5 * seed, seed))
        spoken.append(Utterance(path, "1.wav", folder, "en", ""))
    made = prepare_speech(spoken, tmp_path / "store", teacher=False)
    assert len({path for _, path in made}) == 2 * len(SPEEDS)
    assert all(path.is_file() for _, path in made)
    assert broken not in [one for one, _ in made]
    assert [str(broken.path) in message for message in caplog.messages] == [True]
    with pytest.raises(DataError, match="no recording of speech can be used"):
        prepare_speech([broken], tmp_path / "store", teacher=False)
