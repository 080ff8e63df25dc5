from dataclasses import replace

import numpy as np
import pytest

from rhapsode.audio.projection import FeatureBank
from rhapsode.bundle import Bundle
from rhapsode.face.geometry import mean_face
from rhapsode.face.landmarks import EYES
from rhapsode.face.mouth import lip_distance
from rhapsode.media.synthesis import synthesise
from rhapsode.media.waveform import Waveform, resample
from rhapsode.motion.head import HeadModel
from rhapsode.motion.model import SpeechModel
from rhapsode.motion.motion import joined
from rhapsode.motion.stream import MotionStream, StyledMotionModel, condensed_features, generate
from rhapsode.style.motion_model import styled_motion_model
from rhapsode.training.made_up_music import make_music
from rhapsode.training.revoice import whispered


@pytest.fixture(scope="module")
def shipped() -> StyledMotionModel:
    bundle = Bundle.load()
    return styled_motion_model(SpeechModel.load(bundle), HeadModel.load(bundle.path("head_motion.safetensors")))


@pytest.fixture(scope="module")
def sentence() -> Waveform:
    return resample(synthesise("Maybe my mother bought a big apple pie today."), 16000)


def test_motion_comes_at_sixty_a_second_for_the_whole_sound(shipped: StyledMotionModel, sentence: Waveform) -> None:
    offsets = generate(shipped, sentence)
    assert offsets.shape == (int(np.ceil(len(sentence.samples) * 60 / 16000)), 68, 3)
    assert offsets.dtype == np.float32 and np.isfinite(offsets).all()


def test_the_mouth_opens_and_closes_while_a_sentence_is_spoken(shipped: StyledMotionModel, sentence: Waveform) -> None:
    opening = lip_distance(generate(shipped, sentence) + mean_face())
    assert opening.max() > 0.1 and opening.min() < 0.04
    assert (np.diff(np.sign(opening - 0.06)) != 0).sum() >= 6


def test_the_eyelids_are_left_to_the_blinks(shipped: StyledMotionModel, sentence: Waveform) -> None:
    assert np.abs(generate(shipped, sentence)[:, EYES]).max() == 0


def test_loudness_makes_no_difference_once_the_level_is_known(shipped: StyledMotionModel, sentence: Waveform) -> None:
    twice = np.tile(sentence.samples, 2)
    loud, quiet = (generate(shipped, Waveform(twice * np.float32(gain), sentence.rate))[-120:] for gain in (1.0, 0.1))
    assert np.abs(quiet - loud).max() < 0.02


def test_a_bank_of_the_voice_itself_changes_less_than_a_strange_one(
    shipped: StyledMotionModel, sentence: Waveform
) -> None:
    speech = SpeechModel(shipped.encoder, shipped.generator)
    features = condensed_features(speech, sentence.samples)
    own, strange = FeatureBank(features), FeatureBank(np.zeros((10, speech.generator.width), np.float32))
    plain = generate(shipped, sentence)

    def change(bank: FeatureBank, mix: float) -> float:
        return float(np.abs(generate(replace(shipped, bank=bank, projection=mix), sentence) - plain).max())

    assert change(own, 1.0) < 0.5 * change(strange, 1.0)
    assert change(strange, 0.0) == 0


def test_the_gate_that_ships_belongs_to_the_encoder_that_ships(shipped: StyledMotionModel) -> None:
    assert shipped.gate is not None, "train it again: rhapsode train voice-gate"


@pytest.mark.parametrize("gated", [True, False])
def test_a_voice_is_told_alike_however_a_sound_arrives(
    shipped: StyledMotionModel, sentence: Waveform, gated: bool
) -> None:
    model = shipped if gated else replace(shipped, gate=None)
    whole = MotionStream(model, mean_face()).of(sentence)
    stream = MotionStream(model, mean_face())
    pieces = [sentence.samples[first : first + 777] for first in range(0, len(sentence.samples), 777)]
    arrived = joined([motion for piece in pieces for motion in stream.push(piece)] + stream.end())
    np.testing.assert_array_equal(arrived.voice, whole.voice)
    np.testing.assert_array_equal(arrived.expression, whole.expression)
    assert whole.voice.max() > 0.99


def test_a_voice_under_music_as_loud_and_a_whisper_move_the_mouth_more_than_music_alone(
    shipped: StyledMotionModel, sentence: Waveform
) -> None:
    def opening(samples: np.ndarray) -> float:
        motion = MotionStream(shipped, mean_face()).of(Waveform(samples.astype(np.float32), 16000))
        return float(lip_distance(motion.expression + mean_face()).mean())

    rng = np.random.default_rng(5)
    voice = np.pad(0.1 * sentence.samples / sentence.samples.std(), (8000, 8000))
    music = make_music(len(voice) / 16000, rng)
    clean, rest = opening(voice), opening(np.zeros_like(voice))
    assert opening(voice + music) - rest > 0.5 * (clean - rest)
    assert opening(whispered(voice.astype(np.float32), rng)) - rest > 0.5 * (clean - rest)
    assert opening(music) - rest < 0.5 * (clean - rest)
