import csv
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.made_up import made_up_speech, make_store

from rhapsode.audio.whisper_mel import SILENCE
from rhapsode.bundle import Bundle
from rhapsode.data.augment import augment_whisper_mel
from rhapsode.data.speech import read_speech
from rhapsode.data.store import ClipStore
from rhapsode.models.feature_generator import FeatureGenerator
from rhapsode.models.windowed_encoder import WindowedEncoder
from rhapsode.models.windowed_export import export
from rhapsode.motion.dims import FeatureGeneratorDims, WindowedDims
from rhapsode.motion.model import SpeechModel
from rhapsode.training import feature_generator, lip_teachers, whisper_speech, windowed_encoder
from rhapsode.training.feature_generator import FeatureGeneratorRecipe, generator_loss
from rhapsode.training.feature_windows import FeatureWindows, mirrored
from rhapsode.training.lip_teachers import LipTeachersRecipe
from rhapsode.training.loop import Loop
from rhapsode.training.whisper_speech import TEACHERS, prepare_speech
from rhapsode.training.windowed_encoder import WindowedEncoderRecipe, correlation

DIMS = WindowedDims(width=16, heads=2, ahead=(1, 1), ahead_wide=(4, 4), back=20, period=50)


class MadeUpWhisper:
    """Gives the loudness of each moment, as wide as a layer is."""

    def __init__(self, model: str) -> None:
        self._width = TEACHERS[model][1]

    def layers(self, samples: np.ndarray, wanted: list[int]) -> list[np.ndarray]:
        frames = -(-len(samples) // 320)
        loud = np.abs(np.resize(samples, frames * 320)).reshape(frames, 320).mean(1, keepdims=True)
        return [np.repeat(loud, self._width, 1) * np.linspace(0.5, 1, self._width)]


@pytest.fixture
def _no_whisper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whisper_speech, "Whisper", MadeUpWhisper)
    monkeypatch.setattr(lip_teachers, "Whisper", MadeUpWhisper)


@pytest.mark.usefixtures("_no_whisper")
def test_two_steps_of_every_recipe_one_after_the_other_make_a_model(tmp_path: Path) -> None:
    store, loop, model = make_store(tmp_path / "clips", ["train", "val"]), Loop(steps=2, check_every=1), tmp_path / "m"
    teachers = lip_teachers.train(
        LipTeachersRecipe(store, model, teachers=1, dims=FeatureGeneratorDims(896, 8, 4), loop=loop)
    )
    speech = made_up_speech(tmp_path / "speech")
    with (speech / "speech.csv").open("a") as listed:
        listed.write("broken.wav,c,en,1.5,none\n")
    (speech / "broken.wav").write_bytes(b"")
    prepared = prepare_speech(read_speech(speech), tmp_path / "prepared")
    assert len(prepared) == 6, "three utterances, each at two speeds, and one of no use"
    lip_teachers.predict(teachers, [path for _, path in prepared], tmp_path / "lips")
    recipe = WindowedEncoderRecipe(
        (speech,), store, model, speech_store=tmp_path / "prepared", lips_of_speech=tmp_path / "lips", dims=DIMS,
        whisper="", batch=2, lip_batch=2, frames=40, loop=loop,
    )  # fmt: skip
    encoder = windowed_encoder.train(recipe)
    assert WindowedEncoder.load(encoder).dims == DIMS
    with (model / "training" / "windowed_encoder" / "windowed_encoder.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["step"] for row in rows] == ["1", "2"] and float(rows[0]["lips"]) > 0
    again = windowed_encoder.train(replace(recipe, out=tmp_path / "again", start=encoder))
    assert WindowedEncoder.load(again).dims == DIMS
    exported = export(WindowedEncoder.load(encoder), tmp_path / "encoder.onnx")
    generator = feature_generator.train(
        FeatureGeneratorRecipe(
            store, model, encoder=exported, dims=FeatureGeneratorDims(16, 8, 4), motion_of_speech=tmp_path / "lips",
            spoken_motion=tmp_path / "lips", batch=2, unfilmed=2, spoken=1, loop=loop,
        )
    )  # fmt: skip
    assert FeatureGenerator.load(generator)(torch.zeros(1, 20, 16)).shape == (1, 20, 68, 3)
    made = {"lip_teacher_0.safetensors", "windowed_encoder.safetensors", "motion_generator.safetensors"}
    assert all(Bundle.load(model).own(name) for name in made)
    # It runs with the encoder that it learnt from.
    assert Bundle.load(model).own("audio_encoder.onnx")
    assert SpeechModel.load(Bundle.load(model)).encoder.width == 16


def test_a_clip_played_faster_is_shorter_in_sound_and_motion(tmp_path: Path) -> None:
    store = ClipStore.open(make_store(tmp_path, ["train"]))
    speeds = (Fraction(1), Fraction(20, 17))
    loudness = lambda samples, frames: [np.resize(samples, (frames, 1))]  # noqa: E731
    slow, fast = FeatureWindows.of(store.load_all(), loudness, 40, speeds).clips
    pauses = 2 * 36
    assert len(slow.features[0]) == len(slow.expression) == 120 + pauses
    assert len(fast.features[0]) == len(fast.expression) == 102 + pauses


def test_a_face_rests_in_the_silence_around_a_clip_but_may_move_just_beside_it(tmp_path: Path) -> None:
    store = ClipStore.open(make_store(tmp_path, ["train"]))
    (clip,) = FeatureWindows.of(store.load_all(), lambda _, frames: [np.zeros((frames, 1))], 40, [Fraction(1)]).clips
    assert not clip.expression[:36].any() and clip.expression[36:-36].any()
    assert clip.real[:24].all() and not clip.real[24:36].any() and clip.real[36:-36].all()


def test_the_real_motion_costs_nothing_and_an_open_mouth_that_should_be_shut_does() -> None:
    torch.manual_seed(0)
    real = torch.zeros(2, 50, 68, 3)
    real[:, :, 66, 1] = 0.05 * torch.rand(2, 50)
    there = torch.ones(2, 50)
    terms = generator_loss(real, real, there)
    assert all(abs(float(term)) < 1e-3 for term in terms.values())
    wrong = real.clone()
    wrong[:, :, 66, 1] = real[:, :, 66, 1].flip(1)
    assert all(generator_loss(wrong, real, there)[name] > terms[name] for name in ("corr", "squared", "closure"))


def test_lips_that_cross_cost() -> None:
    real, there = torch.zeros(1, 10, 68, 3), torch.ones(1, 10)
    crossed = real.clone()
    crossed[:, :, 66, 1] = -0.05
    assert generator_loss(crossed, real, there)["crossed"] > 0
    assert generator_loss(real, real, there)["crossed"] == 0


def test_a_face_mirrored_twice_is_the_face() -> None:
    offsets = torch.randn(3, 68, 3)
    torch.testing.assert_close(mirrored(mirrored(offsets)), offsets)
    assert mirrored(offsets)[0, 48, 0] == -offsets[0, 54, 0]


def test_correlation_leaves_out_frames_that_do_not_count() -> None:
    made, there = torch.randn(1, 30, 2), torch.ones(1, 30, 1)
    real = 3 * made + 1
    real[:, 20:] = 0
    there[:, 20:] = 0
    torch.testing.assert_close(correlation(made, real, there), torch.ones(1, 2), atol=1e-4, rtol=0)


def test_augmented_sound_stays_above_silence() -> None:
    mel = torch.full((4, 40, 80), SILENCE)
    augmented = augment_whisper_mel(mel, torch.Generator().manual_seed(0), 1.0)
    assert augmented.shape == mel.shape and (augmented >= SILENCE).all() and (augmented != mel).any()
