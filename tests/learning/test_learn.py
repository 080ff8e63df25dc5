"""Styles learnt for real, by the shipped generator, from clips that are quick to learn from."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from rhapsode.animator import Animator
from rhapsode.cli import main
from rhapsode.errors import Cancelled, StyleError
from rhapsode.face.expression_basis import expression_basis
from rhapsode.face.mouth import lip_opening, lip_openings
from rhapsode.face.units import UNITS
from rhapsode.learning.base import BaseModels
from rhapsode.learning.learn import learn_style, style_from_clip, transfer_style, transport_style
from rhapsode.learning.read_clip import read_style_clip
from rhapsode.learning.recipe import TransferRecipe
from rhapsode.learning.replay import ReplaySet
from rhapsode.learning.style_clip import StyleClip
from rhapsode.learning.transfer import transfer
from rhapsode.media.waveform import Waveform
from rhapsode.motion.motion import Motion, joined
from rhapsode.options import AnimationOptions
from rhapsode.style.library import StyleLibrary
from rhapsode.style.style import Style
from rhapsode.video import Video

QUICK = TransferRecipe(steps=90, check_every=15, batch=4, frames=90)


@pytest.fixture(scope="module")
def style_clip(talking_clip: Path) -> StyleClip:
    """The astronaut, who speaks twice as wide as the generator."""
    plain = read_style_clip(talking_clip)
    return replace(plain, expression=1.5 * plain.expression)


@pytest.fixture(scope="module")
def base() -> BaseModels:
    return BaseModels.load()


@pytest.fixture(scope="module")
def learnt(style_clip: StyleClip, base: BaseModels) -> Style:
    return transfer_style(style_clip, base, "made-up", QUICK)


def motion_of(video: Video) -> Motion:
    return joined([frame.motion for frame in video.motion()])


@pytest.mark.slow
def test_a_learnt_style_lies_nearer_to_the_clip_than_the_shipped_generator(
    style_clip: StyleClip, learnt: Style, base: BaseModels
) -> None:
    unchanged = replace(QUICK, steps=1, learning_rate=0.0, start="generator")
    _, untouched = transfer(base, style_clip, unchanged)
    best = max(learnt.provenance["curve"], key=lambda row: row["score"])
    assert best["distance"] < 0.95 * untouched[0]["distance"]
    assert best["lip_sync"] > 0.9


@pytest.mark.slow
def test_the_same_seed_learns_the_same_style_and_another_seed_another(
    style_clip: StyleClip, learnt: Style, base: BaseModels, tmp_path: Path
) -> None:
    again = transfer_style(style_clip, base, "made-up", QUICK)
    learnt.save(tmp_path / "one.safetensors")
    again.save(tmp_path / "two.safetensors")
    assert (tmp_path / "one.safetensors").read_bytes() == (tmp_path / "two.safetensors").read_bytes()
    other = transfer_style(style_clip, base, "made-up", replace(QUICK, seed=1))
    other.save(tmp_path / "other.safetensors")
    assert (tmp_path / "one.safetensors").read_bytes() != (tmp_path / "other.safetensors").read_bytes()
    assert other.provenance["curve"][-1] != learnt.provenance["curve"][-1]


@pytest.mark.slow
def test_learning_leaves_the_bottleneck_and_the_generator_as_they_are(learnt: Style, base: BaseModels) -> None:
    assert learnt.generator == base.generator.key == BaseModels.load().generator.key
    assert learnt.delta.keys() == {
        name for name, _ in base.generator.named_parameters() if not name.startswith("embed.")
    }


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [{"form": "paper"}, {"schedule": "joint"}, {"norm": "frobenius"}, {"norm": "sum"}, {"constraint": 0.0},
     {"regularisation": 0.0}, {"start": "generator"}, {"coverage": 0.0}],
    ids=str,
)  # fmt: skip
def test_every_reading_of_the_paper_runs_and_gives_finite_weights(
    style_clip: StyleClip, base: BaseModels, changes: dict
) -> None:
    recipe = replace(QUICK, steps=2, check_every=1, constrained_every=1, **changes)
    weights, curve = transfer(base, style_clip, recipe)
    assert all(torch.isfinite(change).all() for change in weights.values())
    assert curve[-1]["step"] == 2
    assert (curve[-1]["L_sc"] > 0) == (recipe.constraint > 0)


@pytest.mark.slow
def test_a_zero_shot_style_changes_the_read_out_alone_and_opens_as_wide_as_the_clip(
    style_clip: StyleClip, base: BaseModels
) -> None:
    style = transport_style(style_clip, base, "at-once")
    assert style.delta.keys() == {"readout.weight", "readout.bias"}
    changes = {name: torch.from_numpy(change) for name, change in style.delta.items()}
    plain, styled = (
        np.concatenate([lip_opening(motion.numpy()) for motion in base.replay.motions(one)])
        for one in (base.generator, base.generator.with_weight_delta(changes))
    )
    wanted = lip_opening(style_clip.expression).std()
    assert abs(styled.std() - wanted) < 0.5 * abs(plain.std() - wanted)


@pytest.mark.slow
def test_a_style_taken_from_a_clip_by_its_file_needs_no_training_and_bears_the_name_of_the_file(
    talking_clip: Path,
) -> None:
    stages: list[str] = []
    style = style_from_clip(talking_clip, license="CC0-1.0", progress=lambda stage, *_: stages.append(stage))
    assert (style.name, style.provenance["method"], style.license) == ("talking", "zero-shot", "CC0-1.0")
    assert set(stages) == {"tracking"}


def test_watching_can_stop_the_learning_of_a_style(talking_clip: Path, tmp_path: Path) -> None:
    def stop(stage: str, done: int, total: int) -> None:
        raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        learn_style(talking_clip, "mine", library=StyleLibrary(tmp_path / "styles"), progress=stop)
    assert not list(tmp_path.rglob("*.safetensors"))


@pytest.mark.slow
def test_no_style_goes_with_strength_zero_and_a_face_keeps_whole_at_one_and_a_half(
    animator: Animator, astronaut: np.ndarray, sentence: Waveform, learnt: Style
) -> None:
    plain, none, strong = (
        motion_of(animator.animate(astronaut, sentence, AnimationOptions(style=style, style_strength=strength)))
        for style, strength in ((None, 1.0), (learnt, 0.0), (learnt, 1.5))
    )
    for field in ("expression", "lids", "rotation", "translation", "units"):
        np.testing.assert_array_equal(getattr(plain, field), getattr(none, field))
    assert np.abs(strong.expression).max() < 0.6
    rest = animator.load_portrait(astronaut).measured.rest
    assert lip_openings(strong.expression + rest).min() > -1e-4


@pytest.mark.slow
def test_an_expression_that_lasts_stays_in_pauses_and_grows_with_strength(
    animator: Animator, astronaut: np.ndarray, learnt: Style
) -> None:
    units = np.zeros(51, np.float32)
    units[UNITS.index("browInnerUp")] = 0.4
    silence = Waveform(np.full(16000, 1e-4, np.float32), 16000)
    style = replace(learnt, units=units)
    half, whole = (
        motion_of(animator.animate(astronaut, silence, AnimationOptions(style=style, style_strength=strength)))
        for strength in (0.5, 1.0)
    )
    for motion in (half, whole):
        assert np.ptp(motion.units, axis=0).max() < 1e-6
        raised = np.tensordot(motion.units[0], expression_basis().landmarks, 1)[17:27, 1]
        np.testing.assert_allclose(motion.expression[:, 17:27, 1], np.tile(raised, (len(motion), 1)), atol=1e-5)
    inner = [20, 21, 22, 23]
    assert whole.expression[0, inner, 1].mean() < 1.3 * half.expression[0, inner, 1].mean() < -0.01


@pytest.mark.slow
def test_a_style_for_another_generator_is_refused_by_name(animator: Animator, learnt: Style) -> None:
    with pytest.raises(StyleError, match=r"learnt for Motion Generator 000"):
        animator.find_style(replace(learnt, generator="000"))


@pytest.mark.slow
def test_the_command_line_learns_a_style_from_a_clip_and_speaks_in_it(
    talking_clip: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def transfer_briefly(*arguments: Any) -> Any:
        base, clip, recipe, *rest = arguments
        return transfer(base, clip, replace(recipe, steps=20), *rest)

    monkeypatch.setattr("rhapsode.learning.learn.transfer", transfer_briefly)
    library = ["--library", str(tmp_path / "styles")]
    learnt = ["learn-style", str(talking_clip), "--name", "mine", "--json", *library]
    assert main(learnt) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["bytes"] < 5_000_000
    assert (tmp_path / "styles" / "mine.curve.png").read_bytes().startswith(b"\x89PNG")
    assert len(StyleLibrary(tmp_path / "styles").load("mine").references) == 4
    assert main(learnt) == 2
    assert "--overwrite" in capsys.readouterr().err
    still = tmp_path / "still.png"
    import skimage.data
    from PIL import Image

    Image.fromarray(skimage.data.astronaut()[:256, 96:352]).save(still)
    for number, style in enumerate(["mine*0.8", str(talking_clip)]):
        out = tmp_path / f"{number}.mp4"
        words = ["animate", "--portrait", str(still), "--text", "Good evening.", "--out", str(out), "--quiet"]
        assert main([*words, "--style", style, *library]) == 0
        assert out.stat().st_size > 10_000
    assert main([*words, "--style", "nobody", *library]) == 2
    assert "rhapsode styles" in capsys.readouterr().err


def test_a_name_that_is_not_allowed_is_refused_before_the_clip_is_looked_at(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["learn-style", str(tmp_path / "gone.mp4"), "--name", "My Style", "--library", str(tmp_path)]) == 2
    error = capsys.readouterr().err
    assert "My Style" in error
    assert "gone.mp4" not in error


def test_a_replay_set_takes_one_byte_for_each_number(tmp_path: Path) -> None:
    pieces = tuple((torch.rand(length, 6) * 2 - 1) * torch.arange(1, 7) for length in (5, 9))
    ReplaySet(pieces, "abc").save(tmp_path / "r.safetensors")
    again = ReplaySet.load(tmp_path / "r.safetensors")
    assert again.generator == "abc"
    for one, other in zip(pieces, again.pieces, strict=True):
        assert ((one - other).abs() <= (0.5 / 127 + 1e-6) * torch.arange(1, 7)).all()
    assert (tmp_path / "r.safetensors").stat().st_size < 700
