"""A model that was trained, if only for two steps, is used by `animate --model` and `learn-style --model`."""

from functools import partial
from pathlib import Path

import pytest
import skimage.data
import torch
from PIL import Image

from rhapsode import cli
from rhapsode.animator import Animator
from rhapsode.bundle import Bundle
from rhapsode.learning.recipe import TransferRecipe
from rhapsode.models.audio_encoder import AudioEncoder
from rhapsode.motion.dims import EncoderDims
from rhapsode.style.style import Style


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory, made_up_store: Path) -> Path:
    """A model folder with a Motion Generator of two steps, and the replay set that goes with it."""
    folder = tmp_path_factory.mktemp("models") / "mine"
    encoder = folder.parent / "encoder.safetensors"
    with torch.random.fork_rng():
        torch.manual_seed(0)
        AudioEncoder(EncoderDims(hidden=16, layers=1)).save(encoder)
    train = ["train", "motion-generator", "--data", str(made_up_store), "--out", str(folder)]
    small = ["--encoder", str(encoder), "--steps", "2", "--batch", "2", "--frames", "30", "--dims.hidden", "16"]
    assert cli.main([*train, *small]) == 0
    assert cli.main(["train", "replay", "--data", str(made_up_store), "--out", str(folder)]) == 0
    return folder


@pytest.mark.slow
def test_a_trained_model_animates_with_its_own_generator_and_what_it_lacks_is_the_default(
    model: Path, tmp_path: Path, talking_clip: Path
) -> None:
    own, default = Animator.from_pretrained(model), Animator.from_pretrained()
    assert own.speech.generator.dims.hidden == 16 and own.speech.generator.key != default.speech.generator.key
    assert (own.head.coefficients == default.head.coefficients).all()
    assert not Bundle.load(model).own("head_motion.safetensors")

    portrait, out = tmp_path / "astronaut.png", tmp_path / "out.mp4"
    Image.fromarray(skimage.data.astronaut()[:256, 96:352]).save(portrait)
    words = ["animate", "--portrait", str(portrait), "--audio", str(talking_clip), "--out", str(out), "--quiet"]
    assert cli.main([*words, "--model", str(model)]) == 0
    assert out.stat().st_size > 5000


@pytest.mark.slow
def test_a_style_is_learnt_for_a_trained_model_and_fits_it_alone(
    model: Path,
    tmp_path: Path,
    talking_clip: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A few steps: what is learnt is not looked at here.
    monkeypatch.setattr("rhapsode.learning.recipe.TransferRecipe", partial(TransferRecipe, steps=2, check_every=2))
    library = tmp_path / "styles"
    words = ["learn-style", str(talking_clip), "--name", "mine", "--library", str(library), "--quiet"]
    assert cli.main([*words, "--model", str(model)]) == 0
    style = Style.load(library / "mine.safetensors")
    own = Animator.from_pretrained(model)
    assert own.find_style(style) is style
    portrait = tmp_path / "astronaut.png"
    Image.fromarray(skimage.data.astronaut()[:256, 96:352]).save(portrait)
    animate = ["animate", "--portrait", str(portrait), "--audio", str(talking_clip), "--quiet"]
    animate += ["--style", "mine", "--library", str(library), "--out", str(tmp_path / "out.mp4")]
    assert cli.main([*animate, "--model", str(model)]) == 0
    assert (tmp_path / "out.mp4").is_file()
    capsys.readouterr()
    assert cli.main([*animate[:-1], str(tmp_path / "other.mp4")]) == 2
    assert "Motion Generator" in capsys.readouterr().err
