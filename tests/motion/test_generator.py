from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from rhapsode.audio.agc import AutomaticGainControl
from rhapsode.audio.mel import log_mel
from rhapsode.bundle import Bundle
from rhapsode.errors import WeightsError
from rhapsode.evaluation.clips import FIRST_GENERATOR
from rhapsode.media.synthesis import synthesise
from rhapsode.media.waveform import Waveform, resample
from rhapsode.models.generators import load_generator
from rhapsode.models.motion_generator import MotionGenerator
from rhapsode.motion.mel_encoder import MelEncoder, Voice
from rhapsode.motion.model import GENERATOR, SpeechModel
from rhapsode.motion.stream import condensed_features


@pytest.fixture(scope="module")
def sentence() -> Waveform:
    return resample(synthesise("Maybe my mother bought a big apple pie today."), 16000)


@pytest.fixture(scope="module")
def first() -> Path:
    """The generator of the first version, in the published form."""
    return Bundle.load("research").path(FIRST_GENERATOR)


def frames_of(speech: SpeechModel, condensed: np.ndarray) -> np.ndarray:
    state, frames = None, []
    for row in condensed:
        frame, state = speech.generator.step(row, state)
        frames.append(frame)
    return np.stack(frames)


def test_the_shipped_generator_speaks_as_the_one_that_was_trained(sentence: Waveform) -> None:
    speech = SpeechModel.load(Bundle.load())
    trained = load_generator(Bundle.load().path(GENERATOR))
    condensed = condensed_features(speech, sentence.samples)
    with torch.inference_mode():
        whole = trained.decode(torch.from_numpy(condensed)[None])[0].numpy()
    assert np.abs(frames_of(speech, condensed) - whole).max() < 1e-5
    assert speech.generator.key == trained.key


def test_the_published_form_speaks_as_the_one_that_was_trained(first: Path, sentence: Waveform) -> None:
    speech, trained = SpeechModel.read(first), MotionGenerator.load(first)
    mel = torch.from_numpy(log_mel(AutomaticGainControl().push(sentence.samples)))
    with torch.inference_mode():
        whole = trained.step(mel[None])[0][0].numpy()
    made = frames_of(speech, condensed_features(speech, sentence.samples))
    assert np.abs(made[: len(whole)] - whole)[:-1].max() < 1e-5
    assert speech.generator.key == trained.key and speech.look_ahead == trained.look_ahead


@pytest.mark.parametrize("wide", [False, True])
def test_sound_in_pieces_of_any_length_is_heard_as_the_whole_to_the_bit(wide: bool, sentence: Waveform) -> None:
    speech = SpeechModel.load(Bundle.load())
    encoder = (speech.wide if wide else speech).encoder
    samples = np.concatenate([sentence.samples[:16000], np.zeros(32000, np.float32)])
    whole = np.stack(list(encoder.start().push(samples)))
    stream, parts, first = encoder.start(), [], 0
    for length in (1, 7, 160, 1000, 3, len(samples)):
        parts += list(stream.push(samples[first : first + length]))
        first += length
    assert np.array_equal(np.stack(parts), whole)
    # The sound that was pushed, less the look-ahead that is told, and what a step of the encoder waits for.
    assert 60 * len(samples) // 16000 - len(whole) <= encoder.look_ahead + 3


def test_the_mean_of_a_voice_holds_for_a_day(first: Path, sentence: Waveform) -> None:
    encoder = SpeechModel.read(first).encoder
    assert isinstance(encoder, MelEncoder)
    pairs = log_mel(sentence.samples).reshape(-1, 2, 80)
    voice, hidden = None, None
    for pair in pairs:
        _, voice, hidden = encoder.step(pair, voice, hidden)
    assert voice is not None
    # A day of the same sentence: the sums grow, and with them their rounding.
    day = Voice(voice.weight * 40_000, voice.total * 40_000)
    after = day
    for pair in pairs:
        _, after, hidden = encoder.step(pair, after, hidden)
    gained = (after.total - day.total) / (after.weight - day.weight)
    np.testing.assert_allclose(gained, voice.total / voice.weight, rtol=1e-3)


def test_new_weights_leave_the_generator_as_it_was() -> None:
    generator = SpeechModel.load(Bundle.load()).generator
    before, other = generator.key, generator.with_weight_delta({"readout.bias": np.ones(32, np.float32)})
    assert generator.key == before != other.key
    assert other.weights["basis"] is generator.weights["basis"]


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    save_file({"x": np.zeros(3, np.float32)}, tmp_path / "foreign.safetensors", {"dims": '{"encoder": null}'})
    for name in ("missing", "foreign"):
        with pytest.raises(WeightsError, match=rf"{name}\.safetensors"):
            SpeechModel.read(tmp_path / f"{name}.safetensors")


def test_a_generator_without_its_audio_encoder_says_so(tmp_path: Path) -> None:
    (tmp_path / GENERATOR).write_bytes(Bundle.load().path(GENERATOR).read_bytes())
    with pytest.raises(WeightsError, match=r"audio_encoder\.onnx"):
        SpeechModel.read(tmp_path / GENERATOR)
