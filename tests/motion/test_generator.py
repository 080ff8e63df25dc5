from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from rhapsode.audio.mel import log_mel
from rhapsode.bundle import Bundle
from rhapsode.data.loudness import normalise_loudness
from rhapsode.errors import WeightsError
from rhapsode.evaluation.clips import FIRST_GENERATOR
from rhapsode.media.synthesis import synthesise
from rhapsode.media.waveform import Waveform, resample
from rhapsode.models.motion_generator import MotionGenerator
from rhapsode.motion.generator import GeneratorState, NumpyMotionGenerator


@pytest.fixture(scope="module")
def sentence() -> Waveform:
    return resample(synthesise("Maybe my mother bought a big apple pie today."), 16000)


@pytest.mark.parametrize(
    ("model", "name"), [("default", "motion_generator.safetensors"), ("research", FIRST_GENERATOR)]
)
def test_it_speaks_as_the_generator_that_was_trained(model: str, name: str, sentence: Waveform) -> None:
    path = Bundle.load(model).path(name)
    plain, numpy_generator = MotionGenerator.load(path), NumpyMotionGenerator.load(path)
    mel = log_mel(normalise_loudness(sentence).samples)
    with torch.inference_mode():
        whole = plain.step(torch.from_numpy(mel)[None])[0][0].numpy()
    assert np.abs(numpy_generator.step(mel)[0] - whole).max() < 1e-5
    assert numpy_generator.key == plain.key and numpy_generator.dims == plain.dims


def test_speech_in_chunks_of_any_length_moves_as_the_whole_does_to_the_bit(sentence: Waveform) -> None:
    numpy_generator = NumpyMotionGenerator.load(Bundle.load().path("motion_generator.safetensors"))
    mel = log_mel(normalise_loudness(sentence).samples)
    whole = numpy_generator.step(mel)[0]
    borders = [0, 2, 4, 10, 12, 60, 100, len(mel)]
    state: GeneratorState | None = None
    parts = []
    for first, last in pairwise(borders):
        part, state = numpy_generator.step(mel[first:last], state)
        parts.append(part)
    assert np.array_equal(np.concatenate(parts), whole)


def test_the_mean_of_a_voice_holds_for_a_day(sentence: Waveform) -> None:
    numpy_generator = NumpyMotionGenerator.load(Bundle.load().path("motion_generator.safetensors"))
    mel = log_mel(normalise_loudness(sentence).samples)
    _, state = numpy_generator.step(mel)
    for _ in range(20):
        _, state = numpy_generator.step(mel, state)
    # A day of the same sentence: the sums grow, and with them their rounding.
    day = state._replace(weight=2000 * state.weight, total=2000 * state.total)
    _, after = numpy_generator.step(mel, day)
    first = (after.total - day.total) / (after.weight - day.weight)
    np.testing.assert_allclose(first, state.total / state.weight, rtol=1e-3)


def test_new_weights_leave_the_generator_as_it_was(sentence: Waveform) -> None:
    path = Bundle.load().path("motion_generator.safetensors")
    numpy_generator = NumpyMotionGenerator.load(path)
    before, other = numpy_generator.key, numpy_generator.with_weight_delta({"readout.bias": np.ones(32, np.float32)})
    assert numpy_generator.key == before != other.key
    assert other.weights["basis"] is numpy_generator.weights["basis"]


def test_a_file_that_is_none_is_named(tmp_path: Path) -> None:
    save_file({"x": np.zeros(3, np.float32)}, tmp_path / "foreign.safetensors", {"dims": '{"encoder": null}'})
    for name in ("missing", "foreign"):
        with pytest.raises(WeightsError, match=rf"{name}\.safetensors"):
            NumpyMotionGenerator.load(tmp_path / f"{name}.safetensors")
