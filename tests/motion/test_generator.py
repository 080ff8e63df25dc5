from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from rhapsode.audio.speech import synthesise
from rhapsode.audio.waveform import Waveform, resample
from rhapsode.errors import WeightsError
from rhapsode.face.geometry import mean_face
from rhapsode.face.landmarks import EYES
from rhapsode.motion.expression import mouth_opening
from rhapsode.motion.generator import GeneratorDims, MotionGenerator


@pytest.fixture(scope="module")
def shipped() -> MotionGenerator:
    with as_file(files("rhapsode.weights") / "motion_generator.safetensors") as path:
        return MotionGenerator.load(path)


@pytest.fixture(scope="module")
def sentence() -> Waveform:
    return resample(synthesise("Maybe my mother bought a big apple pie today."), 16000)


def test_motion_comes_at_sixty_a_second_for_the_whole_sound(shipped: MotionGenerator, sentence: Waveform) -> None:
    offsets = shipped.speak(sentence)
    assert offsets.shape == (int(np.ceil(len(sentence.samples) * 60 / 16000)), 68, 3)
    assert offsets.dtype == np.float32 and np.isfinite(offsets).all()


def test_the_mouth_opens_and_closes_while_a_sentence_is_spoken(shipped: MotionGenerator, sentence: Waveform) -> None:
    opening = mouth_opening(shipped.speak(sentence) + mean_face())
    assert opening.max() > 0.1 and opening.min() < 0.04
    assert (np.diff(np.sign(opening - 0.06)) != 0).sum() >= 6


def test_the_eyelids_are_left_to_the_blinks(shipped: MotionGenerator, sentence: Waveform) -> None:
    assert np.abs(shipped.speak(sentence)[:, EYES]).max() == 0


def test_loudness_makes_no_difference(shipped: MotionGenerator, sentence: Waveform) -> None:
    quiet = Waveform(sentence.samples * np.float32(0.1), sentence.rate)
    assert np.abs(shipped.speak(quiet) - shipped.speak(sentence)).max() < 5e-3


def test_sound_beyond_the_look_ahead_changes_nothing(shipped: MotionGenerator) -> None:
    mel = torch.randn(1, 240, 80, generator=torch.Generator().manual_seed(0)) - 6
    changed = mel.clone()
    changed[:, 160:] += 3  # from motion frame 80 on
    with torch.inference_mode():
        difference = (shipped(mel) - shipped(changed)).abs().amax((0, 2, 3))
    ahead = shipped.dims.look_ahead
    assert (ahead + 1) / 60 <= 0.2, "seconds of look-ahead"
    assert difference[: 80 - ahead].max() == 0
    assert difference[80 - ahead :].max() > 0


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    torch.manual_seed(0)
    generator = MotionGenerator(GeneratorDims(hidden=8, layers=1, components=3, look_ahead=2)).eval()
    generator.basis.normal_()
    generator.save(tmp_path / "g.safetensors")
    again = MotionGenerator.load(tmp_path / "g.safetensors")
    mel = torch.randn(1, 20, 80)
    assert again.dims == generator.dims
    assert torch.equal(again(mel), generator(mel))


def test_a_missing_damaged_or_foreign_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "damaged.safetensors").write_bytes(b"\0" * 1000)
    save_file({"x": torch.zeros(3)}, tmp_path / "foreign.safetensors", {"dims": "{}"})
    save_file({"x": torch.zeros(3)}, tmp_path / "bare.safetensors")
    for name in ("missing", "damaged", "foreign", "bare"):
        with pytest.raises(WeightsError, match=rf"{name}\.safetensors"):
            MotionGenerator.load(tmp_path / f"{name}.safetensors")
