import hashlib
import json
import os
import tracemalloc
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.numpy import save_file
from safetensors.torch import save_file as save_torch_file
from tests.made_up import babble, made_up_generator, made_up_speech_model, made_up_style

from rhapsode.errors import StyleError
from rhapsode.face.mouth import lip_openings
from rhapsode.media.waveform import Waveform
from rhapsode.models.feature_generator import FeatureGenerator
from rhapsode.models.generators import Generator
from rhapsode.models.motion_generator import MotionGenerator
from rhapsode.motion.dims import EncoderDims, FeatureGeneratorDims, GeneratorDims
from rhapsode.motion.generator import RecurrentGenerator
from rhapsode.motion.head import HeadModel
from rhapsode.motion.retarget import CLOSURE
from rhapsode.motion.stream import generate
from rhapsode.style.file import LARGEST_FILE, LARGEST_UNIT
from rhapsode.style.motion_model import styled_motion_model
from rhapsode.style.style import STRONGEST, Style, blend


@pytest.fixture(scope="module")
def generator() -> RecurrentGenerator:
    return made_up_generator().to_numpy()


@pytest.fixture
def style(generator: RecurrentGenerator) -> Style:
    return made_up_style("ballad", generator)


@pytest.fixture
def file(style: Style, tmp_path: Path) -> Path:
    path = tmp_path / "ballad.safetensors"
    style.save(path)
    return path


def refused(path: Path, *words: str) -> None:
    """The file is refused in one line, with its name and the words in it."""
    with pytest.raises(StyleError) as caught:
        Style.load(path)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{path}: ")
    assert "; " in message  # how to fix it
    for word in words:
        assert word in message


def same(one: Style, other: Style) -> bool:
    def equal(a: Any, b: Any) -> bool:
        if isinstance(a, np.ndarray):
            return a.dtype == b.dtype and np.array_equal(a, b)
        if isinstance(a, dict):
            return a.keys() == b.keys() and all(equal(a[key], b[key]) for key in a)
        return bool(a == b)

    return all(equal(getattr(one, field.name), getattr(other, field.name)) for field in fields(Style))


def rewrite(
    path: Path, facts: dict[str, Any] | None = None, tensors: dict[str, np.ndarray | None] | None = None
) -> None:
    """Change a style's file and sign it anew, as somebody could who knows how; None takes something out."""
    with safe_open(path, "np") as opened:
        told = json.loads(opened.metadata()["style"].partition(" ")[2])
        held = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    told = {key: value for key, value in (told | (facts or {})).items() if value is not None}
    kept = {key: value for key, value in (held | (tensors or {})).items() if value is not None}
    text = json.dumps(told)
    digest = hashlib.sha256(text.encode())
    for name, value in sorted(kept.items()):
        digest.update(f"{name} {value.dtype} {value.shape}".encode() + value.tobytes())
    save_file(kept, path, metadata={"style": f"{digest.hexdigest()} {text}"})


def test_what_is_saved_is_loaded(style: Style, file: Path) -> None:
    assert same(Style.load(file), style)


def test_nothing_else_is_left_beside_the_file(file: Path) -> None:
    assert list(file.parent.iterdir()) == [file]


def test_the_same_style_gives_the_same_bytes(style: Style, tmp_path: Path) -> None:
    written = set()
    for n in range(20):
        style.save(tmp_path / f"{n}.safetensors")
        written.add((tmp_path / f"{n}.safetensors").read_bytes())
    assert len(written) == 1


def test_a_style_without_projection_keeps_nothing_of_the_voice(style: Style, tmp_path: Path) -> None:
    bare = replace(style, bank=None, projection=0.0)
    bare.save(tmp_path / "bare.safetensors")
    assert same(Style.load(tmp_path / "bare.safetensors"), bare)
    with safe_open(tmp_path / "bare.safetensors", "np") as file:
        assert "bank" not in file.keys()  # noqa: SIM118
    assert style.scaled(0).bank is None


def test_a_bank_without_projection_is_not_written(style: Style, tmp_path: Path) -> None:
    for unsound in (replace(style, projection=0.0), replace(style, bank=None)):
        with pytest.raises(StyleError, match=r"bank.*; learn it anew"):
            unsound.save(tmp_path / "new.safetensors")
    assert not list(tmp_path.iterdir())


def test_what_would_be_refused_later_is_not_written(style: Style, tmp_path: Path) -> None:
    name = "recurrent.bias_ih_l0"
    for value in (11.0, np.nan):
        unsound = replace(style, delta={**style.delta, name: np.full_like(style.delta[name], value)})
        with pytest.raises(StyleError, match=rf"new\.safetensors: .*delta\.{name}.*; learn it anew"):
            unsound.save(tmp_path / "new.safetensors")
    assert not list(tmp_path.iterdir())


def test_a_style_too_large_is_not_written(style: Style, tmp_path: Path) -> None:
    with pytest.raises(StyleError, match=r"large\.safetensors: .*smaller bank"):
        replace(style, bank=np.zeros((LARGEST_FILE // 2, 1), np.float32)).save(tmp_path / "large.safetensors")
    assert not list(tmp_path.iterdir())


def test_strength_zero_is_no_style(style: Style, generator: RecurrentGenerator) -> None:
    sound = Waveform(babble(1.0, 0), 16000)
    none = style.scaled(0)
    head = HeadModel(np.zeros((2, 5, 5)), np.eye(5), np.eye(5))
    speech = made_up_speech_model(generator)
    plain = generate(styled_motion_model(speech, head), sound)
    assert np.array_equal(generate(styled_motion_model(speech, head, style, 0), sound), plain)
    assert not np.array_equal(generate(styled_motion_model(speech, head, style), sound), plain)
    assert (none.blink_rate_scale, none.projection) == (1, 0)
    assert not none.units.any() and not none.response.any()
    rng = np.random.default_rng(0)
    head = HeadModel(rng.normal(size=(2, 5, 5)), np.eye(5), 0.5 * np.eye(5))
    still = none.move_head(head)
    for of, was in ((still.coefficients, head.coefficients), (still.speech, head.speech), (still.pause, head.pause)):
        assert np.array_equal(of, was)


@pytest.mark.parametrize("strength", [0.5, 1.0, 1.5])
def test_lips_close_with_a_style_where_they_do_without(
    style: Style, generator: RecurrentGenerator, strength: float
) -> None:
    head = HeadModel(np.zeros((2, 5, 5)), np.eye(5), np.eye(5))
    speech, sound = made_up_speech_model(generator), Waveform(babble(1.0, 0), 16000)
    plain, styled = (
        lip_openings(generate(styled_motion_model(speech, head, one, strength), sound)) for one in (None, style)
    )
    assert not np.array_equal(styled, plain)
    shut = (plain > 0) & (plain < CLOSURE)
    assert shut.any()
    assert (styled[shut] < plain[shut] + 1e-6).all()


def test_a_style_leaves_the_generator_as_it_was(style: Style, generator: RecurrentGenerator) -> None:
    before = generator.key
    assert style.apply(generator).key != before
    assert generator.key == before


def test_weights_change_by_what_the_style_says(style: Style, generator: RecurrentGenerator) -> None:
    styled, plain = style.scaled(0.5).apply(generator).weights, generator.weights
    for name, value in plain.items():
        change = 0.5 * style.delta[name] if name in style.delta else np.zeros_like(value)
        assert np.array_equal(styled[name], value + change)


@pytest.mark.parametrize("strength", [-0.1, STRONGEST + 0.01, float("nan"), float("inf")])
def test_a_strength_out_of_range_is_refused(style: Style, strength: float) -> None:
    with pytest.raises(StyleError, match=r"style strength .*; choose 0"):
        style.scaled(strength)


def test_a_mixture_adds_weights_and_multiplies_gains(style: Style, generator: RecurrentGenerator) -> None:
    other = made_up_style("angry", generator, seed=1, blink_rate_scale=0.5, license="CC-BY-4.0", projection=0.25)
    other = replace(other, delta={"recurrent.bias_ih_l0": other.delta["recurrent.bias_ih_l0"]})
    mixed = blend([(style, 0.5), (other, 1.25)], "both")
    both = 0.5 * style.delta["recurrent.bias_ih_l0"] + 1.25 * other.delta["recurrent.bias_ih_l0"]
    np.testing.assert_allclose(mixed.delta["recurrent.bias_ih_l0"], both, rtol=1e-6)
    np.testing.assert_allclose(mixed.delta["recurrent.weight_hh_l0"], 0.5 * style.delta["recurrent.weight_hh_l0"])
    np.testing.assert_allclose(mixed.units, 0.5 * style.units + 1.25 * other.units, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(mixed.response, 0.5 * style.response + 1.25 * other.response, rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(mixed.head_gain, style.head_gain**0.5 * other.head_gain**1.25, rtol=1e-5)
    assert mixed.blink_rate_scale == pytest.approx(1.5**0.5 * 0.5**1.25)
    assert np.array_equal(mixed.references, other.references)
    assert mixed.projection == 0.25
    assert mixed.license == "CC0-1.0; CC-BY-4.0"
    parts = mixed.provenance["mixed"]
    assert [(part["name"], part["weight"], part["clip"]) for part in parts] == [
        ("ballad", 0.5, "ballad.mp4"),
        ("angry", 1.25, "angry.mp4"),
    ]


def test_a_mixture_of_strong_expressions_goes_no_further_than_a_file_may(style: Style) -> None:
    one = np.full(51, 0.9 * LARGEST_UNIT, np.float32)
    assert blend([(replace(style, units=one), 1), (replace(style, units=one), 1)], "both").units.max() == LARGEST_UNIT


def test_a_mixture_of_nothing_is_refused() -> None:
    with pytest.raises(StyleError, match="nothing to mix; name a style"):
        blend([], "nothing")


def test_styles_of_different_generators_do_not_mix(style: Style) -> None:
    stranger = made_up_style("stranger", made_up_generator(1).to_numpy())
    with pytest.raises(StyleError, match=r"'stranger'.* different Motion Generators .*; learn the older one anew"):
        blend([(style, 1), (stranger, 0.5)], "both")


def test_a_style_made_for_another_generator_is_refused(style: Style, generator: RecurrentGenerator) -> None:
    other = made_up_generator(1).to_numpy()
    with pytest.raises(StyleError, match=f"'ballad': learnt for .*{generator.key}.* is {other.key}; learn it anew"):
        style.apply(other)


@pytest.mark.parametrize("name", ["recurrent.bias_ih_l0", "nothing.of.the.kind"])
def test_weights_that_do_not_fit_are_refused(style: Style, generator: RecurrentGenerator, name: str) -> None:
    with pytest.raises(StyleError, match="'ballad': learnt for"):
        replace(style, delta={name: np.zeros(1, np.float32)}).apply(generator)


@pytest.mark.parametrize("kind", ["shipped", "published"])
def test_whatever_a_style_trains_can_be_kept(kind: str, style: Style, tmp_path: Path) -> None:
    small = EncoderDims(hidden=8, layers=1)
    generator: Generator = (
        FeatureGenerator(FeatureGeneratorDims(features=16, hidden=8, components=4, kernel=3))
        if kind == "shipped"
        else MotionGenerator(GeneratorDims(hidden=8, layers=1, components=4, encoder=small))
    )
    styled = {id(each) for each in generator.styled_parameters()}
    delta = {
        name: np.zeros(each.shape, np.float32) for name, each in generator.named_parameters() if id(each) in styled
    }
    replace(style, delta=delta).save(tmp_path / "kept.safetensors")
    assert Style.load(tmp_path / "kept.safetensors").delta.keys() == delta.keys()


def test_the_heads_gain_scales_its_motion(style: Style) -> None:
    rng = np.random.default_rng(0)
    head = HeadModel(0.1 * rng.normal(size=(2, 5, 5)), 1e-6 * np.eye(5), 1e-6 * np.eye(5))
    voice = np.ones(240)
    plain = np.concatenate(head.sample(voice, np.random.default_rng(1)), axis=1)[:, :5]
    moved = np.concatenate(style.move_head(head).sample(voice, np.random.default_rng(1)), axis=1)[:, :5]
    np.testing.assert_allclose(moved, plain * style.head_gain, rtol=1e-3, atol=1e-10)


@pytest.mark.parametrize("kept", [0, 1, 8, 100, 0.5, -1])
def test_a_truncated_file_is_refused(file: Path, kept: float) -> None:
    data = file.read_bytes()
    file.write_bytes(data[: int(kept * len(data)) if kept == 0.5 else int(kept)])
    refused(file, "not a usable style")


def test_a_flipped_byte_is_refused_wherever_it_is(file: Path) -> None:
    data = file.read_bytes()
    for place in {*range(0, len(data), 97), *range(0, 600, 5), len(data) - 1}:
        changed = bytearray(data)
        changed[place] ^= 1
        file.write_bytes(changed)
        refused(file)


def test_changed_facts_are_refused(file: Path) -> None:
    data = file.read_bytes()
    assert data.count(b"CC0-1.0") == 1
    file.write_bytes(data.replace(b"CC0-1.0", b"CC0-2.0"))
    refused(file, "it was changed since it was made")


def test_a_file_signed_anew_is_read(style: Style, file: Path) -> None:
    rewrite(file, {"license": "mine"})
    assert same(Style.load(file), replace(style, license="mine"))


def facts(**changes: Any) -> Callable[[Path], None]:
    return lambda path: rewrite(path, facts=changes)


def tensors(**changes: Any) -> Callable[[Path], None]:
    return lambda path: rewrite(path, tensors=changes)


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (tensors(units=np.full(51, np.nan, np.float32)), "units is not all finite"),
        (tensors(bank=np.full((2, 160), np.inf, np.float16)), "bank is not all finite"),
        (tensors(units=np.zeros(51, np.float64)), "units"),
        (tensors(units=np.zeros(52, np.float32)), "units has shape (52,), not (51,)"),
        (tensors(response=np.zeros((1, 51), np.float32)), "response has shape (1, 51), not (2, 51)"),
        (tensors(response=np.full((2, 51), -5, np.float32)), "response holds numbers beyond 4"),
        (tensors(references=np.zeros((3, 68, 3), np.float32)), "references has shape"),
        (tensors(bank=np.zeros(160, np.float32)), "bank has shape"),
        (tensors(bank=np.zeros((0, 160), np.float32)), "bank has shape"),
        (tensors(bank=None), "projection without a bank"),
        (facts(projection=0.0), "a bank of voice features is there without projection"),
        (tensors(secret=np.zeros(3, np.float32)), "secret is no part of a style"),
        (tensors(head_gain=np.zeros(5, np.float32)), "head_gain is not 0.05 to 20"),
        (tensors(units=np.full(51, 5, np.float32)), "units holds numbers beyond 4"),
        (tensors(references=np.full((4, 68, 3), 1e30, np.float32)), "references holds numbers beyond 10"),
        (
            tensors(**{"delta.audio_encoder.mean": np.zeros(80, np.float16)}),
            "delta.audio_encoder.mean is no weight",
        ),
        (tensors(**{"delta.basis": np.zeros((4, 204), np.float16)}), "delta.basis is no weight"),
        (tensors(units=None), "units"),
        (facts(name=None), "name"),
        (facts(format=99), "format is 99"),
        (facts(blink_rate_scale=float("nan")), "blink_rate_scale"),
        (facts(blink_rate_scale=-1.0), "blink_rate_scale is -1.0, not 0 to 100"),
        (facts(blink_rate_scale="often"), "often"),
        (facts(blink_rate_scale=10**400), "too large"),
        (facts(gamma=2.0), "gamma"),
        (facts(gamma=[]), ""),
        (facts(provenance="a clip"), ""),
        (facts(provenance=3), ""),
    ],
)
def test_what_no_style_can_hold_is_refused_though_signed(file: Path, damage: Callable[[Path], None], word: str) -> None:
    damage(file)
    refused(file, "not a usable style", word)


def test_numbers_that_numpy_does_not_know_are_refused(file: Path) -> None:
    save_torch_file({"units": torch.zeros(51, dtype=torch.bfloat16)}, file, metadata={"style": "0 {}"})
    refused(file, "not a usable style")


def test_weights_of_something_else_are_refused(file: Path) -> None:
    made_up_generator().save(file)
    refused(file, "another kind of file")


def test_a_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "text.safetensors"
    path.write_text("Dear diary,\n" * 100)
    refused(path, "not a usable style")


def test_a_gigabyte_of_zeros_is_refused_unread(tmp_path: Path) -> None:
    path = tmp_path / "zeros.safetensors"
    path.touch()
    os.truncate(path, 10**9)
    tracemalloc.start()
    refused(path, "1000000000 bytes")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1_000_000


def test_zeros_of_a_styles_size_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "zeros.safetensors"
    path.write_bytes(bytes(100_000))
    refused(path, "not a usable style")


def test_a_folder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "folder.safetensors"
    path.mkdir()
    refused(path, "no style")


def test_a_pipe_is_refused_unopened(tmp_path: Path) -> None:
    path = tmp_path / "pipe.safetensors"
    os.mkfifo(path)
    refused(path, "no style")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    refused(tmp_path / "gone.safetensors", "no such file or directory", "check the path")
